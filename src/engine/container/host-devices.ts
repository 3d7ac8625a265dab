/** All device nodes of the machine, for `--privileged`. */
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { statIfThere } from '../../kernel/stat-file.ts';
import type { Device } from '../../oci/runtime-spec.ts';

/** Mounts of their own in every container, and what the container's own pty and console replace. */
const left = new Set(['/dev/pts', '/dev/shm', '/dev/mqueue', '/dev/fd', '/dev/.udev', '/dev/console', '/dev/ptmx']);

export function hostDevices(directory = '/dev'): Device[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry): Device[] => {
    const path = join(directory, entry.name);
    if (left.has(path)) return [];
    if (entry.isDirectory()) return hostDevices(path);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found === undefined ? [] : [deviceOf(path, found)];
  });
}

/** The device at a path of the host, links followed, or all those below a directory; empty when there is none. */
export function devicesAt(path: string): Device[] {
  const found = statIfThere(path);
  if (found === undefined) return [];
  if (found.isDirectory()) return hostDevices(path);
  return found.isCharacterDevice() || found.isBlockDevice() ? [deviceOf(path, found)] : [];
}

/** Whether there is anything at a path of the host, or a file where a directory on the way should be. */
export function isThereOnHost(path: string): boolean {
  return statIfThere(path) !== undefined || statIfThere(dirname(path))?.isDirectory() === false;
}

function deviceOf(path: string, found: Stats): Device {
  const { major, minor } = deviceNumbers(found.rdev);
  const type = found.isBlockDevice() ? 'b' : 'c';
  return { path, type, major, minor, fileMode: found.mode & 0o777, uid: found.uid, gid: found.gid };
}

/** makedev(3) of glibc undone: major in bits 8-19 and 44-63, minor in bits 0-7 and 20-43. */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
