/**
 * Places for what is being made or removed: ROOT/tmp/NAME, on the file system of the store, so that a rename gives it
 * its final name. NAME.lock beside it is held (flock) as long as its owner lives; what nobody holds is garbage of a
 * killed process.
 */
import { existsSync, readdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { removeTree } from '../kernel/directory-entry.ts';
import { type Guard, tryLock } from '../kernel/lock.ts';
import { removeMapped, unprivileged } from '../kernel/user-namespace.ts';
import { randomHex } from '../random.ts';
import { withReserve } from './database.ts';
import type { Layout } from './layout.ts';

/** A reserved path where nothing is yet. Disposing of it removes what is there then; once renamed away, nothing is. */
export type Temporary = Disposable & { readonly path: string };

export const lockSuffix = '.lock';

/** Names of downloads that were begun (partial.ts). */
export const partialPrefix = 'partial-';
/** Milliseconds for which they are kept, so that the next pull goes on where one was killed or cut off. */
const partialLife = 24 * 60 * 60 * 1000;

/** Reserves a path; the caller makes a file or a directory there, and disposes of it. */
export function createTemporary(layout: Layout): Temporary {
  for (;;) {
    const path = join(layout.temporary, randomHex(8));
    const guard = tryLock(path + lockSuffix, 'exclusive');
    // The collector may hold a name that it just saw; then another one serves as well.
    if (guard === undefined) continue;
    return {
      path,
      [Symbol.dispose]: () => discardTemporary(path, guard),
    };
  }
}

/**
 * Takes a named file or directory of the store out of its place and removes it, so that whoever is killed half way
 * leaves garbage without a name. Absent is fine.
 * @returns whether it was there
 */
export function removeNamed(layout: Layout, path: string): boolean {
  // What makes room must not fail for want of an inode for its lock.
  using temporary = withReserve({ path: layout.database }, () => createTemporary(layout));
  try {
    renameSync(path, temporary.path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fromSystemError(error, `remove "${path}"`);
  }
}

export type AbandonedOptions = {
  /** true: downloads that were begun lately go, too. */
  readonly partials?: boolean;
};

/** Removes what killed processes left. @returns the paths */
export function removeAbandoned(layout: Layout, { partials = false }: AbandonedOptions = {}): string[] {
  const names = new Set(readdirSync(layout.temporary).map((name) => name.replace(/\.lock$/, '')));
  const removed: string[] = [];
  for (const name of names) {
    const path = join(layout.temporary, name);
    const guard = tryLock(path + lockSuffix, 'exclusive');
    if (guard === undefined) continue;
    if (!partials && name.startsWith(partialPrefix) && isYoung(path)) {
      guard[Symbol.dispose]();
      continue;
    }
    if (existsSync(path)) removed.push(path);
    discardTemporary(path, guard);
  }
  return removed;
}

function isYoung(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs < partialLife;
}

/** The lock file goes last, while it is held: who waits for it sees that it is gone and takes a new one. */
export function discardTemporary(path: string, guard: Guard): void {
  try {
    removeAll(path);
    unlinkSync(guard.path);
  } finally {
    guard[Symbol.dispose]();
  }
}

/** What an ordinary user may not remove itself, since containers have written it with ids of their own, goes too. */
function removeAll(path: string): void {
  try {
    using parent = openDirectory(join(path, '..'));
    removeTree(parent, basename(path));
  } catch (error) {
    const user = error instanceof OnggiError && error.code === 'denied' ? unprivileged() : undefined;
    if (user === undefined) throw error;
    removeMapped(user, path);
  }
}

/** Removes a lock file that nobody holds. */
export function removeIdleLock(path: string): boolean {
  const guard = tryLock(path, 'exclusive');
  if (guard === undefined) return false;
  try {
    rmSync(path, { force: true });
    return true;
  } finally {
    guard[Symbol.dispose]();
  }
}
