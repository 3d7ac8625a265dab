/**
 * Randomness for names and choices. By the Web Crypto global: node:crypto has it too, but takes a twentieth of what
 * starting a container takes to load.
 */

/** So many random bytes, in hexadecimal. */
export function randomHex(bytes: number): string {
  let text = '';
  for (const value of crypto.getRandomValues(new Uint8Array(bytes))) text += value.toString(16).padStart(2, '0');
  return text;
}

/** A whole number of [0, `limit`), each as likely as the others to within 2⁻²¹; `limit` is at most 2³². */
export function randomBelow(limit: number): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  // 53 bits, as many as a double holds.
  return Math.floor((((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53) * limit);
}
