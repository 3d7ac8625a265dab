/**
 * Where the cgroup of one container is: a directory in each hierarchy of the machine. Pure.
 *
 * A `Cgroup` is plain data, so that state.json can keep it: later commands may run in another cgroup than the first
 * one, and a relative cgroupsPath would mean something else to them.
 */
import { OnggiError } from '../../errors.ts';
import { holdsControl } from '../control-character.ts';
import type { CgroupPlacement } from '../plan/steps.ts';
import { type CgroupLayout, cgroupMounts, hierarchyPath, legacyControllers } from './hierarchy.ts';

export type Cgroup = {
  /** Directory in the v2 hierarchy, an absolute host path; null where there is none. */
  readonly unified: string | null;
  /** Directories in the v1 hierarchies; empty on a machine that has v2 alone. */
  readonly legacy: readonly LegacyCgroup[];
};

export type LegacyCgroup = {
  /** "cpu", "cpuacct"; empty for a named hierarchy. */
  readonly controllers: readonly string[];
  readonly directory: string;
};

/** Cgroups of the calling process, by the options of their hierarchy ("memory", "name=systemd"); "" is v2. */
export type OwnCgroups = ReadonlyMap<string, string>;

/**
 * The cgroup `path` of this machine.
 *
 * An absolute path counts from the root of each hierarchy. A relative one counts, as with runc, from the caller's own
 * cgroup on v1 and from its parent on v2, where a cgroup that holds processes can't have limited children.
 *
 * @param path cgroupsPath of config.json
 * @throws OnggiError `invalid` for a path that names no cgroup of its own
 */
export function cgroupAt(layout: CgroupLayout, path: string, own: OwnCgroups = new Map()): Cgroup {
  const parts = checkedParts(path);
  const below = (mountPoint: string, base: string): string =>
    hierarchyPath(mountPoint, `${path.startsWith('/') || base === '/' ? '' : base}/${parts.join('/')}`);
  const { unified, legacy } = layout;
  return {
    unified: unified === null ? null : below(unified.mountPoint, unifiedBase(layout, own)),
    legacy: legacy.map(({ mountPoint, controllers, options }) => ({
      controllers,
      directory: below(mountPoint, own.get(options) ?? '/'),
    })),
  };
}

/** Beside v1 hierarchies v2 limits nothing, and the caller's own cgroup is as good a parent as theirs. */
function unifiedBase(layout: CgroupLayout, own: OwnCgroups): string {
  const path = own.get('') ?? '/';
  return layout.mode === 'unified' ? path.slice(0, path.lastIndexOf('/')) || '/' : path;
}

/** Of UTF-8, of which three bytes are the most for a unit: what is short anyway need not be measured. */
function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && byteLength(text) > bytes;
}

/** Apart, because Bun makes its Buffer when a function that names it is entered: a tenth of what a plan takes. */
function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

/** Names of directories may hold anything but a slash; what would leave the tree or break a line is refused. */
function checkedParts(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const bad = parts.some((part) => part === '..' || isLonger(part, 255));
  if (bad || holdsControl(path) || isLonger(path, 3000)) {
    throw new OnggiError('invalid', `linux.cgroupsPath: "${path}" is not a path of plain names`);
  }
  if (parts.length === 0)
    throw new OnggiError('invalid', `linux.cgroupsPath: "${path}" is the root, not a cgroup of its own`);
  return parts;
}

/** True when limits go into v2 files: there are no v1 controllers. */
export function isUnified(cgroup: Cgroup): boolean {
  return cgroup.legacy.length === 0;
}

/** All its directories, the v2 one first. */
export function directoriesOf(cgroup: Cgroup): string[] {
  return [...(cgroup.unified === null ? [] : [cgroup.unified]), ...cgroup.legacy.map(({ directory }) => directory)];
}

/** Directory of a v1 controller; undefined where it has no hierarchy. */
export function legacyDirectory(cgroup: Cgroup, controller: string): string | undefined {
  for (const { controllers, directory } of cgroup.legacy) if (controllers.includes(controller)) return directory;
  return undefined;
}

/** Directory where the files of a controller are, whatever the version; undefined where it has none. */
export function controllerDirectory(cgroup: Cgroup, controller: string): string | undefined {
  return isUnified(cgroup) ? (cgroup.unified ?? undefined) : legacyDirectory(cgroup, controller);
}

/**
 * @param text content of /proc/PID/cgroup (cgroups(7)): "ID:CONTROLLERS:PATH" a line
 * @param mountinfo content of /proc/self/mountinfo: where a part of a hierarchy is mounted, as in a container without a
 *   cgroup namespace, paths count from that part
 */
export function parseOwnCgroups(text: string, mountinfo: string): OwnCgroups {
  const roots = mountRoots(mountinfo);
  const own = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (match === null) continue;
    const [, options = '', path = '/'] = match;
    const root = roots.get(options) ?? '/';
    const outside = path.startsWith('/..') || !`${path}/`.startsWith(root === '/' ? '/' : `${root}/`);
    // Outside of what is mounted, or of the cgroup namespace ("/.."): the nearest that there is.
    own.set(options, outside ? '/' : (root === '/' ? path : path.slice(root.length)) || '/');
  }
  return own;
}

/** Field 4 of mountinfo by hierarchy, of its first mount. */
function mountRoots(mountinfo: string): Map<string, string> {
  const roots = new Map<string, string>();
  for (const { version, root, superOptions } of cgroupMounts(mountinfo)) {
    if (version === 2 && !roots.has('')) roots.set('', root);
    if (version === 2) continue;
    const options = superOptions.split(',');
    // The kernel lists co-mounted controllers in the same order in both files.
    const key =
      options.find((option) => option.startsWith('name=')) ??
      options.filter((option) => legacyControllers.has(option)).join(',');
    if (!roots.has(key)) roots.set(key, root);
  }
  return roots;
}

/**
 * A container may have moved its first process into a cgroup below its own, which takes no processes any more then
 * (cgroup-v2.rst, "No Internal Process Constraint").
 *
 * @param own of the container, on v2
 * @param present of its first process
 * @returns where another process of the container belongs
 */
export function besideFirst(own: string, present: string | null): string {
  return present?.startsWith(`${own}/`) === true ? present : own;
}

/** Where the processes of the cgroup belong; the same for the container's first process and for `exec`. */
export function placement(cgroup: Cgroup): CgroupPlacement {
  return { unified: cgroup.unified, legacy: cgroup.legacy.map(({ directory }) => directory) };
}
