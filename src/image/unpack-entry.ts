/**
 * Makes one entry of a layer, by its parent's descriptor and one name. Nothing here is opened but directories, so a
 * FIFO can't block and a device can't act.
 */
import { errnoOf, OnggiError } from '../errors.ts';
import type { Descriptor } from '../kernel/descriptor.ts';
import type { Directory } from '../kernel/directory.ts';
import {
  makeDirectory,
  makeLink,
  makeNode,
  makeSymbolicLink,
  type NodeType,
  removeTree,
  setEntryAttribute,
  setEntryMode,
  setEntryOwner,
  setEntryTimes,
  statEntry,
} from '../kernel/directory-entry.ts';
import {
  attributeFate,
  type EntryPath,
  nameOf,
  parentOf,
  parseEntryPath,
  rootPath,
  shownPath,
  type Whiteout,
} from './entry-path.ts';
import type { TarEntry, TarLimits } from './tar-entry.ts';
import type { LayerDirectories, Place } from './unpack-directory.ts';

export type UnpackOptions = {
  /** What errors call it: 'layer "sha256:..."'. */
  readonly what: string;
  /** There is no layer below, so whiteouts hide nothing. */
  readonly lowest: boolean;
  /** `user` where overlayfs is mounted with `userxattr`, by a user without privileges. */
  readonly overlayAttributes: 'trusted' | 'user';
  readonly limits: TarLimits;
};

/** What is known of the layer so far, and the entry at hand. */
export type State = {
  readonly options: UnpackOptions;
  readonly directories: LayerDirectories;
  /** Called for each entry and each directory made; throws when there are too many. */
  readonly count: () => void;
  entry: TarEntry | undefined;
  path: EntryPath;
  file: Descriptor | undefined;
  /** The file has some. */
  holes: boolean;
  /** Bytes of the regular files. */
  size: number;
  entries: number;
  /** The root hides all that is below. */
  opaque: boolean;
};

type Hiding = Exclude<Whiteout, { readonly kind: 'aufs' }>;

/** Does what gives an entry its owner. @throws OnggiError `denied` where the user namespace does not know the id */
export function owned({ uid, gid }: TarEntry, give: () => void): void {
  try {
    give();
  } catch (error) {
    // chown(2) has no other use of it.
    if (errnoOf(error instanceof OnggiError ? error.cause : error) !== 'EINVAL') throw error;
    throw new OnggiError('denied', `its owner ${uid}:${gid} is no id that you may map`, {
      cause: error,
      hint: 'Get ranges of 65536 ids in /etc/subuid and /etc/subgid (usermod --add-subuids), and newuidmap (Debian: uidmap).',
    });
  }
}

function giveEntry({ parent, name }: Place, entry: TarEntry): void {
  owned(entry, () => setEntryOwner(parent, name, entry.uid, entry.gid));
}

/** Makes a directory, or describes one again. */
export function directory(state: State, place: Place, entry: TarEntry): void {
  const { parent, name } = place;
  if (!makeMissing(place)) make(state, place, () => makeDirectory(parent, name, 0o700));
  giveEntry(place, entry);
  setEntryMode(parent, name, entry.mode);
  setAttributes(place, entry);
  state.directories.described(state.path, entry.modified);
}

/** @returns whether there is a directory now: an archive may describe the same one twice. False: something else is there. */
function makeMissing({ parent, name }: Place): boolean {
  try {
    makeDirectory(parent, name, 0o700);
    return true;
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'exists') throw error;
    return statEntry(parent, name)?.isDirectory() === true;
  }
}

/** Symbolic links, devices and FIFOs: made by name, never opened. */
export function special(state: State, place: Place, type: 'symlink' | NodeType, entry: TarEntry): void {
  const { parent, name } = place;
  // Nobody could make it, and a container has a /dev of its own; Docker and Podman do without it too.
  if ((type === 'character' || type === 'block') && state.options.overlayAttributes === 'user') return;
  make(state, place, () => {
    if (type === 'symlink') makeSymbolicLink(parent, name, entry.linkName);
    else makeNode(parent, name, type, 0o600, [entry.major, entry.minor]);
  });
  giveEntry(place, entry);
  if (type !== 'symlink') setEntryMode(parent, name, entry.mode);
  setAttributes(place, entry);
  setEntryTimes(parent, name, entry.modified, entry.modified);
}

/** The target is a path inside this layer, whatever it looks like; links on its way stay inside, the last is not followed. */
export function link(state: State, place: Place, entry: TarEntry): void {
  const target = parseEntryPath(entry.linkName);
  const shown = shownPath(target);
  if (target === rootPath || target === state.path) throw new OnggiError('corrupt', `hard link to "${shown}"`);
  let targetParent: Directory;
  try {
    targetParent = state.directories.open(parentOf(target), false);
  } catch (error) {
    throw new OnggiError('corrupt', `hard link to "${shown}", which is not in this layer`, { cause: error });
  }
  const found = statEntry(targetParent, nameOf(target));
  if (found === undefined) throw new OnggiError('corrupt', `hard link to "${shown}", which is not in this layer`);
  if (found.isDirectory()) throw new OnggiError('corrupt', `hard link to directory "${shown}"`);
  make(state, place, () => makeLink(place.parent, place.name, targetParent, nameOf(target)));
}

/** Makes an entry; one of the same name that came earlier in this archive gives way, as with every tar. */
export function make<T>(state: State, place: Place, create: () => T): T {
  try {
    return create();
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'exists') throw error;
  }
  const { parent, name } = place;
  const found = statEntry(parent, name);
  const wasWhiteout = found?.isCharacterDevice() === true && found.rdev === 0;
  removeTree(parent, name);
  const made = create();
  // Descriptors of removed directories must not be used again.
  if (found?.isDirectory()) state.directories.replaced();
  // What the lower layers have there stays hidden.
  if (wasWhiteout && state.entry?.type === 'directory') markOpaque(state, place);
  return made;
}

/** What a whiteout says, in the words of overlayfs. */
export function hide(state: State, whiteout: Hiding): void {
  if (whiteout.kind === 'opaque') {
    // overlayfs merges the roots whatever they say, so the layer's owner must hide names one by one.
    if (whiteout.directory === rootPath) state.opaque = true;
    else {
      state.directories.open(whiteout.directory, true);
      markOpaque(state, state.directories.place(whiteout.directory));
    }
    return;
  }
  const place = state.directories.place(whiteout.path);
  const found = statEntry(place.parent, place.name);
  // It hides what is below, never what this layer itself brings.
  if (found?.isDirectory()) markOpaque(state, place);
  if (found === undefined) makeNode(place.parent, place.name, 'character', 0, [0, 0]);
}

function markOpaque(state: State, place: Place): void {
  const attribute = `${state.options.overlayAttributes}.overlay.opaque`;
  setEntryAttribute(place.parent, place.name, attribute, Buffer.from('y'));
}

/** Of the entry itself, also when it is a link. */
export function setAttributes({ parent, name }: Place, entry: TarEntry): void {
  for (const [attribute, value] of entry.attributes) {
    const fate = attributeFate(attribute);
    if (fate === 'refuse') throw new OnggiError('corrupt', `attribute "${attribute}" belongs to overlayfs`);
    if (fate === 'skip') continue;
    try {
      setEntryAttribute(parent, name, attribute, value);
    } catch (error) {
      // The file system has no such attributes: all but capabilities are hints, and Docker goes on too.
      const errno = errnoOf(error instanceof OnggiError ? error.cause : error);
      if (errno !== 'EOPNOTSUPP' || attribute === 'security.capability') throw error;
    }
  }
}
