/** Cgroups that nobody has recorded, looked for in all hierarchies. Acts: looks. */
import type { Cgroup } from './cgroup.ts';
import { cgroupTree } from './control-file.ts';
import { readCgroupLayout } from './layout.ts';

/**
 * Of all cgroups of the machine those that match, without those below them; of the unified hierarchy the first one.
 * Takes some 20 µs for each cgroup.
 */
export function searchCgroups(matches: (directory: string) => boolean): Cgroup {
  const { unified, legacy } = readCgroupLayout();
  const search = (mountPoint: string): string[] => {
    const found = cgroupTree(mountPoint).filter(matches);
    return found.filter((directory) => !found.some((other) => directory.startsWith(`${other}/`)));
  };
  return {
    unified: unified === null ? null : (search(unified.mountPoint)[0] ?? null),
    legacy: legacy.flatMap(({ mountPoint, controllers }) =>
      search(mountPoint).map((directory) => ({ controllers, directory })),
    ),
  };
}
