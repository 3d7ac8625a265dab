/**
 * Turns a layer's tar archive into a directory that serves as a lower layer of overlayfs: whiteouts become character
 * devices 0/0, opaque directories get an attribute (Documentation/filesystems/overlayfs.rst). The archive is hostile:
 * every path is resolved inside the directory, nothing that was unpacked is opened again but directories, and each
 * entry is made by its parent's descriptor and one name. Synchronous; whoever feeds it waits for the bytes.
 */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { createFile } from '../kernel/directory-entry.ts';
import { setLength, setMode, setOwner, setTimes, skipBytes, writeBytes } from '../kernel/open-file.ts';
import { type EntryPath, parseEntryPath, rootPath, whiteoutOf } from './entry-path.ts';
import { readTar } from './tar.ts';
import { defaultTarLimits, type TarEntry } from './tar-entry.ts';
import { layerDirectories, type Place } from './unpack-directory.ts';
import {
  directory,
  hide,
  link,
  make,
  owned,
  type State,
  setAttributes,
  special,
  type UnpackOptions,
} from './unpack-entry.ts';

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
    holes: false,
    size: 0,
    entries: 0,
    opaque: false,
  };
  const reader = readTar(
    {
      entry: (entry) => begin(state, entry),
      content: (bytes) => content(state, bytes),
      hole: (bytes) => hole(state, bytes),
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

/** Left out, the file system reads it as zeros; a hole at the end needs the length to be set. */
function hole(state: State, bytes: number): void {
  if (state.file === undefined) return;
  skipBytes(state.file, bytes);
  state.holes = true;
}

function end(state: State): void {
  const { file, entry, path } = state;
  if (file === undefined || entry === undefined) return;
  state.file = undefined;
  using _ = file;
  if (state.holes) setLength(file, entry.size);
  state.holes = false;
  // In this order: a change of owner takes set-id bits and capabilities away, and a write changes the times.
  owned(entry, () => setOwner(file, entry.uid, entry.gid));
  setMode(file, entry.mode);
  if (entry.attributes.size > 0) setAttributes(state.directories.place(path), entry);
  setTimes(file, entry.modified, entry.modified);
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
