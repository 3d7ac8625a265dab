/**
 * Turns a layer's tar archive into a directory that serves as a lower layer of overlayfs: whiteouts become character
 * devices 0/0, opaque directories get an attribute (Documentation/filesystems/overlayfs.rst). The archive is hostile:
 * every path is resolved inside the directory, nothing that was unpacked is opened again but directories, and each
 * entry is made by its parent's descriptor and one name. Synchronous; whoever feeds it waits for the bytes.
 */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import type { Descriptor } from '../kernel/descriptor.ts';
import type { Directory } from '../kernel/directory.ts';
import {
  createFile,
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
import { setMode, setOwner, setTimes, writeBytes } from '../kernel/open-file.ts';
import {
  attributeFate,
  type EntryPath,
  nameOf,
  parentOf,
  parseEntryPath,
  rootPath,
  shownPath,
  type Whiteout,
  whiteoutOf,
} from './entry-path.ts';
import { readTar } from './tar.ts';
import { defaultTarLimits, type TarEntry, type TarLimits } from './tar-entry.ts';
import { type LayerDirectories, layerDirectories, type Place } from './unpack-directory.ts';

export type UnpackOptions = {
  /** What errors call it: 'layer "sha256:..."'. */
  readonly what: string;
  /** There is no layer below, so whiteouts hide nothing. */
  readonly lowest: boolean;
  /** `user` where overlayfs is mounted with `userxattr`, by a user without privileges. */
  readonly overlayAttributes: 'trusted' | 'user';
  readonly limits: TarLimits;
};

export const defaultUnpackOptions: Omit<UnpackOptions, 'what' | 'lowest'> = {
  overlayAttributes: 'trusted',
  limits: defaultTarLimits,
};

export type Unpacked = {
  /** Bytes of the regular files. */
  readonly size: number;
  readonly entries: number;
  /** Directories without an entry of their own: to be given the metadata that they have in the layers below. */
  readonly implicit: readonly EntryPath[];
  /** The archive hides all that the layers below have. */
  readonly opaque: boolean;
  /** Whether the archive had its end mark. */
  readonly ended: boolean;
};

/** Disposing of it closes its descriptors; what was unpacked stays. */
export type Unpacker = Disposable & {
  /** @throws OnggiError that names the layer and the entry: `corrupt`, `unsupported`, `exhausted`, `denied` */
  write(chunk: Buffer): void;
  finish(): Unpacked;
};

type State = {
  readonly options: UnpackOptions;
  readonly directories: LayerDirectories;
  readonly count: () => void;
  entry: TarEntry | undefined;
  path: EntryPath;
  file: Descriptor | undefined;
  size: number;
  entries: number;
  opaque: boolean;
};

/** Unpacks into `layer`, an empty directory that belongs to the caller. */
export function createUnpacker(layer: Place, options: UnpackOptions): Unpacker {
  const count = (): void => {
    state.entries += 1;
    if (state.entries <= options.limits.entries) return;
    throw new OnggiError('exhausted', `over ${options.limits.entries} entries and directories`);
  };
  const directories = layerDirectories(layer, count);
  const state: State = {
    options,
    directories,
    count,
    entry: undefined,
    path: rootPath,
    file: undefined,
    size: 0,
    entries: 0,
    opaque: false,
  };
  const reader = readTar(
    {
      entry: (entry) => begin(state, entry),
      content: (bytes) => content(state, bytes),
      end: () => end(state),
    },
    options.limits,
  );
  const named = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw inLayer(state, error);
    }
  };
  return {
    write: (chunk) => named(() => reader.write(chunk)),
    finish: () =>
      named(() => {
        const ended = reader.finish();
        directories.setTimesOfAll();
        return {
          size: state.size,
          entries: state.entries,
          implicit: directories.implicit(),
          opaque: state.opaque,
          ended,
        };
      }),
    [Symbol.dispose]() {
      state.file?.[Symbol.dispose]();
      directories[Symbol.dispose]();
    },
  };
}

type Hiding = Exclude<Whiteout, { readonly kind: 'aufs' }>;

function begin(state: State, entry: TarEntry): void {
  state.entry = entry;
  state.count();
  const path = parseEntryPath(entry.name);
  state.path = path;
  const whiteout = whiteoutOf(path);
  if (whiteout !== undefined) {
    // A whiteout's own type and content say nothing; content that follows is dropped, for no file is open.
    if (!state.options.lowest && whiteout.kind !== 'aufs') hide(state, whiteout);
    return;
  }
  state.size += entry.size;
  if (path === rootPath && entry.type !== 'directory') {
    throw new OnggiError('corrupt', `the root of the layer as a ${entry.type}`);
  }
  const place = state.directories.place(path);
  if (entry.type === 'directory') directory(state, place, entry);
  else if (entry.type === 'hardlink') link(state, place, entry);
  else if (entry.type === 'file') state.file = make(state, place, () => createFile(place.parent, place.name, 0o600));
  else special(state, place, entry.type, entry);
}

function content(state: State, bytes: Buffer): void {
  if (state.file !== undefined) writeBytes(state.file, bytes);
}

function end(state: State): void {
  const { file, entry, path } = state;
  if (file === undefined || entry === undefined) return;
  state.file = undefined;
  using _ = file;
  // In this order: a change of owner takes set-id bits and capabilities away, and a write changes the times.
  setOwner(file, entry.uid, entry.gid);
  setMode(file, entry.mode);
  if (entry.attributes.size > 0) setAttributes(state.directories.place(path), entry);
  setTimes(file, entry.modified, entry.modified);
}

function directory(state: State, place: Place, entry: TarEntry): void {
  const { parent, name } = place;
  if (!makeMissing(place)) make(state, place, () => makeDirectory(parent, name, 0o700));
  setEntryOwner(parent, name, entry.uid, entry.gid);
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
function special(state: State, place: Place, type: 'symlink' | NodeType, entry: TarEntry): void {
  const { parent, name } = place;
  make(state, place, () => {
    if (type === 'symlink') makeSymbolicLink(parent, name, entry.linkName);
    else makeNode(parent, name, type, 0o600, [entry.major, entry.minor]);
  });
  setEntryOwner(parent, name, entry.uid, entry.gid);
  if (type !== 'symlink') setEntryMode(parent, name, entry.mode);
  setAttributes(place, entry);
  setEntryTimes(parent, name, entry.modified, entry.modified);
}

/** The target is a path inside this layer, whatever it looks like; links on its way stay inside, the last is not followed. */
function link(state: State, place: Place, entry: TarEntry): void {
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
function make<T>(state: State, place: Place, create: () => T): T {
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
  if (found?.isDirectory()) state.directories.forget(state.path);
  // What the lower layers have there stays hidden.
  if (wasWhiteout && state.entry?.type === 'directory') markOpaque(state, place);
  return made;
}

function hide(state: State, whiteout: Hiding): void {
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

function setAttributes({ parent, name }: Place, entry: TarEntry): void {
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

/** errno words that say the archive contradicts itself: a file as a parent, a loop of links, a name that is too long. */
const archiveErrnos = new Set([
  'ENOENT',
  'ENOTDIR',
  'EEXIST',
  'ELOOP',
  'EINVAL',
  'ENAMETOOLONG',
  'EISDIR',
  'EXDEV',
  'EMLINK',
]);

function inLayer(state: State, error: unknown): OnggiError {
  const known = fromSystemError(error, 'unpack');
  const entry = state.entry === undefined ? '' : ` entry "${state.entry.name.toString().slice(0, 1000)}":`;
  const errno = errnoOf(known.cause);
  const code = errno !== undefined && archiveErrnos.has(errno) ? 'corrupt' : known.code;
  return new OnggiError(code, `${state.options.what}:${entry} ${known.message}`, {
    cause: error,
    ...(known.hint !== undefined && { hint: known.hint }),
  });
}
