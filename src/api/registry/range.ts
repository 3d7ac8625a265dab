/** Ranges of bytes: those that a client wants (RFC 9110, section 14) and those that it sends (OCI distribution). Pure. */

/** From `start` up to, not including, `end`. */
export type ByteRange = { readonly start: number; readonly end: number };

/**
 * What part of `size` bytes a Range header asks for. Several ranges, or words that mean nothing, are answered with the
 * whole, as section 14.2 allows.
 * @returns 'unsatisfiable' when it begins after the end
 */
export function wantedRange(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(header ?? '');
  if (match === null) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? 'unsatisfiable' : { start: size - suffix, end: size };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'whole';
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}

/** `Content-Range: 0-99` of a chunk, both ends counted; RFC 9110's `bytes 0-99/*` too. Undefined: not of that form. */
export function sentRange(header: string): ByteRange | undefined {
  const match = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]+|\*))?$/.exec(header.trim());
  if (match === null) return undefined;
  const start = Number(match[1]);
  const end = Number(match[2]) + 1;
  return end > start ? { start, end } : undefined;
}

/** `Range` of what came so far: "0-99"; "0-0" for nothing, as Docker's registry has it. */
export function receivedRange(size: number): string {
  return `0-${Math.max(0, size - 1)}`;
}
