/**
 * Walks a tree that lies in layers as overlayfs shows it (Documentation/filesystems/overlayfs.rst): names of upper
 * layers hide those of lower ones, whiteouts hide names, opaque directories all below. Nothing is mounted, so it needs no
 * namespace, and a container that runs does not notice. The layers may change meanwhile and belong to
 * somebody hostile: directories are opened by path inside their layer with no link followed, and what has gone away
 * between two looks is left out.
 */
import type { Directory } from '../kernel/directory.ts';
import { listEntries } from '../kernel/directory-entry.ts';
import { type EntryFacts, entryFacts, openRealDirectory, readAttribute } from '../kernel/entry-facts.ts';
import { type EntryPath, parentOf, rootPath, toName } from './entry-path.ts';
import type { Place } from './place.ts';
import { isWhiteoutNode } from './whiteout.ts';

/** In whose name space overlayfs keeps its marks: `user` where it is mounted with `userxattr`. */
export type OverlayAttributes = 'trusted' | 'user';

export type TreeEntry = {
  readonly path: EntryPath;
  readonly facts: EntryFacts;
  /** Good until the next entry is asked for. */
  readonly place: Place;
  /** Index of the layer that it comes from. */
  readonly layer: number;
  /** It stands for a name that is gone; only where whiteouts are shown. */
  readonly whiteout: boolean;
  /** A directory that hides what the layers below it have there. */
  readonly opaque: boolean;
};

export type WalkOptions = {
  readonly attributes: OverlayAttributes;
  /** Whiteouts come as entries, instead of just hiding. */
  readonly showWhiteouts: boolean;
  /** Neither the entry nor what is below it. */
  readonly leaveOut?: (path: EntryPath) => boolean;
};

/**
 * A directory comes right before all that is in it (GNU tar sets the time of a directory when it leaves it), sorted by the
 * bytes of names, what is no directory first. The root itself does not come. The directories of one path are
 * open at a time, whatever the depth.
 * @param layers roots, topmost first; they belong to the caller
 */
export function* walkLayers(layers: readonly Directory[], options: WalkOptions): Generator<TreeEntry, void, undefined> {
  const pending: Pending[] = [];
  const visit = function* (path: EntryPath, parts: readonly Part[]): Generator<TreeEntry, void, undefined> {
    const below: Pending[] = [];
    yield* walkDirectory(layers, path, parts, options, below);
    // The first of them is the next one.
    pending.push(...below.reverse());
  };
  yield* visit(rootPath, partsOfRoot(layers));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, found } = next;
    const root = layers[found.layer];
    using parent = root === undefined ? undefined : openRealDirectory(root, toName(parentOf(path)));
    if (parent === undefined) continue;
    yield entryOf(path, found, parent);
    yield* visit(path, found.merged);
  }
}

/** A directory that is still to be walked. */
type Pending = { readonly path: EntryPath; readonly found: Found };

/** @property marked whiteouts can be files with an attribute */
type Part = { readonly index: number; readonly marked: boolean };

/** One name while its directory is being read, topmost layer first. */
type Found = {
  readonly name: string;
  readonly layer: number;
  readonly facts: EntryFacts;
  readonly whiteout: boolean;
  readonly opaque: boolean;
  /** Layers whose directories of this name show through each other. */
  readonly merged: Part[];
  /** What lies deeper can't be seen. */
  closed: boolean;
};

function* walkDirectory(
  layers: readonly Directory[],
  path: EntryPath,
  parts: readonly Part[],
  options: WalkOptions,
  below: Pending[],
): Generator<TreeEntry, void, undefined> {
  using held = new DisposableStack();
  const { open, names } = readDirectory(layers, path, parts, options.attributes, held);
  for (const found of [...names.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const parent = open.get(found.layer);
    if (parent === undefined || (found.whiteout && !options.showWhiteouts)) continue;
    const full = (path === rootPath ? found.name : `${path}/${found.name}`) as EntryPath;
    if (options.leaveOut?.(full)) continue;
    if (found.facts.kind === 'directory') below.push({ path: full, found });
    else yield entryOf(full, found, parent);
  }
}

function entryOf(path: EntryPath, { name, facts, layer, whiteout, opaque }: Found, parent: Directory): TreeEntry {
  return { path, facts, place: { parent, name: toName(name) }, layer, whiteout, opaque };
}

function partsOfRoot(layers: readonly Directory[]): Part[] {
  return layers.map((_, index) => ({ index, marked: false }));
}

type Listing = { readonly open: ReadonlyMap<number, Directory>; readonly names: ReadonlyMap<string, Found> };

/** @param held owns the directories that are open then, by layer */
function readDirectory(
  layers: readonly Directory[],
  path: EntryPath,
  parts: readonly Part[],
  attributes: OverlayAttributes,
  held: DisposableStack,
): Listing {
  const open = new Map<number, Directory>();
  const names = new Map<string, Found>();
  for (const part of parts) {
    const root = layers[part.index];
    const directory = root === undefined ? undefined : openRealDirectory(root, toName(path));
    if (directory === undefined) continue;
    open.set(part.index, held.use(directory));
    readNames(directory, part, names, attributes);
  }
  return { open, names };
}

function readNames(directory: Directory, part: Part, names: Map<string, Found>, attributes: OverlayAttributes): void {
  const { index: layer } = part;
  for (const bytes of listEntries(directory)) {
    const name = bytes.toString('latin1');
    const known = names.get(name);
    if (known?.closed) continue;
    const facts = entryFacts(directory, bytes);
    if (facts === undefined) continue;
    const whiteout = isWhiteout(directory, bytes, facts, part.marked ? attributes : undefined);
    const isDirectory = facts.kind === 'directory';
    const mark = isDirectory ? opacity(directory, bytes, attributes) : undefined;
    const opaque = mark === 'y';
    const own = { index: layer, marked: mark === 'x' };
    if (known === undefined) {
      names.set(name, { name, layer, facts, whiteout, opaque, merged: [own], closed: !isDirectory || opaque });
    } else if (isDirectory) {
      known.merged.push(own);
      known.closed = opaque;
    } else {
      known.closed = true;
    }
  }
}

/** A character device 0/0; or an empty file with an attribute, in a directory that is marked to have such. */
function isWhiteout(
  parent: Directory,
  name: Buffer,
  facts: EntryFacts,
  attributes: OverlayAttributes | undefined,
): boolean {
  if (isWhiteoutNode(facts)) return true;
  if (attributes === undefined || facts.kind !== 'file' || facts.size > 0) return false;
  return readAttribute(parent, name, `${attributes}.overlay.whiteout`) !== undefined;
}

/** "y": hides what is below. "x": does not, but its whiteouts can be files (Linux 6.7, for overlays in overlays). */
function opacity(parent: Directory, name: Buffer, attributes: OverlayAttributes): string | undefined {
  return readAttribute(parent, name, `${attributes}.overlay.opaque`)?.toString();
}

/** Single look-ups in a tree of layers; what was read of a directory is remembered. */
export type LayerView = {
  /** As overlayfs would find it; links are not followed. Not for the root. */
  find(path: EntryPath): EntryFacts | undefined;
  /** Index of the layer that it comes from. */
  layerOf(path: EntryPath): number | undefined;
  /** Paths of what is in a directory; none when it is no directory. */
  children(path: EntryPath): EntryPath[];
};

/** @param layers topmost first; they belong to the caller, and must not be changed meanwhile */
export function viewOf(layers: readonly Directory[], attributes: OverlayAttributes): LayerView {
  const known = new Map<EntryPath, Listing['names']>();
  const listing = (path: EntryPath): Listing['names'] => {
    const before = known.get(path);
    if (before !== undefined) return before;
    const parts = path === rootPath ? partsOfRoot(layers) : (found(path)?.merged ?? []);
    using held = new DisposableStack();
    const { names } = readDirectory(layers, path, parts, attributes, held);
    known.set(path, names);
    return names;
  };
  const found = (path: EntryPath): Found | undefined => {
    const entry = listing(parentOf(path)).get(path.slice(path.lastIndexOf('/') + 1));
    return entry?.whiteout === true ? undefined : entry;
  };
  return {
    find: (path) => found(path)?.facts,
    layerOf: (path) => found(path)?.layer,
    children: (path) =>
      [...listing(path).values()]
        .filter(({ whiteout }) => !whiteout)
        .map(({ name }) => (path === rootPath ? name : `${path}/${name}`) as EntryPath),
  };
}
