/**
 * What an ordinary user may do with cgroups: nothing, unless a part of a hierarchy was delegated to it (cgroup-v2.rst,
 * "Delegation"). Pure; what may be written is asked of the caller.
 */
import { parentPath } from '../../oci/slash-path.ts';
import type { Cgroup, OwnCgroups } from './cgroup.ts';
import { type CgroupLayout, hierarchyPath } from './hierarchy.ts';

export type Access = {
  readonly exists: (path: string) => boolean;
  readonly canWrite: (path: string) => boolean;
  readonly read: (path: string) => string;
};

/** The layout with the controllers that were delegated, and how far up. */
export function delegatedLayout(layout: CgroupLayout, own: OwnCgroups, access: Access): CgroupLayout {
  const { unified } = layout;
  if (unified === null) return { ...layout, unprivileged: true };
  const mine = hierarchyPath(unified.mountPoint, own.get('') ?? '/');
  let delegated: string | null = null;
  for (let at = parentPath(mine); at.startsWith(unified.mountPoint) && isOurs(at, access); at = parentPath(at))
    delegated = at;
  const held = delegated === null ? [] : access.read(`${delegated}/cgroup.controllers`).trim().split(/\s+/);
  const controllers = unified.controllers.filter((controller) => held.includes(controller));
  return { ...layout, unprivileged: true, unified: { ...unified, controllers, delegated: delegated ?? '' } };
}

/** The cgroup less the hierarchies in which this process may not make it; no limit is kept there. */
export function permittedCgroup(cgroup: Cgroup, layout: CgroupLayout, own: OwnCgroups, access: Access): Cgroup {
  const legacy = cgroup.legacy.filter(({ directory }) => access.canWrite(nearest(directory, access)));
  const unified = cgroup.unified !== null && mayEnter(cgroup.unified, layout, own, access) ? cgroup.unified : null;
  // Beside v1 hierarchies v2 has no controller: by itself it is of no use.
  return layout.mode === 'unified' || legacy.length > 0 ? { unified, legacy } : { unified: null, legacy };
}

/** A process moves only below a common ancestor whose cgroup.procs it may write ("Delegation Containment"). */
function mayEnter(directory: string, { unified }: CgroupLayout, own: OwnCgroups, access: Access): boolean {
  if (unified === null) return false;
  const mine = hierarchyPath(unified.mountPoint, own.get('') ?? '/');
  let common = mine;
  while (common !== '/' && !`${directory}/`.startsWith(`${common}/`)) common = parentPath(common);
  return isOurs(nearest(directory, access), access) && access.canWrite(`${common}/cgroup.procs`);
}

function nearest(directory: string, access: Access): string {
  let at = directory;
  while (at !== '/' && !access.exists(at)) at = parentPath(at);
  return at;
}

function isOurs(directory: string, access: Access): boolean {
  return access.canWrite(directory) && access.canWrite(`${directory}/cgroup.procs`);
}
