/** Messages of protocol buffers (protobuf.dev, "Encoding"), as criu's requests and images are made of them. Pure. */

/** Numbers are whole, from 0 to 2^53; a message is the fields of another one. */
export type Value = number | boolean | string | Fields;
export type Fields = readonly (readonly [field: number, value: Value])[];

const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export function encodeMessage(fields: Fields): Uint8Array {
  return Uint8Array.from(fields.flatMap(([field, value]) => encodeField(field, value)));
}

function encodeField(field: number, value: Value): number[] {
  if (typeof value === 'number' || typeof value === 'boolean') {
    return [...varint(field * 8 + wire.varint), ...varint(Number(value))];
  }
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : encodeMessage(value);
  return [...varint(field * 8 + wire.bytes), ...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return [...bytes, rest];
}

/**
 * The last value of each field by its number: a number for what is one, else its bytes.
 *
 * @returns undefined for what is no message
 */
export function decodeMessage(message: Uint8Array): Map<number, number | Uint8Array> | undefined {
  const found = new Map<number, number | Uint8Array>();
  let at = 0;
  const takeVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  const takeBytes = (length: number): Uint8Array | undefined => {
    const end = at + length;
    if (!(end <= message.length)) return undefined;
    const bytes = message.subarray(at, end);
    at = end;
    return bytes;
  };
  const take = (kind: number): number | Uint8Array | undefined => {
    if (kind === wire.varint) return takeVarint();
    if (kind === wire.bytes) return takeBytes(takeVarint());
    if (kind === wire.fixed64) return takeBytes(8);
    return kind === wire.fixed32 ? takeBytes(4) : undefined;
  };
  while (at < message.length) {
    const tag = takeVarint();
    const value = take(tag % 8);
    if (value === undefined || Number.isNaN(value)) return undefined;
    found.set(Math.floor(tag / 8), value);
  }
  return found;
}
