/** What is mounted at a path, as the kernel says. */
import { existsSync, realpathSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, fromSystemError } from '../../errors.ts';
import { mountPointsBelow, unmount } from '../../kernel/host-mount.ts';

/** Cheap when it never was: only then the directory is there. */
export function isMounted(path: string): boolean {
  if (!existsSync(path)) return false;
  const real = realpathSync(path);
  return mountPointsBelow(dirname(real)).includes(real);
}

/** Unmounts it and removes the directory. @returns whether something was mounted. @throws OnggiError `conflict` */
export function takeOff(path: string, force: boolean): boolean {
  if (!existsSync(path)) return false;
  const was = unmount(path, force);
  try {
    rmdirSync(path);
  } catch (error) {
    // Mounted in another mount namespace: there it goes with its directory.
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes(errnoOf(error) ?? ''))
      throw fromSystemError(error, `remove "${path}"`);
  }
  return was;
}
