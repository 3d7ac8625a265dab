/**
 * Directories held by descriptor, below which paths of images and containers are resolved by the kernel:
 * "..", absolute paths and symbolic links end at the held root (openat2(2), RESOLVE_IN_ROOT). Nothing here follows a
 * link in the last component, and every entry is named by its directory's descriptor and one component, so a link
 * that is swapped in between two calls changes nothing.
 *
 * All calls are synchronous and throw OnggiError with the code of the errno.
 */
import { constants, fstatSync } from 'node:fs';
import { type Code, errnoOf, OnggiError } from '../errors.ts';
import { addon, native } from './addon.ts';
import type { Name } from './addon-surface.ts';
import { type Descriptor, ownDescriptor } from './descriptor.ts';

declare const brand: unique symbol;
/** A held directory. Whoever receives one disposes of it. */
export type Directory = Descriptor & { readonly [brand]: 'directory' };

/** <linux/openat2.h> */
const resolveNoMagicLinks = 0x02;
const resolveInRoot = 0x10;
const inRoot = resolveInRoot | resolveNoMagicLinks;

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = constants;
/** <asm-generic/fcntl.h>; node:fs does not name it. */
const O_PATH = 0o10000000;
const currentDirectory = -100;

/** A name as it appears in messages. */
export function shown(name: Name): string {
  return typeof name === 'string' ? name : new TextDecoder().decode(name);
}

/** An entry as the directory that it must be; a link in its place is refused. `name` is one component. */
export function openEntryDirectory(parent: Directory, name: Name): Directory {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  return native(`open directory "${shown(name)}"`, (addon) =>
    asDirectory(addon.openat2(parent.fd, component(name), flags, 0, inRoot)),
  );
}

/**
 * `name`, when it is one component of a path; for calls where the kernel would accept a path.
 *
 * @throws OnggiError `invalid`
 */
export function component(name: Name): Name {
  const text = shown(name);
  if (text === '' || text === '.' || text === '..' || text.includes('/') || text.includes('\0')) {
    throw new OnggiError('invalid', `name "${text}": not one component of a path`);
  }
  return name;
}

function asDirectory(fd: number): Directory {
  return ownDescriptor(fd) as Directory;
}

/** Holds a directory of the host by a path that the caller vouches for. */
export function openDirectory(path: string): Directory {
  return native(`open directory "${path}"`, (addon) =>
    asDirectory(addon.openat2(currentDirectory, path, O_RDONLY | O_DIRECTORY, 0, 0)),
  );
}

/** The directory at `path` inside `root`; links on the way, the last one too, are followed inside the root. */
export function openDirectoryIn(root: Directory, path: Name): Directory {
  return native(`open directory "${shown(path)}"`, (addon) =>
    asDirectory(addon.openat2(root.fd, path, O_RDONLY | O_DIRECTORY, 0, inRoot)),
  );
}

/**
 * As `openDirectoryIn`, but missing components are made with `mode` (mkdir -p). Idempotent.
 *
 * @throws OnggiError `invalid` for a path with a component that is there and is no directory
 */
export function ensureDirectoryIn(root: Directory, path: string, mode: number): Directory {
  const found = tryOpenDirectoryIn(root, path);
  if (found !== undefined) return found;
  const components = path.split('/').filter((component) => component !== '' && component !== '.');
  const last = components.pop();
  // ".." can't be made, and an empty path is the root itself, which was found above.
  if (last === undefined || last === '..') throw new OnggiError('not-found', `directory "${path}": not found`);
  const parentPath = components.join('/');
  using parent = ensureDirectoryIn(root, parentPath === '' ? '.' : parentPath, mode);
  try {
    native(`make directory "${path}"`, (addon) => addon.mkdirat(parent.fd, last, mode));
  } catch (error) {
    // Another writer was first, or a dangling link is in the way: the open below tells.
    if (!hasCode(error, 'exists')) throw error;
  }
  return openDirectoryIn(root, path);
}

function tryOpenDirectoryIn(root: Directory, path: string): Directory | undefined {
  try {
    return openDirectoryIn(root, path);
  } catch (error) {
    if (hasCode(error, 'not-found')) return undefined;
    throw error;
  }
}

/**
 * Opens the regular file at `path` inside `root` for reading. The caller closes the descriptor.
 *
 * @throws OnggiError `invalid` when it is not a regular file: opening a device could act, a FIFO block
 */
export function openFileIn(root: Directory, path: Name): Descriptor {
  // O_PATH acts on nothing, so the type is known before the real open.
  const tried = `open "${shown(path)}"`;
  using entry = native(tried, (addon) => ownDescriptor(addon.openat2(root.fd, path, O_PATH, 0, inRoot)));
  if (!fstatSync(entry.fd).isFile()) throw new OnggiError('invalid', `${tried}: not a regular file`);
  const self = `/proc/self/fd/${entry.fd}`;
  return native(tried, (addon) => ownDescriptor(addon.openat2(currentDirectory, self, O_RDONLY | O_NONBLOCK, 0, 0)));
}

/**
 * Opens a regular file that is there for writing, and empties it. The caller closes the descriptor.
 *
 * @throws OnggiError `invalid` when it is not a regular file
 */
export function openFileToRewrite(parent: Directory, name: Name): Descriptor {
  const tried = `open "${shown(name)}"`;
  using entry = native(tried, (addon) =>
    ownDescriptor(addon.openat2(parent.fd, component(name), O_PATH | O_NOFOLLOW, 0, 0)),
  );
  if (!fstatSync(entry.fd).isFile()) throw new OnggiError('invalid', `${tried}: not a regular file`);
  const self = `/proc/self/fd/${entry.fd}`;
  const flags = O_WRONLY | O_TRUNC | O_NONBLOCK;
  return native(tried, (addon) => ownDescriptor(addon.openat2(currentDirectory, self, flags, 0, 0)));
}

function hasCode(error: unknown, code: Code): boolean {
  return error instanceof OnggiError && error.code === code;
}

/**
 * Tells ext4 that what is made in this directory has little to do with one another, so that it spreads it over the
 * disk. Else it looks for room beside what was there before, and avoids inodes that were freed in the last minute one
 * by one: in a store whose containers come and go, 0.9 ms for each new file and 6 ms for an overlay mount, against
 * 0.2 ms. A file system without the flag is as good as it is.
 */
export function spreadChildren(path: string): void {
  using directory = openDirectory(path);
  try {
    addon().markTopDirectory(directory.fd);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
