/**
 * Writes headers of tar archives: ustar (POSIX.1-1988) with a pax extended header (POSIX.1-2001) where ustar has no room.
 * Pure. Deterministic: the same entries give the same bytes, on any machine, at any time; nothing is written but what
 * `TarEntry` says (no names of users, no time of access or change).
 *
 * Law: `readTar` of what is written here gives the same entries again (tar-write.test.ts).
 */
import { OnggiError } from '../errors.ts';
import type { TarEntry, TarEntryType } from './tar-entry.ts';
import { blockSize } from './tar-header.ts';

/** Two blocks of zeros end an archive. */
export const endOfArchive: Buffer = Buffer.alloc(2 * blockSize);

/** Bytes after content of this size, up to the next block. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

/**
 * All that comes before the content of an entry.
 * @throws OnggiError `unsupported` for a value that no tar can hold
 */
export function encodeHeader(entry: TarEntry): Buffer {
  const name = entry.type === 'directory' ? withSlash(entry.name) : entry.name;
  const split = splitName(name);
  const records = new Map<string, Buffer>();
  if (split === undefined) records.set('path', name);
  if (entry.linkName.length > linkLength) records.set('linkpath', entry.linkName);
  for (const [key, value, most] of [
    ['uid', entry.uid, largestId],
    ['gid', entry.gid, largestId],
    ['size', entry.size, largestSize],
  ] as const) {
    if (value > most) records.set(key, Buffer.from(String(value)));
  }
  const { seconds, nanoseconds } = entry.modified;
  const plainTime = nanoseconds === 0 && seconds >= 0 && seconds <= largestSize;
  if (!plainTime) records.set('mtime', Buffer.from(formatTime(seconds, nanoseconds)));
  for (const [attribute, value] of entry.attributes) records.set(`SCHILY.xattr.${attribute}`, value);
  const header = encodeBlock(entry, split ?? { prefix: noBytes, name: cut(name, nameLength) }, plainTime);
  return records.size === 0 ? header : Buffer.concat([encodePax(records), header]);
}

const noBytes = Buffer.alloc(0);
const nameLength = 100;
const linkLength = 100;
const prefixLength = 155;
/** Seven and eleven octal digits, and a NUL. */
const largestId = 0o7777777;
const largestSize = 0o77777777777;

const typeFlags: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

function withSlash(name: Buffer): Buffer {
  return name.at(-1) === 0x2f ? name : Buffer.concat([name, Buffer.from('/')]);
}

type SplitName = { readonly prefix: Buffer; readonly name: Buffer };

/** A long name is cut at a slash, which is not written. Undefined when that gives no two parts that fit. */
function splitName(name: Buffer): SplitName | undefined {
  if (name.length <= nameLength) return { prefix: noBytes, name };
  // The slash at the end of a directory's name belongs to it.
  const slash = name.lastIndexOf(0x2f, Math.min(prefixLength, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > nameLength) return undefined;
  return { prefix: name.subarray(0, slash), name: name.subarray(slash + 1) };
}

function cut(bytes: Buffer, length: number): Buffer {
  return bytes.length <= length ? bytes : bytes.subarray(0, length);
}

function encodeBlock(entry: TarEntry, { prefix, name }: SplitName, plainTime: boolean): Buffer {
  const block = Buffer.alloc(blockSize);
  name.copy(block, 0);
  octal(block, 100, 8, entry.mode & 0o7777);
  octal(block, 108, 8, entry.uid > largestId ? 0 : entry.uid);
  octal(block, 116, 8, entry.gid > largestId ? 0 : entry.gid);
  octal(block, 124, 12, entry.size > largestSize ? 0 : entry.size);
  octal(block, 136, 12, plainTime ? entry.modified.seconds : 0);
  block.write(typeFlags[entry.type], 156, 'latin1');
  cut(entry.linkName, linkLength).copy(block, 157);
  block.write('ustar\u000000', 257, 'latin1');
  if (entry.type === 'character' || entry.type === 'block') {
    octal(block, 329, 8, device('major', entry.major));
    octal(block, 337, 8, device('minor', entry.minor));
  }
  prefix.copy(block, 345);
  return withChecksum(block);
}

function device(what: string, number: number): number {
  if (number <= largestId) return number;
  throw new OnggiError('unsupported', `tar archive: device ${what} ${number} is over ${largestId}`);
}

function octal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
}

/** The sum of all bytes with the field itself as blanks: six digits, NUL, blank. */
function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  let sum = 0;
  // Not by for-of: its iterator takes ten times as long, a tenth of a commit of 10,000 files.
  for (let index = 0; index < blockSize; index += 1) sum += block[index] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
  return block;
}

/** Inverse of `parseTime` in pax.ts: the fraction counts towards the sign. */
function formatTime(seconds: number, nanoseconds: number): string {
  const negative = seconds < 0 && nanoseconds > 0;
  const whole = negative ? -(seconds + 1) : Math.abs(seconds);
  const rest = negative ? 1_000_000_000 - nanoseconds : nanoseconds;
  const fraction = rest === 0 ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
  return `${seconds < 0 ? '-' : ''}${whole}${fraction}`;
}

/** An entry of type "x" whose content are the records, by key. */
function encodePax(records: ReadonlyMap<string, Buffer>): Buffer {
  const keys = [...records.keys()].sort();
  const body = Buffer.concat(keys.map((key) => paxRecord(key, records.get(key) ?? noBytes)));
  const block = Buffer.alloc(blockSize);
  block.write('PaxHeader', 0, 'latin1');
  octal(block, 100, 8, 0o644);
  for (const offset of [108, 116]) octal(block, offset, 8, 0);
  octal(block, 124, 12, body.length);
  octal(block, 136, 12, 0);
  block.write('x', 156, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  return Buffer.concat([withChecksum(block), body, Buffer.alloc(paddingOf(body.length))]);
}

/** "LENGTH KEY=VALUE\n", where LENGTH counts its own digits, too. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + String(rest.length).length;
  if (rest.length + String(length).length > length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
