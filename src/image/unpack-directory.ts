/**
 * The directories of a layer that is being unpacked: found by path inside the layer only (openat2(2),
 * RESOLVE_IN_ROOT), made when an archive names a file before its directory, and kept open for the next entry, since
 * an archive lists a directory's entries one after the other.
 */
import { OnggiError } from '../errors.ts';
import { type Directory, openDirectoryIn, openEntryDirectory } from '../kernel/directory.ts';
import { makeDirectory, setEntryMode, setEntryTimes, statEntry, type Time } from '../kernel/directory-entry.ts';
import { directoryCache } from './directory-cache.ts';
import { type EntryPath, nameOf, parentOf, rootPath, toName } from './entry-path.ts';

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
  /** A directory gave way to something else: what is open may be gone. Costs the same however many there are. */
  replaced(): void;
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
  const open = directoryCache(openLimit);
  const times = new Map<EntryPath, Time>();
  const implicit = new Set<EntryPath>([rootPath]);

  const find = (path: EntryPath, make: boolean): Directory => {
    if (path === rootPath) return root;
    const held = open.get(path);
    if (held !== undefined) return held;
    try {
      return open.keep(path, openDirectoryIn(root, toName(path)));
    } catch (error) {
      if (!make || !(error instanceof OnggiError) || error.code !== 'not-found') throw error;
    }
    count();
    const parent = find(parentOf(path), true);
    makeDirectory(parent, nameOf(path), 0o755);
    setEntryMode(parent, nameOf(path), 0o755);
    implicit.add(path);
    // It can be one that was described, replaced and is now made again by the way.
    times.delete(path);
    return open.keep(path, openDirectoryIn(root, toName(path)));
  };

  const place = (path: EntryPath, make: boolean): Place => {
    open.closeRetired();
    return path === rootPath ? layer : { parent: find(parentOf(path), make), name: nameOf(path) };
  };

  /** Where a directory is that may have been replaced since it was noted. */
  const stillThere = (path: EntryPath): Place | undefined => {
    try {
      const found = place(path, false);
      return statEntry(found.parent, found.name)?.isDirectory() ? found : undefined;
    } catch {
      return undefined;
    }
  };

  return {
    place: (path) => place(path, true),
    open: find,
    described(path, modified) {
      times.set(path, modified);
      implicit.delete(path);
    },
    // Other paths may lead to the same directory through a link, so all are opened anew.
    replaced: open.retireAll,
    setTimesOfAll() {
      for (const [path, time] of times) {
        const found = stillThere(path);
        if (found !== undefined) setEntryTimes(found.parent, found.name, time, time);
      }
    },
    implicit: () => [...implicit].filter((path) => stillThere(path) !== undefined).sort(byDepth),
    [Symbol.dispose]() {
      open[Symbol.dispose]();
      root[Symbol.dispose]();
    },
  };
}

function byDepth(a: EntryPath, b: EntryPath): number {
  return a.split('/').length - b.split('/').length;
}
