/**
 * Entries of a held directory, each named by one component, links never followed. Synchronous; errors are OnggiError
 * with the code of the errno.
 */
import { constants, lstatSync, readdirSync, type Stats } from 'node:fs';
import { errnoOf, fromSystemError } from '../errors.ts';
import { native } from './addon.ts';
import type { Name } from './addon-surface.ts';
import { type Descriptor, ownDescriptor } from './descriptor.ts';
import { component, type Directory, shown } from './directory.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK } = constants;

/** Seconds since the epoch, may be negative, and the nanoseconds on top, 0 to 999999999. */
export type Time = { readonly seconds: number; readonly nanoseconds: number };

/** A new empty regular file for writing; the umask applies. @throws OnggiError `exists` */
export function createFile(parent: Directory, name: Name, mode: number): Descriptor {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  return native(`create "${shown(name)}"`, (addon) =>
    ownDescriptor(addon.openat2(parent.fd, component(name), flags, mode, 0)),
  );
}

export function makeDirectory(parent: Directory, name: Name, mode: number): void {
  native(`make directory "${shown(name)}"`, (addon) => addon.mkdirat(parent.fd, name, mode));
}

export type NodeType = 'character' | 'block' | 'fifo' | 'socket';

const nodeTypes: Readonly<Record<NodeType, number>> = {
  character: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
};

export function makeNode(parent: Directory, name: Name, type: NodeType, mode: number, device: [number, number]): void {
  native(`make ${type} node "${shown(name)}"`, (addon) =>
    addon.mknodat(parent.fd, name, nodeTypes[type] | mode, device[0], device[1]),
  );
}

/** A symbolic link; `target` is stored as it is. */
export function makeSymbolicLink(parent: Directory, name: Name, target: Name): void {
  native(`link "${shown(name)}" to "${shown(target)}"`, (addon) => addon.symlinkat(target, parent.fd, name));
}

/** A second name of an entry; of a symbolic link itself, not of what it points to. */
export function makeLink(parent: Directory, name: Name, targetParent: Directory, target: Name): void {
  native(`link "${shown(name)}" to "${shown(target)}"`, (addon) =>
    addon.linkat(targetParent.fd, target, parent.fd, name),
  );
}

export function rename(from: Directory, name: Name, to: Directory, newName: Name, noReplace: boolean): void {
  native(`rename "${shown(name)}" to "${shown(newName)}"`, (addon) =>
    addon.renameat(from.fd, name, to.fd, newName, noReplace),
  );
}

/** Absent entries are undefined. */
export function statEntry(parent: Directory, name: Name): Stats | undefined {
  try {
    return lstatSync(pathOf(parent, name), { throwIfNoEntry: false });
  } catch (error) {
    throw fromSystemError(error, `look at "${shown(name)}"`);
  }
}

/** Names of all entries, as bytes. */
export function listEntries(directory: Directory): Buffer[] {
  try {
    return readdirSync(`/proc/self/fd/${directory.fd}`, { encoding: 'buffer' });
  } catch (error) {
    throw fromSystemError(error, 'list a directory');
  }
}

/** Only for reading calls: the kernel takes the directory by descriptor, and the name is one component. */
function pathOf(parent: Directory, name: Name): Buffer {
  const last = component(name);
  return Buffer.concat([
    Buffer.from(`/proc/self/fd/${parent.fd}/`),
    typeof last === 'string' ? Buffer.from(last) : last,
  ]);
}

/** Removes a file or an empty directory. Absent is fine. @returns whether it was there */
export function removeEntry(parent: Directory, name: Name, isDirectory: boolean): boolean {
  return native(`remove "${shown(name)}"`, (addon) => {
    try {
      addon.unlinkat(parent.fd, name, isDirectory);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
  });
}

/**
 * Removes an entry with all below it; absent is fine. Links are removed, not followed.
 *
 * @returns whether it was there
 */
export function removeTree(parent: Directory, name: Name): boolean {
  return native(`remove "${shown(name)}"`, (addon) => addon.removeTree(parent.fd, component(name)));
}

export function setEntryOwner(parent: Directory, name: Name, uid: number, gid: number): void {
  native(`change owner of "${shown(name)}"`, (addon) => addon.chownat(parent.fd, name, uid, gid));
}

/** Not for symbolic links, which have no mode. @throws OnggiError `unsupported` */
export function setEntryMode(parent: Directory, name: Name, mode: number): void {
  native(`change mode of "${shown(name)}"`, (addon) => addon.chmodat(parent.fd, name, mode));
}

export function setEntryTimes(parent: Directory, name: Name, accessed: Time, modified: Time): void {
  native(`set times of "${shown(name)}"`, (addon) =>
    addon.utimensat(parent.fd, name, accessed.seconds, accessed.nanoseconds, modified.seconds, modified.nanoseconds),
  );
}

export function setEntryAttribute(parent: Directory, name: Name, attribute: string, value: Uint8Array): void {
  native(`set ${attribute} of "${shown(name)}"`, (addon) => addon.setxattrat(parent.fd, name, attribute, value));
}
