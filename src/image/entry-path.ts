/**
 * Paths of tar entries. Names are bytes without an encoding; here they are strings with one character a byte
 * (latin1), which loses nothing, compares fast, and equals the name itself as long as it is ASCII. Pure.
 */
import { OnggiError } from '../errors.ts';

declare const brand: unique symbol;
/** Components joined by "/", none of them empty, "." or ".."; "" is the root of the layer. */
export type EntryPath = string & { readonly [brand]: 'entry-path' };

export const rootPath = '' as EntryPath;

/**
 * "/a/./b/../c" -> "a/c": an absolute path starts at the root of the layer, as every other.
 * @throws OnggiError `corrupt` when ".." leads above the root
 */
export function parseEntryPath(name: Buffer): EntryPath {
  const text = name.toString('latin1');
  const components: string[] = [];
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') components.push(part);
    else if (components.pop() === undefined) {
      throw new OnggiError('corrupt', `path "${name.toString()}" leads out of the layer`);
    }
  }
  return components.join('/') as EntryPath;
}

export function parentOf(path: EntryPath): EntryPath {
  const slash = path.lastIndexOf('/');
  return (slash === -1 ? '' : path.slice(0, slash)) as EntryPath;
}

/** Last component, as the system calls take it. */
export function nameOf(path: EntryPath): string | Buffer {
  return toName(path.slice(path.lastIndexOf('/') + 1));
}

/** A name or path as the system calls take it: bytes, where a string would be encoded as UTF-8. */
export function toName(text: string): string | Buffer {
  return /[^\u0000-\u007f]/.test(text) ? Buffer.from(text, 'latin1') : text;
}

/** For messages. */
export function shownPath(path: EntryPath): string {
  return Buffer.from(path, 'latin1').toString();
}

/** What the name of an entry says about the layers below (layer.md, "Whiteouts"). */
export type Whiteout =
  /** Hides everything that the lower layers have in this directory. */
  | { readonly kind: 'opaque'; readonly directory: EntryPath }
  /** Hides one name. */
  | { readonly kind: 'whiteout'; readonly path: EntryPath }
  /** Bookkeeping of aufs that some old layers carry; never a file of the image. */
  | { readonly kind: 'aufs' };

const whiteoutPrefix = '.wh.';

/** @throws OnggiError `corrupt` for a whiteout of "", "." or ".." */
export function whiteoutOf(path: EntryPath): Whiteout | undefined {
  if (!path.includes(whiteoutPrefix)) return undefined;
  const components = path.split('/');
  // Below .wh..wh.plnk and the like everything is bookkeeping.
  const aufs = components.findIndex((part) => part.startsWith('.wh..wh.') && part !== '.wh..wh..opq');
  if (aufs !== -1) return { kind: 'aufs' };
  const last = components.at(-1) ?? '';
  if (!last.startsWith(whiteoutPrefix)) return undefined;
  if (last === '.wh..wh..opq') return { kind: 'opaque', directory: parentOf(path) };
  const hidden = last.slice(whiteoutPrefix.length);
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw new OnggiError('corrupt', `whiteout "${shownPath(path)}" hides no name`);
  }
  return { kind: 'whiteout', path: [...components.slice(0, -1), hidden].join('/') as EntryPath };
}

/**
 * What happens to an extended attribute that an image brings. `trusted.overlay.*` and `user.overlay.*` would steer
 * overlayfs itself (redirects, opaque directories); other name spaces belong to this machine's security modules.
 */
export function attributeFate(name: string): 'set' | 'skip' | 'refuse' {
  if (name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')) return 'refuse';
  if (name === 'security.capability' || name.startsWith('user.')) return 'set';
  return name === 'system.posix_acl_access' || name === 'system.posix_acl_default' ? 'set' : 'skip';
}
