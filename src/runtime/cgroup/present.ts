/** Where a process is in the hierarchy of cgroup v2, wherever that is mounted. Acts. */
import { readText } from '../../kernel/text-file.ts';

/**
 * Directory of the v2 cgroup that a process is in, found the short way where it is still the one it was put into.
 *
 * @param recorded where it was put; null without such a hierarchy
 */
export async function presentCgroup(recorded: string | null, pid: number): Promise<string | null> {
  if (recorded === null) return null;
  const own = readText(`/proc/${pid}/cgroup`, `find the cgroups of process ${pid}`);
  const path = /^0::(\/.+)$/m.exec(own)?.[1];
  if (path !== undefined && recorded.endsWith(path)) return recorded;
  const [{ parseOwnCgroups }, { hierarchyPath }, { readCgroupLayout }] = await Promise.all([
    import('./cgroup.ts'),
    import('./hierarchy.ts'),
    import('./layout.ts'),
  ]);
  const { unified } = readCgroupLayout();
  if (unified === null) return null;
  const present = parseOwnCgroups(own, readText('/proc/self/mountinfo')).get('') ?? '/';
  return hierarchyPath(unified.mountPoint, present);
}
