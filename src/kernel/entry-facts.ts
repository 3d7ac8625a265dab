/**
 * Looking at entries of a held directory: what they are, where links lead, their attributes, their bytes. Nothing is
 * followed and nothing but regular files is opened, also while somebody else changes the directory.
 */
import { constants } from 'node:fs';
import { errnoOf, OnggiError } from '../errors.ts';
import { addon, native } from './addon.ts';
import type { Name } from './addon-surface.ts';
import { type Descriptor, ownDescriptor } from './descriptor.ts';
import { component, type Directory, shown } from './directory.ts';
import type { Time } from './directory-entry.ts';

export type EntryKind = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket';

export type EntryFacts = {
  readonly kind: EntryKind;
  /** Permission and set-id bits, 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a file's content. */
  readonly size: number;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
  /** The same for all names of one inode. */
  readonly inode: string;
  /** Number of the file system; another one than the parent's is a mount point's. */
  readonly device: number;
  readonly modified: Time;
  /** When anything of it was last changed; nobody can set it (inode(7), ctime). */
  readonly changed: Time;
  /** Bytes that it takes on the disk. */
  readonly disk: number;
};

const kinds: Readonly<Record<number, EntryKind>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
  [constants.S_IFCHR]: 'character',
  [constants.S_IFBLK]: 'block',
  [constants.S_IFIFO]: 'fifo',
};

/** Undefined when there is no such entry. */
export function entryFacts(parent: Directory, name: Name): EntryFacts | undefined {
  return native(`look at "${shown(name)}"`, (addon) => {
    try {
      return factsOf(addon.entryFacts(parent.fd, component(name)));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** Whether something is mounted on it, in whatever mount namespace `parent` was opened. */
export function isMountPoint(parent: Directory, name: Name): boolean {
  return native(`look at "${shown(name)}"`, (addon) => addon.isMountPoint(parent.fd, component(name)) === 1);
}

export function descriptorFacts(descriptor: Descriptor): EntryFacts {
  return native('look at a descriptor', (addon) => factsOf(addon.descriptorFacts(descriptor.fd)));
}

/** In the order of make_facts() in native/addon/addon_entry.c. */
function factsOf(bytes: Uint8Array): EntryFacts {
  const [mode = 0, uid = 0, gid = 0, size = 0, links = 0, major = 0, minor = 0, ...more] = new Float64Array(
    bytes.buffer,
    bytes.byteOffset,
    bytes.length / Float64Array.BYTES_PER_ELEMENT,
  );
  const [inodeHigh = 0, inodeLow = 0, device = 0, seconds = 0, nanoseconds = 0, blocks = 0, ...changed] = more;
  return {
    kind: kinds[mode & constants.S_IFMT] ?? 'socket',
    mode: mode & 0o7777,
    uid,
    gid,
    size,
    links,
    major,
    minor,
    inode: `${device}:${inodeHigh}:${inodeLow}`,
    device,
    modified: { seconds, nanoseconds },
    changed: { seconds: changed[0] ?? 0, nanoseconds: changed[1] ?? 0 },
    // stat(2): in units of 512 bytes, whatever the file system's own.
    disk: blocks * 512,
  };
}

/** Target of a symbolic link, as it is stored. */
export function readLink(parent: Directory, name: Name): Buffer {
  return Buffer.from(
    native(`read link "${shown(name)}"`, (addon) => addon.readlinkat(parent.fd, component(name))).buffer,
  );
}

/** Names of the extended attributes of the entry itself, sorted. One that has gone has none. */
export function listAttributes(parent: Directory, name: Name): string[] {
  return native(`list attributes of "${shown(name)}"`, (addon) => {
    try {
      const names = addon.listxattrat(parent.fd, component(name));
      if (names.length === 0) return [];
      return Buffer.from(names.buffer).toString().split('\0').slice(0, -1).sort();
    } catch (error) {
      if (errnoOf(error) === 'EOPNOTSUPP' || errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  });
}

/** Undefined when the entry has no such attribute, or has gone. */
export function readAttribute(parent: Directory, name: Name, attribute: string): Buffer | undefined {
  return native(`read ${attribute} of "${shown(name)}"`, (addon) => {
    try {
      const value = addon.getxattrat(parent.fd, component(name), attribute);
      return value === undefined ? undefined : Buffer.from(value.buffer);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** <linux/openat2.h> */
const resolveNoMagicLinks = 0x02;
const resolveNoSymlinks = 0x04;
const resolveInRoot = 0x10;

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** <asm-generic/fcntl.h>; node:fs does not name it. */
const O_PATH = 0o10000000;
const currentDirectory = -100;

/** Opens a regular file for reading. @throws OnggiError `invalid` when it is something else: a device could act, a FIFO block */
export function openEntryFile(parent: Directory, name: Name): Descriptor {
  const tried = `open "${shown(name)}"`;
  // O_PATH acts on nothing, so the type is known before the real open.
  using entry = native(tried, (addon) =>
    ownDescriptor(addon.openat2(parent.fd, component(name), O_PATH | O_NOFOLLOW, 0, 0)),
  );
  if (descriptorFacts(entry).kind !== 'file') throw new OnggiError('invalid', `${tried}: not a regular file`);
  const self = `/proc/self/fd/${entry.fd}`;
  return native(tried, (addon) => ownDescriptor(addon.openat2(currentDirectory, self, O_RDONLY | O_NONBLOCK, 0, 0)));
}

/** The directory at `path` inside `root`, "" for the root; undefined when a component is missing, or no directory. */
export function openRealDirectory(root: Directory, path: Name): Directory | undefined {
  const resolve = resolveInRoot | resolveNoSymlinks | resolveNoMagicLinks;
  try {
    const fd = addon().openat2(root.fd, path.length === 0 ? '.' : path, O_RDONLY | O_DIRECTORY, 0, resolve);
    return ownDescriptor(fd) as Directory;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    return native(`open directory "${shown(path)}"`, () => {
      throw error;
    });
  }
}

/**
 * A directory of the host without what is mounted below it, through a clone of its mount that has no place anywhere
 * and goes with the descriptor.
 */
export function openWithoutMounts(path: string): Directory {
  return native(`look below the mounts of "${path}"`, (addon) => {
    // The descriptor that open_tree(2) gives has O_PATH: it can't be listed.
    using clone = ownDescriptor(addon.cloneMount(path));
    return ownDescriptor(addon.openat2(clone.fd, '.', O_RDONLY | O_DIRECTORY, 0, 0)) as Directory;
  });
}
