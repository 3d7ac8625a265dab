/**
 * The directories of a layer that is being unpacked: found by path inside the layer only (openat2(2),
 * RESOLVE_IN_ROOT), made when an archive names a file before its directory, and kept open for the next entry, since
 * an archive lists a directory's entries one after the other.
 */
import { OnggiError } from '../errors.ts';
import { type Directory, openDirectoryIn, openEntryDirectory } from '../kernel/directory.ts';
import { makeDirectory, setEntryMode, setEntryTimes, type Time } from '../kernel/directory-entry.ts';
import { type EntryPath, isBelow, nameOf, parentOf, rootPath, toName } from './entry-path.ts';

/** An entry as the calls of `kernel/directory-entry.ts` take it. */
export type Place = { readonly parent: Directory; readonly name: string | Buffer };

export type LayerDirectories = Disposable & {
  /**
   * Where the entry at `path` is or will be; parents are made. For the root: the layer's own place on the host.
   * Good until the next call.
   */
  place(path: EntryPath): Place;
  /** The directory at `path`, made with its parents if `make` and missing. The descriptor belongs to this object. */
  open(path: EntryPath, make: boolean): Directory;
  /** The archive described this directory itself; its time is set at the end, entries made in it would change it. */
  described(path: EntryPath, modified: Time): void;
  /** Something at `path` was removed: nothing that was known of it or below counts any more. */
  forget(path: EntryPath): void;
  setTimesOfAll(): void;
  /** Directories that the archive never described, lowest depth first: their metadata are those of the layers below. */
  implicit(): EntryPath[];
};

/** Descriptors kept open; a layer is unpacked beside others, and a process has 1024 by default. */
const openLimit = 48;

/**
 * @param layer the root of the layer, an empty directory
 * @param count is called for each directory made here, and throws when there are too many
 */
export function layerDirectories(layer: Place, count: () => void): LayerDirectories {
  const root = openEntryDirectory(layer.parent, layer.name);
  const open = new Map<EntryPath, Directory>();
  const times = new Map<EntryPath, Time>();
  const implicit = new Set<EntryPath>([rootPath]);

  const keep = (path: EntryPath, directory: Directory): Directory => {
    for (const [oldest, held] of open) {
      if (open.size < openLimit) break;
      open.delete(oldest);
      held[Symbol.dispose]();
    }
    open.set(path, directory);
    return directory;
  };

  const find = (path: EntryPath, make: boolean): Directory => {
    if (path === rootPath) return root;
    const held = open.get(path);
    if (held !== undefined) {
      // Back to the end: the longest unused one is closed first.
      open.delete(path);
      open.set(path, held);
      return held;
    }
    try {
      return keep(path, openDirectoryIn(root, toName(path)));
    } catch (error) {
      if (!make || !(error instanceof OnggiError) || error.code !== 'not-found') throw error;
    }
    count();
    const parent = find(parentOf(path), true);
    makeDirectory(parent, nameOf(path), 0o755);
    setEntryMode(parent, nameOf(path), 0o755);
    implicit.add(path);
    return keep(path, openDirectoryIn(root, toName(path)));
  };

  /** Forgotten, but perhaps still in use for the entry at hand. */
  const retired: Directory[] = [];
  const closeRetired = (): void => {
    for (const held of retired.splice(0)) held[Symbol.dispose]();
  };

  const place = (path: EntryPath): Place => {
    closeRetired();
    return path === rootPath ? layer : { parent: find(parentOf(path), true), name: nameOf(path) };
  };

  return {
    place,
    open: find,
    described(path, modified) {
      times.set(path, modified);
      implicit.delete(path);
    },
    forget(path) {
      // Other paths may lead to the same directory through a link, so all are opened anew.
      retired.push(...open.values());
      open.clear();
      for (const known of [...times.keys(), ...implicit]) {
        if (known !== path && !isBelow(known, path)) continue;
        times.delete(known);
        implicit.delete(known);
      }
    },
    setTimesOfAll() {
      for (const [path, time] of times) {
        const { parent, name } = place(path);
        setEntryTimes(parent, name, time, time);
      }
    },
    implicit: () => [...implicit].sort((a, b) => a.split('/').length - b.split('/').length),
    [Symbol.dispose]() {
      closeRetired();
      for (const held of open.values()) held[Symbol.dispose]();
      open.clear();
      root[Symbol.dispose]();
    },
  };
}
