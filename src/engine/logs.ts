/** `logs`: the entries of a container's log, from a place in it, optionally until the container ends. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { type LogPosition, type LogReader, logFiles, openLog, tailPosition } from './log-file.ts';
import type { LogEntry, LogQuery } from './types.ts';

/**
 * @param path the log file that the shim appends to
 * @param ended settles when the container has ended and its log is complete; undefined: don't follow
 */
export async function* readLogs(
  path: string,
  query: LogQuery,
  ended: Promise<void> | undefined,
  signal?: AbortSignal,
): AsyncGenerator<LogEntry, void, undefined> {
  using changes = ended === undefined ? undefined : watchChanges(path, ended, signal);
  const start = firstPosition(path, query);
  let reader: LogReader | undefined;
  let done = false;
  try {
    for (const position of filesFrom(path, start)) {
      reader?.[Symbol.dispose]();
      reader = openLog(position.path, position.offset);
      yield* selected(reader, query);
    }
    while (changes !== undefined && !done && signal?.aborted !== true) {
      done = (await changes.next()) === 'ended';
      if (reader !== undefined) yield* selected(reader, query);
      for (const newer of newerFiles(path, reader)) {
        reader?.[Symbol.dispose]();
        reader = openLog(newer, 0);
        yield* selected(reader, query);
      }
    }
  } finally {
    reader?.[Symbol.dispose]();
  }
}

function firstPosition(path: string, query: LogQuery): LogPosition | undefined {
  const files = logFiles(path);
  if (query.tail !== undefined) return tailPosition(files, query.tail);
  const oldest = files[0];
  return oldest === undefined ? undefined : { path: oldest, offset: 0 };
}

function* filesFrom(path: string, start: LogPosition | undefined): Generator<LogPosition> {
  if (start === undefined) return;
  const files = logFiles(path);
  yield start;
  for (const file of files.slice(files.indexOf(start.path) + 1)) yield { path: file, offset: 0 };
}

/** Files that came after the one being read: it was rotated, possibly more than once. Oldest first. */
function newerFiles(path: string, reader: LogReader | undefined): string[] {
  const files = logFiles(path);
  if (reader === undefined) return files;
  const newer: string[] = [];
  for (const file of files.toReversed()) {
    using candidate = openLog(file, 0);
    if (candidate.inode === reader.inode) return newer;
    newer.unshift(file);
  }
  // The file being read has been rotated out of existence: all that is left is newer.
  return newer;
}

function* selected(reader: LogReader, query: LogQuery): Generator<LogEntry> {
  for (const entry of reader.read()) {
    const at = Date.parse(entry.time);
    if (query.since !== undefined && at < query.since) continue;
    if (query.until !== undefined && at > query.until) continue;
    yield entry;
  }
}

type Changes = { next(): Promise<'changed' | 'ended'>; [Symbol.dispose](): void };

/** inotify on the directory, which also sees the rotation of the file; no polling. */
function watchChanges(path: string, ended: Promise<void>, signal: AbortSignal | undefined): Changes {
  let wake: (() => void) | undefined;
  let changed = true;
  let over = false;
  const notice = (): void => {
    changed = true;
    wake?.();
  };
  const finish = (): void => {
    over = true;
    wake?.();
  };
  const watcher: FSWatcher = watch(dirname(path), notice);
  watcher.on('error', finish);
  ended.then(finish, finish);
  signal?.addEventListener('abort', finish);
  return {
    async next() {
      if (!changed && !over) await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
      changed = false;
      return over ? 'ended' : 'changed';
    },
    [Symbol.dispose]() {
      watcher.close();
      signal?.removeEventListener('abort', finish);
    },
  };
}
