/** `GraphDriver` of `inspect`: where the file system of a container lies. */
import { statSync } from 'node:fs';
import type { StorageDriver } from '../../image/storage-driver.ts';
import { isTree } from '../../image/tree-mark.ts';
import type { ContainerFiles } from './container.ts';

export type GraphDriver = { readonly Name: StorageDriver; readonly Data: Readonly<Record<string, string>> | null };

export function graphDriver(files: ContainerFiles): GraphDriver {
  const { merged: MergedDir, upper: UpperDir, work: WorkDir, tree } = files;
  if (!isTree(files)) return { Name: 'overlay2', Data: { MergedDir, UpperDir, WorkDir } };
  // The inode of every subvolume's root (btrfs, BTRFS_FIRST_FREE_OBJECTID).
  const isSubvolume = statSync(tree, { throwIfNoEntry: false })?.ino === 256;
  return { Name: isSubvolume ? 'btrfs' : 'vfs', Data: null };
}
