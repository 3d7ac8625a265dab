/** What must hold of every container without privileges, whatever it was made from, judged from outside of it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { maskedPaths, readonlyPaths } from '../../src/runtime/defaults.ts';

export type MountLine = {
  readonly id: string;
  readonly parent: string;
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
  readonly type: string;
};

/** The mounts of a process, by the host's procfs: that of the container may be a fake. */
export function mountsOf(pid: number): MountLine[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const [id = '', parent = '', , root = '', target = '', options = ''] = left.split(' ');
      return { id, parent, root, target, options: options.split(','), type: right.split(' ')[0] ?? '' };
    });
}

/**
 * Ways by which the container could write to the kernel or read what is hidden from it, one line each.
 * @param pid its first process
 */
export function openings(pid: number): string[] {
  const mounts = mountsOf(pid);
  return mounts.flatMap((mount) => opening(pid, mount, mounts));
}

function opening(pid: number, mount: MountLine, all: readonly MountLine[]): string[] {
  const { id, type, root, target, options } = mount;
  if (all.some((other) => other.parent === id && other.target === target)) return []; // covered as a whole
  if (type === 'proc' && root === '/')
    return uncovered(
      pid,
      all.filter(({ parent }) => parent === id),
    ).map((path) => `${target}: ${path}`);
  // A writable part of procfs, wherever it is, is a way past what covers that part.
  const kernel = ['proc', 'sysfs', 'cgroup', 'cgroup2'].includes(type);
  return kernel && !options.includes('ro') ? [`${type} ${root} is mounted on ${target} (${options.join()})`] : [];
}

/** What this kernel has of them. */
const maskedFiles = maskedPaths.filter((path) => /^\/proc\//.test(path) && existsSync(path) && statSync(path).isFile());
const readOnlyParts = readonlyPaths.filter((path) => existsSync(path));

/**
 * All of a procfs that is to be hidden or read-only must be.
 * @param covers mounts whose parent it is: their paths are no help while somebody renames directories
 */
function uncovered(pid: number, covers: readonly MountLine[]): string[] {
  const onIt = (path: string): MountLine[] =>
    covers.filter(({ target }) => target.endsWith(path.replace(/^\/proc/, '')));
  const hidden = maskedFiles.filter((path) => !onIt(path).some((mount) => isNull(pid, mount)));
  const writable = readOnlyParts.filter(
    (path) => !onIt(path).some(({ type, options }) => type === 'proc' && options.includes('ro')),
  );
  return [...hidden.map((path) => `${path} is not masked`), ...writable.map((path) => `${path} is writable`)];
}

/** The null device of the container's own /dev; of another /dev by looking at it, for it may have any name. */
function isNull(pid: number, { type, root, target }: MountLine): boolean {
  if (type === 'tmpfs' && root === '/null') return true;
  const found = statSync(`/proc/${pid}/root${target}`, { throwIfNoEntry: false });
  return found?.isCharacterDevice() === true && found.rdev === nullDevice;
}

/** makedev(1, 3): Documentation/admin-guide/devices.txt */
const nullDevice = 0x103;

/** Files by which the kernel takes orders for the whole machine; opening one for appending changes nothing. */
export const orders: readonly string[] = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/vm/panic_on_oom',
  '/proc/sysrq-trigger',
  '/proc/irq/default_smp_affinity',
  '/proc/fs/xfs/xqm',
  '/sys/kernel/uevent_helper',
  '/sys/kernel/mm/ksm/run',
  '/sys/power/state',
  '/sys/module/kernel/parameters/panic',
  '/sys/fs/cgroup/memory/release_agent',
  '/sys/fs/cgroup/cgroup.subtree_control',
];

/** A command that prints the files out of `paths` that it can open for writing; those of the image's are no orders. */
export function tryWriting(paths: readonly string[]): string {
  return `onggi-probe orders ${paths.join(' ')}`;
}
