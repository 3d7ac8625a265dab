/**
 * Files below a directory, each whole or not there: written beside its name, synced, renamed. Who waits for the disk after
 * each file keeps a thread from the next one; so some files wait together, most of whose bytes are on disk by then.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, fromSystemError } from '../errors.ts';
import { startWriteback } from '../kernel/open-file.ts';
import { closeFile, openFile, type Sink, syncFile, writeSized } from './sink.ts';

/** So many files wait at most: each is an open descriptor, and would come once more after a crash. */
const mostWaiting = 16;

/** A file that is written and has no name yet. */
type Waiting = { readonly size: number; readonly fd: number; readonly temporary: string; readonly target: string };

/**
 * The directory is made with its parents when it is missing.
 * @param sizeOf finds files that are there already
 */
export function directorySink(directory: string, sizeOf: (path: string) => number | undefined): Sink {
  const makeParents = parentMaker(directory);
  /** By path, in the order in which they get their names. */
  let waiting = new Map<string, Waiting>();
  let settled = Promise.resolve();
  /** None gets its name before those that came before it; after a failure, none any more. */
  const settle = (): Promise<void> => {
    const files = [...waiting.values()];
    waiting = new Map();
    settled = settled.then(
      () => publish(files),
      async (error: unknown) => {
        await giveUp(files);
        throw error;
      },
    );
    return settled;
  };
  let count = 0;
  return {
    what: `directory "${directory}"`,
    has: (path, size) => (waiting.get(path)?.size ?? sizeOf(path)) === size,
    async put(path, size, bytes) {
      makeParents(path);
      const target = join(directory, path);
      count += 1;
      const temporary = `${target}.${process.pid}-${count}.tmp`;
      const fd = await openFile(temporary, 'wx', 0o644, `"${target}"`);
      const file = { size, fd, temporary, target };
      try {
        await writeSized(fd, size, bytes, `"${target}"`);
        startWriteback(fd, 0, 0);
      } catch (error) {
        await giveUp([file]);
        throw error;
      }
      const former = waiting.get(path);
      if (former !== undefined) await giveUp([former]);
      waiting.set(path, file);
      if (waiting.size >= mostWaiting) await settle();
    },
    finish: settle,
    async [Symbol.asyncDispose]() {
      // What came whole is there for the next attempt. Who wanted to know whether it is has called finish().
      await settle().catch(() => {});
    },
  };
}

/** Gives files their names once all of them are on disk. */
async function publish(files: readonly Waiting[]): Promise<void> {
  try {
    const synced = await Promise.allSettled(files.map(({ fd, target }) => syncFile(fd, `"${target}"`)));
    for (const outcome of synced) if (outcome.status === 'rejected') throw outcome.reason;
    for (const { temporary, target } of files) rename(temporary, target);
  } catch (error) {
    await giveUp(files);
    throw error;
  }
  await Promise.all(files.map(({ fd }) => closeFile(fd)));
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    throw fromSystemError(error, `write "${to}"`);
  }
}

async function giveUp(files: readonly Waiting[]): Promise<void> {
  for (const { fd, temporary } of files) {
    await closeFile(fd);
    rmSync(temporary, { force: true });
  }
}

/** @returns makes the directory of a path below `directory`, and looks only once */
function parentMaker(directory: string): (path: string) => void {
  const made = new Set<string>();
  return function makeParents(path) {
    const parent = dirname(path);
    if (made.has(parent)) return;
    try {
      if (parent === '.') {
        mkdirSync(directory, { recursive: true, mode: 0o755 });
      } else {
        makeParents(parent);
        mkdirSync(join(directory, parent), { mode: 0o755 });
      }
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') {
        throw fromSystemError(error, `make directory "${join(directory, parent)}"`);
      }
    }
    made.add(parent);
  };
}
