/** Where a process is in the hierarchy of cgroup v2, wherever that is mounted. Acts. */
import { readText } from '../kernel/text-file.ts';
import { parseOwnCgroups } from '../runtime/cgroup/cgroup.ts';
import { hierarchyPath } from '../runtime/cgroup/hierarchy.ts';
import { readCgroupLayout } from '../runtime/cgroup/layout.ts';

/** @param own /proc/PID/cgroup. @returns a directory; null without such a hierarchy */
export function unifiedCgroup(own: string): string | null {
  const { unified } = readCgroupLayout();
  if (unified === null) return null;
  const path = parseOwnCgroups(own, readText('/proc/self/mountinfo')).get('') ?? '/';
  return hierarchyPath(unified.mountPoint, path);
}
