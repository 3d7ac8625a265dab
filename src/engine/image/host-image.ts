/**
 * The image `host`: this machine's own file systems as the lower layers of an overlay. What a container writes goes
 * into layers of its own; what would let it out is masked.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromSystemError } from '../../errors.ts';
import { mountInfoField } from '../../oci/mount-info.ts';
import type { Mount } from '../../oci/runtime-spec.ts';
import { defaultRoot, type Layout } from '../../store/layout.ts';

/** File systems that hold a machine's files. Others are made anew (proc, sysfs), are memory, or are not its own. */
const diskTypes = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'bcachefs', 'zfs', 'jfs', 'nilfs2']);

/** The command of the image, when none is given. */
export const hostCommand: readonly string[] = ['/bin/sh'];

/**
 * Mount points of the machine's disks below "/", parents first; an overlay of "/" alone would show empty directories
 * there. Pure.
 * @param mountinfo content of /proc/self/mountinfo (proc(5))
 * @param own directories of the engine, which are not shown
 */
export function diskMounts(mountinfo: string, own: readonly string[]): string[] {
  const found = new Set<string>();
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '', mountPoint = ''] = left.split(' ');
    const [type = ''] = right.split(' ');
    const path = mountInfoField(mountPoint);
    const hidden = own.some((directory) => path === directory || path.startsWith(`${directory}/`));
    // A root other than "/" is a bind of some directory or file: it shows what is there already.
    if (diskTypes.has(type) && root === '/' && path !== '/' && path.startsWith('/') && !hidden) found.add(path);
  }
  return [...found].sort();
}

/**
 * Directories of the engine: layers, blobs and writable layers of all containers, and the sockets of their shims; of
 * this store and of the machine's usual one.
 */
function ownDirectories(layout: Layout): string[] {
  return [...new Set([layout.root, layout.run, defaultRoot])];
}

/**
 * Overlays for the machine's other disks, and an empty /run: there lie the sockets by which programs rule the machine
 * (onggi's own, Docker's, containerd's, systemd's, D-Bus).
 * @param directory where the writable layers of the disks lie; made here
 * @param readOnly of `--read-only`: the disks are parts of the root file system
 */
export function hostMounts(layout: Layout, directory: string, readOnly: boolean): Mount[] {
  const disks = diskMounts(readMountinfo(), ['/run', ...ownDirectories(layout)]);
  const overlays = disks.map((path, index): Mount => {
    const [upper, work] = [join(directory, `upper-${index}`), join(directory, `work-${index}`)];
    for (const made of [upper, work]) mkdirSync(made, { recursive: true, mode: 0o755 });
    const options = [`lowerdir=${escaped(path)}`, `upperdir=${escaped(upper)}`, `workdir=${escaped(work)}`];
    if (readOnly) options.push('ro');
    return { destination: path, type: 'overlay', source: 'overlay', options };
  });
  const run: Mount = {
    destination: '/run',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'mode=755'],
  };
  return [...overlays, run];
}

/** Paths that no copy of the machine may show. */
export function hostMaskedPaths(layout: Layout): string[] {
  return ownDirectories(layout);
}

/** overlayfs.rst: colons separate layers; commas separate options. */
function escaped(path: string): string {
  return path.replace(/[\\:,]/g, '\\$&');
}

function readMountinfo(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch (error) {
    throw fromSystemError(error, 'read "/proc/self/mountinfo"');
  }
}
