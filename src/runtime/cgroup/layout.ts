/** Reads what hierarchy.ts parses. */
import { fromSystemError } from '../../errors.ts';
import { exists } from '../../kernel/plain-file.ts';
import { readText, readTextIfThere } from '../../kernel/text-file.ts';
import { isPrivileged } from '../../kernel/user-namespace.ts';
import { type Cgroup, cgroupAt, type OwnCgroups, parseOwnCgroups } from './cgroup.ts';
import { type CgroupLayout, parseCgroupLayout } from './hierarchy.ts';
import { type Access, delegatedLayout, permittedCgroup } from './permission.ts';

/**
 * The layout as this process sees it.
 * @throws OnggiError when /proc is not readable
 */
export function readCgroupLayout(): CgroupLayout {
  try {
    const layout = parseCgroupLayout(readText('/proc/self/mountinfo'), { read, exists });
    return isPrivileged() ? layout : delegatedLayout(layout, ownCgroups(), access);
  } catch (error) {
    throw fromSystemError(error, 'find the cgroup hierarchies of this machine');
  }
}

/** The layout with what an ordinary user has in a cgroup that is there, wherever this process is. */
export function layoutAround({ unified: directory }: Cgroup): CgroupLayout {
  const layout = readCgroupLayout();
  if (layout.unprivileged !== true || layout.unified === null || directory === null) return layout;
  const controllers = read(`${directory}/cgroup.controllers`).trim().split(/\s+/);
  return { ...layout, unified: { ...layout.unified, controllers } };
}

function read(path: string): string {
  // Not made yet, or not to be seen by this user: both mean that there is nothing to build on.
  return readTextIfThere(path, ['EACCES']) ?? '';
}

/**
 * The cgroup of a container by its cgroupsPath, relative to this process's own cgroups when it does not begin with "/".
 * Hierarchies in which an ordinary user may not make it are left out.
 * @throws OnggiError `invalid` for a path that names no cgroup of its own
 */
export function findCgroup(path: string, layout: CgroupLayout = readCgroupLayout()): Cgroup {
  const cgroup = path.startsWith('/') ? cgroupAt(layout, path) : cgroupAt(layout, path, ownCgroups());
  return isPrivileged() ? cgroup : permittedCgroup(cgroup, layout, ownCgroups(), access);
}

/** Below the unified hierarchy, the topmost cgroup that an ordinary user may make others in; "" for root, or if none. */
export function delegatedPath(): string {
  if (isPrivileged()) return '';
  const { unified } = readCgroupLayout();
  return unified?.delegated?.slice(unified.mountPoint.length) ?? '';
}

function ownCgroups(): OwnCgroups {
  return parseOwnCgroups(read('/proc/self/cgroup'), read('/proc/self/mountinfo'));
}

/** Whether this process may write to the file. */
export function mayWrite(path: string): boolean {
  const { accessSync, constants } = process.getBuiltinModule('node:fs');
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const access: Access = { exists, read, canWrite: mayWrite };
