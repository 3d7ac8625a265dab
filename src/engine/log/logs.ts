/** `logs`: the entries of a container's log, from a place in it, optionally until the container ends. */
import { dirname } from 'node:path';
import { watchChanges } from '../../kernel/watch.ts';
import type { LogChunk, LogEntry, LogQuery } from '../types.ts';
import { isSelected } from './log-block.ts';
import { type LogFile, type LogFormat, openLogFiles } from './log-file.ts';

/**
 * @param path the log file that the shim appends to
 * @param ended settles when the container has ended and its log is complete; undefined: don't follow
 */
export function readLogs(
  path: string,
  query: LogQuery,
  ended: Promise<void> | undefined,
  signal?: AbortSignal,
  format?: LogFormat,
): AsyncGenerator<LogEntry, void, undefined> {
  return readFiles(path, query, ended, signal, format, function* (file) {
    for (const entry of file.entries()) {
      if (isSelected(entry, query)) yield entry;
    }
  });
}

/** The same as bytes, in the order in which they came. Chunks are good until the next are asked for. */
export function readLogBytes(
  path: string,
  query: LogQuery,
  ended: Promise<void> | undefined,
  signal?: AbortSignal,
  format?: LogFormat,
): AsyncGenerator<readonly LogChunk[], void, undefined> {
  return readFiles(path, query, ended, signal, format, (file) => file.blocks(query));
}

type Read<T> = (file: LogFile) => Generator<T, void, undefined>;

async function* readFiles<T>(
  path: string,
  query: LogQuery,
  ended: Promise<void> | undefined,
  signal: AbortSignal | undefined,
  format: LogFormat | undefined,
  read: Read<T>,
): AsyncGenerator<T, void, undefined> {
  // Watched before the first look, so that nothing falls between the two.
  // On the directory, which also sees the rotation of the file.
  using changes = ended === undefined ? undefined : watchChanges([dirname(path)], signal);
  ended?.then(changes?.finish, changes?.finish);
  // Oldest first; the first is the one being read.
  const open = openLogFiles(path, undefined, format);
  try {
    if (query.tail !== undefined) seekTail(open, query.tail);
    yield* drain(open, read);
    for (let done = false; changes !== undefined && !done && signal?.aborted !== true; ) {
      done = (await changes.next()) === 'over';
      open.push(...openLogFiles(path, open[0]?.inode, format));
      yield* drain(open, read);
    }
  } finally {
    for (const file of open) file[Symbol.dispose]();
  }
}

/** Leaves the files that hold the last `count` lines, and goes to the first of these. */
function seekTail(open: LogFile[], count: number): void {
  let wanted = count;
  let needed = 0;
  for (const file of open.toReversed()) {
    wanted -= file.seekTail(wanted);
    needed++;
    if (wanted <= 0) break;
  }
  for (const file of open.splice(0, open.length - needed)) file[Symbol.dispose]();
}

/** All that is there now. A file is left only when a newer one is known, for then it gets no more lines. */
function* drain<T>(open: LogFile[], read: Read<T>): Generator<T, void, undefined> {
  for (;;) {
    const [current, next] = open;
    if (current === undefined) return;
    yield* read(current);
    if (next === undefined) return;
    open.shift();
    current[Symbol.dispose]();
  }
}
