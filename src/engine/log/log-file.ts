/**
 * Reads what the shim wrote: entries, rotated as `log`, `log.1`, `log.2`
 * with the highest number the oldest. The shim appends whole lines, so a line without its newline is still being
 * written and is left for the next look.
 *
 * Rotation renames from the highest number down and makes a new `log` last (native/log/log.c), while readers read. So a
 * file is known by its inode, not its name; files are opened from the newest to the oldest, against the direction in
 * which they move, and a missing number does not mean that there are none after it.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { errnoOf, fromSystemError } from '../../errors.ts';
import { scratchFile } from '../../kernel/memory-file.ts';
import type { LogChunk, LogDriver, LogEntry, LogQuery } from '../types.ts';
import { type BlockReader, blockReader, isSelected } from './log-block.ts';
import { type EntryReader, lineReader, parseK8sLine, parseLine } from './log-lines.ts';
import { recordReader } from './log-records.ts';

/** Drivers whose files can be read. */
export type LogFormat = Extract<LogDriver, 'json-file' | 'k8s-file' | 'local'>;

/** Numbers that may be missing in a row while files are being renamed, at most two rotations at a time. */
const gapMax = 2;

const headLength = 1 << 16;

/** An open file of a log; the caller closes it. */
export type LogFile = Disposable & {
  /** That it has, or had before it was compressed. */
  readonly inode: bigint;
  /** The inode of the compressed file; absent where it is none. */
  readonly compressed?: bigint;
  /** The first 64 kB. */
  head(): Buffer;
  /** All complete lines from where the last call ended. */
  entries(): Generator<LogEntry, void, undefined>;
  /** The same lines as bytes. A file is read by one or the other. Chunks are good until the next are asked for. */
  blocks(query: LogQuery): Generator<readonly LogChunk[], void, undefined>;
  /** Goes to the last `count` complete lines, or to the start. @returns how many of them there are */
  seekTail(count: number): number;
};

/**
 * The files of a log that came after the one with the inode `after`, oldest first; all when it is absent or gone.
 * @throws OnggiError when one can't be opened for another reason than not being there
 */
export function openLogFiles(path: string, after?: bigint, format: LogFormat = 'json-file'): LogFile[] {
  const files: LogFile[] = [];
  try {
    for (let number = 0, missing = 0; missing <= gapMax; number++) {
      const name = number === 0 ? path : `${path}.${number}`;
      const file = openLogFile(name, format) ?? (number === 0 ? undefined : openCompressed(`${name}.gz`, format));
      missing = file === undefined ? missing + 1 : 0;
      if (file === undefined) continue;
      const seen = files.some((other) => isSame(other, file));
      if (seen || file.inode === after) file[Symbol.dispose]();
      if (file.inode === after) break;
      if (!seen) files.unshift(file);
    }
    return files;
  } catch (error) {
    for (const file of files) file[Symbol.dispose]();
    throw error;
  }
}

/**
 * An inode says which file it is as long as somebody has it open. That of a file that was compressed has often been given
 * to a newer one since, so what they say counts, too: its times make it unique.
 */
function isSame(one: LogFile, other: LogFile): boolean {
  if (one.compressed !== undefined && other.compressed !== undefined) return one.compressed === other.compressed;
  return one.inode === other.inode && one.head().equals(other.head());
}

function openLogFile(path: string, format: LogFormat): LogFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `open log "${path}"`);
  }
  return logFile(fd, format, fstatSync(fd, { bigint: true }).ino, { [Symbol.dispose]: () => closeSync(fd) });
}

/**
 * A rotated file, which nobody writes to any more. It is known by the inode that it had (native/log/log-compress.c), which
 * its header tells: only a file that is read is decompressed, so the last lines cost the same however many there are.
 */
function openCompressed(path: string, format: LogFormat): LogFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `open log "${path}"`);
  }
  const header = Buffer.alloc(headerSize);
  const inode = formerInode(header.subarray(0, readSync(fd, header, 0, headerSize, 0)));
  let file: LogFile | undefined;
  const plain = (): LogFile => {
    file ??= decompressed(fd, path, format, inode);
    return file;
  };
  return {
    inode,
    compressed: fstatSync(fd, { bigint: true }).ino,
    head: () => inflatedHead(fd, path),
    entries: () => plain().entries(),
    blocks: (query) => plain().blocks(query),
    seekTail: (count) => plain().seekTail(count),
    [Symbol.dispose]() {
      closeSync(fd);
      file?.[Symbol.dispose]();
    },
  };
}

/** Decompresses no more than it has to. @throws OnggiError when it is damaged */
function inflatedHead(fd: number, path: string): Buffer {
  const { constants, gunzipSync } = process.getBuiltinModule('node:zlib');
  for (let length = 4096; ; length *= 4) {
    const bytes = Buffer.allocUnsafe(length);
    const read = readSync(fd, bytes, 0, length, 0);
    try {
      // The end may be missing: what is there is flushed.
      const plain = gunzipSync(bytes.subarray(0, read), { finishFlush: constants.Z_SYNC_FLUSH });
      if (plain.length >= headLength || read < length) return plain.subarray(0, headLength);
    } catch (error) {
      throw fromSystemError(error, `decompress log "${path}"`);
    }
  }
}

/** @throws OnggiError when it is damaged */
function decompressed(from: number, path: string, format: LogFormat, inode: bigint): LogFile {
  const file = scratchFile('log');
  try {
    const { gunzipSync } = process.getBuiltinModule('node:zlib');
    const plain = gunzipSync(readFileSync(from), { maxOutputLength: largestRotated });
    for (let done = 0; done < plain.length; ) done += writeSync(file.fd, plain, done);
  } catch (error) {
    file[Symbol.dispose]();
    throw fromSystemError(error, `decompress log "${path}"`);
  }
  return logFile(file.fd, format, inode, file);
}

/** Files as large as that are not rotated: a size of log is what somebody wants to keep. */
const largestRotated = 2 ** 31 - 1;

const headerSize = 24;

/** The subfield "OG" of the header's extra field (RFC 1952, section 2.3.1.1). */
function formerInode(gzip: Buffer): bigint {
  const own = gzip.length >= headerSize && ((gzip[3] ?? 0) & 4) !== 0 && gzip.toString('latin1', 12, 14) === 'OG';
  return own ? gzip.readBigUInt64LE(16) : 0n;
}

function logFile(fd: number, format: LogFormat, inode: bigint, owner: Disposable): LogFile {
  const reader = entryReader(fd, format);
  let blocks: BlockReader | undefined;
  return {
    inode,
    head() {
      const bytes = Buffer.allocUnsafe(headLength);
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
    },
    entries: () => reader.entries(),
    blocks(query) {
      if (format !== 'json-file') return chunks(reader, query);
      if (blocks === undefined) {
        blocks = blockReader(fd, parseLine);
        blocks.position = reader.position();
      }
      return blocks.blocks(query);
    },
    seekTail: (count) => reader.seekTail(count),
    [Symbol.dispose]: () => owner[Symbol.dispose](),
  };
}

function entryReader(fd: number, format: LogFormat): EntryReader {
  if (format === 'local') return recordReader(fd);
  return lineReader(fd, format === 'k8s-file' ? parseK8sLine : parseLine);
}

/** Entries as bytes, those of a stream that follow one another in one piece. */
function* chunks(reader: EntryReader, query: LogQuery): Generator<readonly LogChunk[], void, undefined> {
  const most = 1 << 18;
  let texts: string[] = [];
  let [stream, length]: [LogChunk['stream'], number] = ['stdout', 0];
  for (const entry of reader.entries()) {
    if (!isSelected(entry, query)) continue;
    if (length > 0 && (entry.stream !== stream || length >= most)) {
      yield [{ stream, bytes: Buffer.from(texts.join('')) }];
      [texts, length] = [[], 0];
    }
    stream = entry.stream;
    texts.push(query.timestamps === true ? `${entry.time} ${entry.text}` : entry.text);
    length += entry.text.length;
  }
  if (length > 0) yield [{ stream, bytes: Buffer.from(texts.join('')) }];
}
