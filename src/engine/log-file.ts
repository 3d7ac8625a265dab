/**
 * Reads what the shim wrote: Docker's json-file format, one JSON object a line, rotated as `log`, `log.1`, `log.2`
 * with the highest number the oldest. The shim appends whole lines, so a line without its newline is still being
 * written and is left for the next look.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { errnoOf, fromSystemError } from '../errors.ts';
import type { LogEntry } from './types.ts';

const blockSize = 1 << 16;

/** A place in a log: lines from `offset` on. */
export type LogPosition = { readonly path: string; readonly offset: number };

/** Existing files of a log, oldest first. */
export function logFiles(path: string): string[] {
  const files: string[] = [];
  if (exists(path)) files.push(path);
  for (let n = 1; exists(`${path}.${n}`); n++) files.unshift(`${path}.${n}`);
  return files;
}

/** Where the last `count` lines begin; the whole log when it has fewer. */
export function tailPosition(files: readonly string[], count: number): LogPosition | undefined {
  let wanted = count;
  for (const path of files.toReversed()) {
    const found = lastLines(path, wanted);
    if (found.lines >= wanted) return { path, offset: found.offset };
    wanted -= found.lines;
  }
  const oldest = files[0];
  return oldest === undefined ? undefined : { path: oldest, offset: 0 };
}

/** Offset of the last `count` complete lines of a file, and how many there were (at most `count`). */
function lastLines(path: string, count: number): { offset: number; lines: number } {
  const fd = openSync(path, 'r');
  try {
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
  } finally {
    closeSync(fd);
  }
}

/** An open log file that is read line by line; `read` continues where the last one ended. The caller closes it. */
export type LogReader = {
  readonly inode: number;
  /** All complete lines that are there now. */
  read(): Generator<LogEntry, void, undefined>;
  [Symbol.dispose](): void;
};

/** @throws OnggiError `not-found` when the file is gone (rotated away between listing and opening). */
export function openLog(path: string, offset: number): LogReader {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw fromSystemError(error, `open log "${path}"`);
  }
  let position = offset;
  let rest = '';
  const decoder = new TextDecoder();
  const block = Buffer.allocUnsafe(blockSize);
  return {
    inode: fstatSync(fd).ino,
    *read() {
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
    [Symbol.dispose]() {
      closeSync(fd);
    },
  };
}

/** A line that is not an entry (cut by a full disk or a power cut) is passed over: the rest of the log still counts. */
export function parseLine(line: string): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return undefined;
    const { log, stream, time } = value as Record<string, unknown>;
    if (typeof log !== 'string' || typeof time !== 'string') return undefined;
    return { stream: stream === 'stderr' ? 'stderr' : 'stdout', time, text: log };
  } catch {
    return undefined;
  }
}

function exists(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fromSystemError(error, `look at log "${path}"`);
  }
}
