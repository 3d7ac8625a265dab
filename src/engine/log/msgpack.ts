/** MessagePack, as far as pairs of strings go (its specification, "str format family"). Pure. */

/** Name and value of each, one after another, without the head of a map. */
export function msgpackPairs(pairs: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.concat(Object.entries(pairs).flat().map(packed));
}

function packed(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([head(bytes.length), bytes]);
}

function head(length: number): Buffer {
  if (length < 32) return Buffer.from([0xa0 | length]);
  if (length < 1 << 8) return Buffer.from([0xd9, length]);
  if (length < 1 << 16) return Buffer.from([0xda, length >> 8, length & 0xff]);
  const long = Buffer.from([0xdb, 0, 0, 0, 0]);
  long.writeUInt32BE(length, 1);
  return long;
}
