/** Removing the cgroups of a container, surely: what is left in them dies first. */
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import { exists, removeEmptyDirectory } from '../../kernel/plain-file.ts';
import { parentPath } from '../../oci/slash-path.ts';
import { type Cgroup, directoriesOf } from './cgroup.ts';
import { cgroupTree } from './control-file.ts';
import { killOnce } from './processes.ts';
import { until } from './wait.ts';

/**
 * Removes the container's cgroups with whatever it made below them, after killing what is left inside. Does nothing
 * where there is nothing; a second call is harmless. The directories above stay: they are somebody else's.
 *
 * @throws OnggiError `unavailable` when a process does not die, `denied`
 */
export async function removeCgroup(cgroup: Cgroup): Promise<void> {
  const directories = directoriesOf(cgroup).filter((directory) => exists(directory));
  if (directories.length === 0) return;
  const removed = await until(() => {
    killOnce(cgroup, directories);
    return directories.every((directory) => cgroupTree(directory).reverse().every(removeDirectory));
  });
  if (removed) return;
  throw new OnggiError('unavailable', `remove the cgroup "${directories[0]}": its processes did not die in time`);
}

/** Removes up to `levels` of the directories above the container's, where they are empty: the engine's own "/onggi". */
export function removeEmptyAbove(cgroup: Cgroup, levels: number): void {
  for (const directory of directoriesOf(cgroup)) removeEmptyAncestors(directory, levels);
}

/** Removes up to `levels` of the directories above this one, for as long as they are empty. */
export function removeEmptyAncestors(directory: string, levels: number): void {
  let above = parentPath(directory);
  for (let level = 0; level < levels && removeDirectory(above); level++) above = parentPath(above);
}

/** True when it is gone; false when something is in it. */
function removeDirectory(directory: string): boolean {
  try {
    removeEmptyDirectory(directory);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return true;
    if (errno === 'EBUSY' || errno === 'ENOTEMPTY') return false;
    throw fromSystemError(error, `remove the cgroup directory "${directory}"`);
  }
}
