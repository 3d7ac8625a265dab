/** Reads what hierarchy.ts parses. */
import { existsSync, readFileSync } from 'node:fs';
import { errnoOf, fromSystemError } from '../../errors.ts';
import { type Cgroup, cgroupAt, parseOwnCgroups } from './cgroup.ts';
import { type CgroupLayout, parseCgroupLayout } from './hierarchy.ts';

/**
 * The layout as this process sees it.
 * @throws OnggiError when /proc is not readable
 */
export function readCgroupLayout(): CgroupLayout {
  try {
    return parseCgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'), { read, exists: existsSync });
  } catch (error) {
    throw fromSystemError(error, 'find the cgroup hierarchies of this machine');
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // Not made yet, or not to be seen by this user: both mean that there is nothing to build on.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EACCES') return '';
    throw error;
  }
}

/**
 * The cgroup of a container by its cgroupsPath, relative to this process's own cgroups when it does not begin with "/".
 * @throws OnggiError `invalid` for a path that names no cgroup of its own
 */
export function findCgroup(path: string, layout: CgroupLayout = readCgroupLayout()): Cgroup {
  if (path.startsWith('/')) return cgroupAt(layout, path);
  return cgroupAt(layout, path, parseOwnCgroups(read('/proc/self/cgroup'), read('/proc/self/mountinfo')));
}
