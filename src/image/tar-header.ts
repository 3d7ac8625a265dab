/**
 * One 512-byte header block of a tar archive: ustar (POSIX.1-1988), the pax ustar block (POSIX.1-2001, "pax
 * Interchange Format"), GNU tar and old V7. Pure.
 */
import { OnggiError } from '../errors.ts';

export const blockSize = 512;

/** Fields as they lie in the block; strings are bytes, because file names have no encoding. */
export type TarHeader = {
  readonly type: string;
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly modified: number;
  readonly major: number;
  readonly minor: number;
};

/** Undefined for a block of zeros, the end mark. @throws OnggiError `corrupt` */
export function parseHeader(block: Buffer): TarHeader | undefined {
  const sum = checksum(block);
  // Only a block of zeros has this sum with an empty checksum field.
  if (sum.unsigned === 8 * 0x20 && block.every((byte) => byte === 0)) return undefined;
  const stored = parseNumber(block, 148, 8, 'checksum');
  if (stored !== sum.unsigned && stored !== sum.signed) throw corrupt('header checksum is wrong');
  const magic = block.toString('latin1', 257, 263);
  const isUstar = magic === 'ustar\0';
  const name = field(block, 0, 100);
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name: isUstar ? withPrefix(block, name) : name,
    linkName: field(block, 157, 100),
    mode: parseNumber(block, 100, 8, 'mode'),
    uid: parseNumber(block, 108, 8, 'uid'),
    gid: parseNumber(block, 116, 8, 'gid'),
    size: parseNumber(block, 124, 12, 'size'),
    modified: parseNumber(block, 136, 12, 'mtime'),
    // V7 has no device fields; what lies there may be anything.
    major: magic.startsWith('ustar') ? parseNumber(block, 329, 8, 'device major') : 0,
    minor: magic.startsWith('ustar') ? parseNumber(block, 337, 8, 'device minor') : 0,
  };
}

/** star's variant of ustar keeps times behind a prefix of 131 bytes and marks it at the end of the block. */
function withPrefix(block: Buffer, name: Buffer): Buffer {
  const length = block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155;
  const prefix = field(block, 345, length);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** Up to the first NUL. A copy: the block is used again. */
function field(block: Buffer, start: number, length: number): Buffer {
  const bytes = block.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end));
}

/** Some old implementations added the bytes as signed ones. The checksum field itself counts as blanks. */
function checksum(block: Buffer): { unsigned: number; signed: number } {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let index = 0; index < blockSize; index += 1) {
    if (index === 148) index += 8;
    const byte = block[index] ?? 0;
    unsigned += byte;
    if (byte > 127) high += 1;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

/** Octal digits with blanks around, or GNU's base 256: high bit set, big endian, two's complement. */
export function parseNumber(block: Buffer, start: number, length: number, what: string): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) !== 0) return base256(block, start, length, what);
  let index = start;
  const end = start + length;
  while (index < end && block[index] === 0x20) index += 1;
  let value = 0;
  for (; index < end; index += 1) {
    const digit = (block[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; index < end; index += 1) {
    const rest = block[index];
    if (rest === 0) break;
    if (rest !== 0x20) throw corrupt(`${what} is not an octal number`);
  }
  return value;
}

function base256(block: Buffer, start: number, length: number, what: string): number {
  const negative = block[start] === 0xff;
  if (!negative && block[start] !== 0x80) throw corrupt(`${what} is out of range`);
  let value = 0n;
  for (let index = start + 1; index < start + length; index += 1) value = value * 256n + BigInt(block[index] ?? 0);
  if (negative) value -= 1n << BigInt(8 * (length - 1));
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER)) {
    throw corrupt(`${what} is out of range`);
  }
  return Number(value);
}

function corrupt(found: string): OnggiError {
  return new OnggiError('corrupt', `tar archive: ${found}`);
}
