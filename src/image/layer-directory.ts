/**
 * Where a layer is unpacked. ext4 without a journal does not take inodes that were freed in the last minute, of those not
 * written yet in the last six, and looks at each of them again for each new file. New files lie in the group of inodes
 * where their directory is; so a directory that would be slow to fill gives way to another one, which ext4 puts elsewhere,
 * since ROOT/tmp is marked for that (`spreadChildren`) and the first is still there. ext4 takes the group with the fewest
 * directories, which is where a layer was just removed, so it takes some tries. 60,000 files that were removed and come back
 * take 1.8 s so, and else 9 to 16.
 *
 * Wherever it is made, a directory is as good as another: all of this is for speed alone.
 */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { addon } from '../kernel/addon.ts';
import { openDirectory } from '../kernel/directory.ts';
import { type Database, transaction } from '../store/database.ts';
import { putSetting, settingOf } from '../store/setting-row.ts';

/** Milliseconds for which ext4 may remember: RECENTCY_MIN and RECENTCY_DIRTY in its ialloc.c. */
const remembered = 360_000;
/** Inodes of a group, as mke2fs makes it unless it is told otherwise. */
const groupSize = 8192;
/** Directories that are tried at most, 0.1 ms each. */
const tries = 128;
/** Milliseconds after which it is the machine that is slow. */
const patience = 50;
/** Layers that are remembered at most. */
const most = 512;

/** The inode of a removed directory and when it was removed, in milliseconds since the epoch. */
type Freed = readonly [inode: number, at: number];

/** Makes an empty directory in ROOT/tmp. Throws what mkdir(2) says. */
export function makeLayerDirectory(database: Database, path: string): void {
  const freed = new Set(recentlyFreed(database).map(([inode]) => groupOf(inode)));
  const aside: string[] = [];
  const end = performance.now() + patience;
  mkdirSync(path);
  while (aside.length < tries && performance.now() < end && !isGood(path, freed)) {
    const other = `${path}.${aside.length}`;
    renameSync(path, other);
    aside.push(other);
    mkdirSync(path);
  }
  // Another command may have taken one for garbage.
  for (const other of aside) rmSync(other, { recursive: true, force: true });
}

/** Remembers where the layers lie that are about to be removed. */
export function noteFreed(database: Database, paths: readonly string[]): void {
  const found = paths.flatMap((path) => statSync(path, { throwIfNoEntry: false }) ?? []);
  if (found.length === 0) return;
  const now = Date.now();
  transaction(database, () => {
    const all = [...recentlyFreed(database), ...found.map(({ ino }): Freed => [ino, now])];
    putSetting(database, 'freed-inodes', JSON.stringify(all.slice(-most)));
  });
}

function recentlyFreed(database: Database): Freed[] {
  const now = Date.now();
  const all = JSON.parse(settingOf(database, 'freed-inodes') ?? '[]') as Freed[];
  return all.filter(([, at]) => at <= now && at > now - remembered);
}

function isGood(path: string, freed: ReadonlySet<number>): boolean {
  if (freed.has(groupOf(statSync(path).ino))) return false;
  using directory = openDirectory(path);
  return addon().isQuickToFill(directory.fd);
}

function groupOf(inode: number): number {
  return Math.floor((inode - 1) / groupSize);
}
