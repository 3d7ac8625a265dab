/** How much a container may write: a limit of the file system on its writable layer (`--storage-opt size=`). */

import { OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { joinProject, keepsProjectLimits, limitProject, projectOf } from '../kernel/project-quota.ts';
import { unprivileged } from '../kernel/user-namespace.ts';
import { randomBelow } from '../random.ts';
import type { Store } from '../store/store.ts';
import type { SnapshotPlace } from './snapshot.ts';
import { backingFileSystem, type StorageDriver } from './storage-driver.ts';
import { isTree } from './tree-mark.ts';

/** Before anything is made. @throws OnggiError `unsupported`, with what would be needed */
export function checkSizeLimit(store: Store, driver: StorageDriver, isCopy: boolean): void {
  const obstacle = obstacleOf(store, driver, isCopy);
  if (obstacle === undefined) return;
  throw new OnggiError('unsupported', `--storage-opt size: ${obstacle.found}`, { hint: obstacle.hint });
}

function obstacleOf(
  store: Store,
  driver: StorageDriver,
  isCopy: boolean,
): { readonly found: string; readonly hint: string } | undefined {
  const leave = 'Leave it out, or use a store on ext4 or xfs with project quotas.';
  if (unprivileged() !== undefined) return { found: 'limits of disk space are for root to set', hint: 'Leave it out.' };
  if (driver !== 'overlay2') return { found: `the storage driver "${driver}" limits no container`, hint: leave };
  if (isCopy) return { found: 'a container whose files are a copy is not limited', hint: leave };
  using root = openDirectory(store.layout.root);
  if (keepsProjectLimits(root)) return undefined;
  const type = backingFileSystem(store.layout.root);
  const hints: Readonly<Record<string, string>> = {
    extfs: 'Turn them on: tune2fs -O quota,project -Q prjquota DEVICE, and mount with -o prjquota.',
    xfs: 'Mount it with -o prjquota (for the root: rootflags=prjquota).',
  };
  return { found: `file system "${type}" keeps no quotas of projects here`, hint: hints[type] ?? leave };
}

/**
 * Right after the snapshot was made: what is in it then does not count.
 * @param bytes more than 0
 */
export function limitSnapshot(place: SnapshotPlace, bytes: number): void {
  // Nobody keeps a list of them: of two thousand million, one that somebody else has is not met by chance.
  const project = 2 ** 30 + randomBelow(2 ** 30);
  for (const path of [place.upper, place.work]) {
    using directory = openDirectory(path);
    joinProject(directory, project);
    limitProject(directory, project, bytes);
  }
}

/** Before it is removed: else the file system would remember the limit for ever. */
export function releaseLimit(place: SnapshotPlace): void {
  if (isTree(place)) return;
  try {
    using directory = openDirectory(place.upper);
    const project = projectOf(directory);
    if (project !== 0) limitProject(directory, project, 0);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}
