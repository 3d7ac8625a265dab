/** Where `cp` may write: a container's root and mounts may be read-only, which Docker says before it tries. Pure. */
import { posix } from 'node:path';
import { OnggiError } from '../../errors.ts';
import type { ContainerOptions } from '../types.ts';

/** What a container has of the kernel, none of which is its root: the kernel decides there. */
const ofKernel: readonly string[] = ['/dev', '/proc', '/sys'];

/**
 * @param directory absolute, links resolved
 * @throws OnggiError `denied` in Docker's words (moby, daemon/archive_unix.go)
 */
export function checkWritable(
  { readOnly = false, mounts = [] }: Pick<ContainerOptions, 'readOnly' | 'mounts'>,
  directory: string,
): void {
  const around = mounts
    .map((mount) => ({ mount, place: posix.resolve('/', mount.target) }))
    .filter(({ place }) => isBelow(directory, place));
  const nearest = around.toSorted((a, b) => b.place.length - a.place.length)[0]?.mount;
  if (nearest === undefined) {
    if (readOnly && !ofKernel.some((place) => isBelow(directory, place))) {
      throw new OnggiError('denied', 'container rootfs is marked read-only');
    }
    return;
  }
  if (nearest.type !== 'tmpfs' && nearest.readOnly) {
    throw new OnggiError('denied', 'mounted volume is marked read-only');
  }
}

function isBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}
