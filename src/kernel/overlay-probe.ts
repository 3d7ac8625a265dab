/** What overlayfs and mounts can do with a directory's file system: only trying tells for sure. Acts. */
import { errnoOf, OnggiError } from '../errors.ts';
import { native } from './addon.ts';

/**
 * Mounts an overlay of `lower` (with a file "lower-file"), `upper` and `work` in the directory, attached nowhere, and
 * writes to it.
 * @param userAttributes as it is mounted in a user namespace (overlayfs.rst, "User xattr")
 * @returns why it can't be, or undefined
 * @throws OnggiError what has nothing to do with overlayfs, `denied` above all
 */
export function overlayObstacle(directory: string, userAttributes: boolean): OnggiError | undefined {
  try {
    native(`mount an overlay in "${directory}"`, (addon) => addon.tryOverlay(directory, userAttributes));
    return undefined;
  } catch (error) {
    const errno = errnoOf(error instanceof OnggiError ? error.cause : error);
    // ENODEV: a kernel without overlayfs. ENOSYS: one before 5.2. EINVAL: no file system for an upper layer.
    const tells = ['EINVAL', 'ENODEV', 'ENOSYS', 'EOPNOTSUPP', 'EREMOTE', 'EXDEV', 'ESTALE', 'EIO'];
    if (error instanceof OnggiError && errno !== undefined && tells.includes(errno)) return error;
    throw error;
  }
}

/** Whether a mount of the directory's file system can map ids (mount_setattr(2), MOUNT_ATTR_IDMAP). */
export function canMapMount(directory: string): boolean {
  try {
    native(`map the ids of "${directory}"`, (addon) => addon.tryIdMap(directory));
    return true;
  } catch (error) {
    const errno = errnoOf(error instanceof OnggiError ? error.cause : error);
    // EINVAL: its file system does not. ENOSYS, EPERM: nor does this kernel, or this process.
    if (errno !== undefined && ['EINVAL', 'ENOSYS', 'EPERM', 'EOPNOTSUPP'].includes(errno)) return false;
    throw error;
  }
}
