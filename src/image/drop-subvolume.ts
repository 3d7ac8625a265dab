/** Subvolumes of btrfs go as a whole. */
import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { removeSubvolume } from '../kernel/subvolume.ts';

/** Faster than file by file; a plain directory is left as it is. */
export function dropSubvolume(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  // The inode of every subvolume's root (btrfs, BTRFS_FIRST_FREE_OBJECTID).
  if (found?.ino !== 256) return;
  try {
    using parent = openDirectory(dirname(path));
    removeSubvolume(parent, basename(path));
  } catch (error) {
    // Another file system has such an inode, too; or it is not allowed: it goes file by file.
    if (!(error instanceof OnggiError)) throw error;
  }
}
