/**
 * The only rename into the store (STYLE F3): what has a name in the store is whole and on disk. Directories and
 * files are made under a `tmp` directory of the same file system and get their final name here, last.
 */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromSystemError } from '../errors.ts';

export type Move = { readonly from: string; readonly to: string };

/**
 * Gives one file its final name, durably: its bytes are synced, then the rename, then the directory. A file already
 * there is replaced, so a second call with the same content changes nothing.
 * @throws OnggiError `exhausted` when the disk is full, else the code of the errno
 */
export function publish(from: string, to: string): void {
  try {
    syncPath(from);
    renameSync(from, to);
    syncPath(dirname(to));
  } catch (error) {
    throw fromSystemError(error, `publish "${to}"`);
  }
}

/**
 * The same for many files or directories whose content the caller has synced already (one syncfs(2) for all is
 * cheaper than one fsync(2) a file): renames in order, then each parent directory is synced once. A crash in between
 * leaves whole but unnamed things, which the collector finds.
 */
export function publishSynced(moves: readonly Move[]): void {
  const parents = new Set<string>();
  for (const move of moves) {
    try {
      renameSync(move.from, move.to);
    } catch (error) {
      throw fromSystemError(error, `publish "${move.to}"`);
    }
    parents.add(dirname(move.to));
  }
  for (const parent of parents) syncPath(parent);
}

function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
