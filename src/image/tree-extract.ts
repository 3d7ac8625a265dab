/**
 * Puts what a tar archive holds into a directory that is in use: a container's, or one of the host. Other than in a layer,
 * names that begin with ".wh." mean nothing here, what is there stays unless the archive names it, and a directory
 * never gives way to something else, nor the reverse.
 *
 * The archive is hostile, and whoever lives in the directory may change it meanwhile: every parent is found below a held
 * root (openat2(2)), each entry is made by its parent's descriptor and one name, and nothing is opened but directories and
 * files just made.
 */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import type { Descriptor } from '../kernel/descriptor.ts';
import { type Directory, openDirectoryIn, openFileToRewrite } from '../kernel/directory.ts';
import {
  createFile,
  makeDirectory,
  makeLink,
  makeNode,
  makeSymbolicLink,
  removeEntry,
  setEntryAttribute,
  setEntryMode,
  setEntryOwner,
  setEntryTimes,
} from '../kernel/directory-entry.ts';
import { type EntryKind, entryFacts, isMountPoint, openRealDirectory } from '../kernel/entry-facts.ts';
import { setLength, setMode, setOwner, setTimes, skipBytes, writeBytes } from '../kernel/open-file.ts';
import { directoryCache } from './directory-cache.ts';
import {
  attributeFate,
  type EntryPath,
  nameOf,
  parentOf,
  parseEntryPath,
  rootPath,
  shownPath,
  toName,
} from './entry-path.ts';
import type { Place } from './place.ts';
import { readTar } from './tar.ts';
import { defaultTarLimits, type TarEntry } from './tar-entry.ts';

export type ExtractOptions = {
  /** Links on the way to an entry lead on, inside the root; else they are refused. */
  readonly followLinks: boolean;
  /** Whose everything is: as the archive says, whoever does it, or these. */
  readonly owner: 'archive' | 'caller' | { readonly uid: number; readonly gid: number };
  /** Make devices, give set-id bits and capabilities, too. */
  readonly privileges: boolean;
  readonly warn: (message: string) => void;
};

export type Extracted = { readonly entries: number; readonly size: number };

export type Extractor = Disposable & {
  /** @throws OnggiError that names the entry: `conflict`, `corrupt`, `read-only`, `exhausted`, ... */
  write(chunk: Buffer): void;
  finish(): Extracted;
};

const openLimit = 48;

type State = {
  readonly root: Directory;
  readonly below: EntryPath;
  readonly options: ExtractOptions;
  readonly open: ReturnType<typeof directoryCache>;
  readonly times: Map<EntryPath, TarEntry>;
  entry: TarEntry | undefined;
  path: EntryPath;
  file: { readonly descriptor: Descriptor; readonly place: Place } | undefined;
  holes: boolean;
  entries: number;
  size: number;
};

/** @param below directory inside `root` that names of the archive start from; both belong to the caller */
export function createExtractor(root: Directory, below: EntryPath, options: ExtractOptions): Extractor {
  const state: State = {
    root,
    below,
    options,
    open: directoryCache(openLimit),
    times: new Map(),
    entry: undefined,
    path: rootPath,
    file: undefined,
    holes: false,
    entries: 0,
    size: 0,
  };
  const reader = readTar(
    {
      entry: (entry) => begin(state, entry),
      content: (bytes) => {
        if (state.file !== undefined) writeBytes(state.file.descriptor, bytes);
      },
      hole: (bytes) => {
        if (state.file === undefined) return;
        skipBytes(state.file.descriptor, bytes);
        state.holes = true;
      },
      end: () => end(state),
    },
    defaultTarLimits,
  );
  const named = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw withEntry(state, error);
    }
  };
  return {
    write: (chunk) => named(() => reader.write(chunk)),
    finish: () =>
      named(() => {
        reader.finish();
        setTimesOfDirectories(state);
        return { entries: state.entries, size: state.size };
      }),
    [Symbol.dispose]() {
      state.file?.descriptor[Symbol.dispose]();
      state.open[Symbol.dispose]();
    },
  };
}

function withEntry({ entry }: State, error: unknown): OnggiError {
  const known = fromSystemError(error, 'extract');
  if (entry === undefined) return known;
  return new OnggiError(known.code, `entry "${entry.name.toString().slice(0, 1000)}": ${known.message}`, {
    cause: error,
    ...(known.hint !== undefined && { hint: known.hint }),
  });
}

function join(parent: EntryPath, path: EntryPath): EntryPath {
  if (parent === rootPath) return path;
  return (path === rootPath ? parent : `${parent}/${path}`) as EntryPath;
}

/** The directory at `path` of the archive, made with its parents where it is missing. */
function openParent(state: State, path: EntryPath): Directory {
  const found = openHeld(state, path);
  if (found !== undefined) return found;
  if (path === rootPath) throw new OnggiError('not-found', `no such directory: "/${shownPath(state.below)}"`);
  makeDirectory(openParent(state, parentOf(path)), nameOf(path), 0o755);
  const made = openHeld(state, path);
  if (made === undefined) throw new OnggiError('conflict', `"${shownPath(path)}" is not a directory`);
  return made;
}

/** It belongs to the state, and is open for the next one. */
function openHeld(state: State, path: EntryPath): Directory | undefined {
  const held = state.open.get(path);
  if (held !== undefined) return held;
  const found = openExisting(state, path);
  return found === undefined ? undefined : state.open.keep(path, found);
}

function openExisting({ root, below, options }: State, path: EntryPath): Directory | undefined {
  const full = toName(join(below, path));
  if (!options.followLinks) {
    // What is asked for may stand behind links; what the archive adds may not.
    using top = openDirectoryIn(root, below === rootPath ? '.' : toName(below));
    return openRealDirectory(top, toName(path));
  }
  try {
    return openDirectoryIn(root, full.length === 0 ? '.' : full);
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

function begin(state: State, entry: TarEntry): void {
  state.entry = entry;
  state.entries += 1;
  state.size += entry.size;
  const path = parseEntryPath(entry.name);
  state.path = path;
  state.open.closeRetired();
  if (path === rootPath) {
    if (entry.type !== 'directory') throw new OnggiError('corrupt', `the root of the archive as a ${entry.type}`);
    return;
  }
  const place: Place = { parent: openParent(state, parentOf(path)), name: nameOf(path) };
  const kind = entryFacts(place.parent, place.name)?.kind;
  if (entry.type !== 'directory' && kind === 'directory') {
    throw new OnggiError('conflict', `cannot overwrite directory "/${shown(state)}" with non-directory`);
  }
  if (entry.type === 'directory') directory(state, place, entry, kind);
  else if (entry.type === 'file') state.file = { descriptor: newFile(state, place, kind), place };
  else special(state, place, entry, kind);
}

function shown({ below, path }: State): string {
  return shownPath(join(below, path));
}

function directory(state: State, place: Place, entry: TarEntry, kind: EntryKind | undefined): void {
  if (kind === undefined) makeDirectory(place.parent, place.name, 0o700);
  else if (kind !== 'directory') {
    throw new OnggiError('conflict', `cannot overwrite non-directory "/${shown(state)}" with directory`);
  }
  giveEntry(state, place, entry);
  setEntryMode(place.parent, place.name, modeOf(state, entry));
  attributes(state, place, entry);
  state.times.set(state.path, entry);
}

/** A file that something is mounted on, as on /etc/hosts, is written in its place. */
function newFile(state: State, place: Place, kind: EntryKind | undefined): Descriptor {
  const { parent, name } = place;
  const isRemoved = kind === undefined || removeUnlessMounted(place);
  if (isRemoved) return createFile(parent, name, 0o600);
  if (kind === 'file') return openFileToRewrite(parent, name);
  throw mountedOn(state);
}

/**
 * Of a mount point in the mount namespace of a container unlink(2) takes the mount away, and says nothing: it is busy in
 * the caller's own namespace only.
 */
function removeUnlessMounted({ parent, name }: Place): boolean {
  if (isMountPoint(parent, name)) return false;
  removeEntry(parent, name, false);
  return true;
}

function mountedOn(state: State): OnggiError {
  return new OnggiError('conflict', `cannot replace "/${shown(state)}": something is mounted on it`, {
    hint: 'Copy to another path, or change what is mounted there.',
  });
}

function special(state: State, place: Place, entry: TarEntry, kind: EntryKind | undefined): void {
  const { parent, name } = place;
  const { type } = entry;
  if ((type === 'character' || type === 'block') && !state.options.privileges) {
    state.options.warn(`"${shown(state)}" is a device: it is left out`);
    return;
  }
  const target = type === 'hardlink' ? hardLinkTarget(state, entry) : undefined;
  // A second name of what is there: to remove it first could leave nothing to link to.
  if (target?.inode !== undefined && target.inode === entryFacts(parent, name)?.inode) return;
  if (kind !== undefined && !removeUnlessMounted(place)) throw mountedOn(state);
  if (target !== undefined) {
    makeLink(parent, name, target.parent, target.name);
    return;
  }
  if (type === 'symlink') makeSymbolicLink(parent, name, entry.linkName);
  else if (type === 'character' || type === 'block' || type === 'fifo') {
    makeNode(parent, name, type, 0o600, [entry.major, entry.minor]);
  }
  giveEntry(state, place, entry);
  if (type !== 'symlink') setEntryMode(parent, name, modeOf(state, entry));
  attributes(state, place, entry);
  setEntryTimes(parent, name, entry.modified, entry.modified);
}

/** Its path starts where those of the entries do. */
function hardLinkTarget(state: State, { linkName }: TarEntry): Place & { readonly inode: string } {
  const path = parseEntryPath(linkName);
  const parent = path === rootPath ? undefined : openHeld(state, parentOf(path));
  const facts = parent === undefined ? undefined : entryFacts(parent, nameOf(path));
  if (parent === undefined || facts === undefined || facts.kind === 'directory') {
    throw new OnggiError('corrupt', `hard link to "${shownPath(path)}", which is no file of the archive`);
  }
  return { parent, name: nameOf(path), inode: facts.inode };
}

function end(state: State): void {
  const { file, entry } = state;
  if (file === undefined || entry === undefined) return;
  state.file = undefined;
  const { descriptor, place } = file;
  using _ = descriptor;
  if (state.holes) setLength(descriptor, entry.size);
  state.holes = false;
  // In this order: a change of owner takes set-id bits and capabilities away, and a write changes the times.
  const owner = ownerOf(state, entry);
  if (owner !== undefined) owned(entry, () => setOwner(descriptor, owner.uid, owner.gid));
  setMode(descriptor, modeOf(state, entry));
  attributes(state, place, entry);
  setTimes(descriptor, entry.modified, entry.modified);
}

function ownerOf({ options }: State, entry: TarEntry): { readonly uid: number; readonly gid: number } | undefined {
  if (options.owner === 'caller') return undefined;
  return options.owner === 'archive' ? entry : options.owner;
}

function giveEntry(state: State, { parent, name }: Place, entry: TarEntry): void {
  const owner = ownerOf(state, entry);
  if (owner !== undefined) owned(entry, () => setEntryOwner(parent, name, owner.uid, owner.gid));
}

/** @throws OnggiError `denied` where the user namespace does not know the id */
function owned({ uid, gid }: TarEntry, give: () => void): void {
  try {
    give();
  } catch (error) {
    // chown(2) has no other use of it.
    if (errnoOf(error instanceof OnggiError ? error.cause : error) !== 'EINVAL') throw error;
    throw new OnggiError('denied', `its owner ${uid}:${gid} is no id of the container`, {
      cause: error,
      hint: 'Give it to another owner first, or copy it with --archive.',
    });
  }
}

function modeOf({ options }: State, { mode }: TarEntry): number {
  return options.privileges ? mode : mode & 0o777;
}

function attributes({ options }: State, { parent, name }: Place, entry: TarEntry): void {
  for (const [attribute, value] of entry.attributes) {
    if (attributeFate(attribute) !== 'set') continue;
    if (attribute === 'security.capability' && !options.privileges) continue;
    try {
      setEntryAttribute(parent, name, attribute, value);
    } catch (error) {
      // The file system has none of these, or does not want them: the content is what was asked for.
      const errno = errnoOf(error instanceof OnggiError ? error.cause : error);
      if (errno !== 'EOPNOTSUPP' && errno !== 'EPERM') throw error;
    }
  }
}

/** Entries made in a directory change its time, so it is set last. */
function setTimesOfDirectories(state: State): void {
  for (const [path, { modified }] of state.times) {
    using parent = openExisting(state, parentOf(path));
    if (parent === undefined || entryFacts(parent, nameOf(path))?.kind !== 'directory') continue;
    setEntryTimes(parent, nameOf(path), modified, modified);
  }
}
