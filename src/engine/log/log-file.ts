/**
 * Reads what the shim wrote: Docker's json-file format, one JSON object a line, rotated as `log`, `log.1`, `log.2`
 * with the highest number the oldest. The shim appends whole lines, so a line without its newline is still being
 * written and is left for the next look.
 *
 * Rotation renames from the highest number down and makes a new `log` last (native/log.c), while readers read. So a
 * file is known by its inode, not its name; files are opened from the newest to the oldest, against the direction in
 * which they move, and a missing number does not mean that there are none after it.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf, fromSystemError } from '../../errors.ts';
import type { LogChunk, LogEntry, LogQuery } from '../types.ts';
import { type BlockReader, blockReader } from './log-block.ts';

const blockSize = 1 << 16;

/** Numbers that may be missing in a row while files are being renamed, at most two rotations at a time. */
const gapMax = 2;

/** An open file of a log; the caller closes it. */
export type LogFile = Disposable & {
  readonly inode: bigint;
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
export function openLogFiles(path: string, after?: bigint): LogFile[] {
  const files: LogFile[] = [];
  try {
    for (let number = 0, missing = 0; missing <= gapMax; number++) {
      const file = openLogFile(number === 0 ? path : `${path}.${number}`);
      missing = file === undefined ? missing + 1 : 0;
      if (file === undefined) continue;
      const seen = files.some(({ inode }) => inode === file.inode);
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

function openLogFile(path: string): LogFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `open log "${path}"`);
  }
  let position = 0;
  let rest = '';
  let decoder = new TextDecoder();
  const block = Buffer.allocUnsafe(blockSize);
  let reader: BlockReader | undefined;
  const seek = (to: number): void => {
    [position, rest, decoder] = [to, '', new TextDecoder()];
    if (reader !== undefined) reader.position = to;
  };
  return {
    inode: fstatSync(fd, { bigint: true }).ino,
    *entries() {
      // A log of a single file is rotated by emptying it.
      if (fstatSync(fd).size < position) seek(0);
      for (;;) {
        const length = readSync(fd, block, 0, blockSize, position);
        if (length === 0) return;
        position += length;
        rest += decoder.decode(block.subarray(0, length), { stream: true });
        const lines = rest.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const entry = parseLine(line);
          if (entry !== undefined) yield entry;
        }
      }
    },
    blocks(query) {
      if (reader === undefined) {
        reader = blockReader(fd, parseLine);
        reader.position = position;
      }
      return reader.blocks(query);
    },
    seekTail(count) {
      const { offset, lines } = lastLines(fd, count);
      seek(offset);
      return lines;
    },
    [Symbol.dispose]() {
      closeSync(fd);
    },
  };
}

/** Offset of the last `count` complete lines of a file, and how many there were (at most `count`). */
function lastLines(fd: number, count: number): { offset: number; lines: number } {
  const end = fstatSync(fd).size;
  if (count <= 0) return { offset: end, lines: 0 };
  const block = Buffer.allocUnsafe(blockSize);
  let newlines = 0;
  for (let stop = end; stop > 0; ) {
    const start = Math.max(0, stop - blockSize);
    const length = readSync(fd, block, 0, stop - start, start);
    for (let i = length - 1; i >= 0; i--) {
      // The newline that ends line n from the end begins line n-1: one more than asked marks the start.
      if (block[i] === 0x0a && ++newlines > count) return { offset: start + i + 1, lines: count };
    }
    stop = start;
  }
  return { offset: 0, lines: newlines };
}

/** A line that is not an entry (cut by a full disk or a power cut) is passed over: the rest of the log still counts. */
export function parseLine(line: string): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return undefined;
    const { log, stream, time, attrs } = value as Record<string, unknown>;
    if (typeof log !== 'string' || typeof time !== 'string') return undefined;
    const attributes = attrs === undefined ? {} : { attributes: textsOf(attrs) };
    return { stream: stream === 'stderr' ? 'stderr' : 'stdout', time, text: log, ...attributes };
  } catch {
    return undefined;
  }
}

function textsOf(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
