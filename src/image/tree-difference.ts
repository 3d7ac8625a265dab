/**
 * What is other in a whole tree than in the layers it was copied from, told as the upper directory of an overlay tells
 * it: what is new or changed, each below its directories, and whiteouts for what is gone.
 *
 * An entry has changed when its facts differ. Somebody may have changed the content and set the time back: what has a
 * change time after the copy, which nobody can set, is compared byte by byte.
 */
import { readSync } from 'node:fs';
import { fromSystemError } from '../errors.ts';
import type { Directory } from '../kernel/directory.ts';
import { listEntries, type Time } from '../kernel/directory-entry.ts';
import { type EntryFacts, entryFacts, openEntryFile, openRealDirectory, readLink } from '../kernel/entry-facts.ts';
import { type EntryPath, nameOf, parentOf, rootPath, toName } from './entry-path.ts';
import { type LayerView, type OverlayAttributes, type TreeEntry, viewOf } from './layer-tree.ts';
import type { Place } from './place.ts';
import { type OwnerMap, sameAttributes } from './tree-copy.ts';

export type DifferenceOptions = {
  readonly attributes: OverlayAttributes;
  /** When the copy was whole. */
  readonly since: Time;
  readonly leaveOut?: (path: EntryPath) => boolean;
  /** Directories whose time says nothing. */
  readonly timeless?: (path: EntryPath) => boolean;
  /** From owners in the tree to owners in the layers. */
  readonly owner?: OwnerMap;
};

type Walk = {
  readonly tree: Directory;
  readonly layers: readonly Directory[];
  readonly below: LayerView;
  readonly options: DifferenceOptions;
  /** Directories that were told of. */
  readonly shown: Set<EntryPath>;
};

/**
 * In the order of `walkLayers`.
 * @param tree may be written to meanwhile
 * @param layers topmost first; nobody changes them
 */
export function* walkDifference(
  tree: Directory,
  layers: readonly Directory[],
  options: DifferenceOptions,
): Generator<TreeEntry, void, undefined> {
  const below = viewOf(layers, options.attributes);
  const walk: Walk = { tree, layers, below, options, shown: new Set([rootPath]) };
  const pending: EntryPath[] = [rootPath];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const directories: EntryPath[] = [];
    if (path !== rootPath && isChangedDirectory(walk, path)) yield* show(walk, path);
    yield* walkDirectory(walk, path, directories);
    pending.push(...directories.reverse());
  }
}

function isChangedDirectory(walk: Walk, path: EntryPath): boolean {
  using parent = openRealDirectory(walk.tree, toName(parentOf(path)));
  const facts = parent === undefined ? undefined : entryFacts(parent, nameOf(path));
  const before = walk.below.find(path);
  if (parent === undefined || facts === undefined) return false;
  return before === undefined || isChanged(walk, path, facts, before, { parent, name: nameOf(path) });
}

function* walkDirectory(walk: Walk, path: EntryPath, directories: EntryPath[]): Generator<TreeEntry, void, undefined> {
  const { tree, below, options } = walk;
  using directory = openRealDirectory(tree, toName(path));
  if (directory === undefined) return;
  const merged = path === rootPath || below.find(path)?.kind === 'directory';
  const before = new Set(merged ? below.children(path).map(lastOf) : []);
  const names = new Set(listEntries(directory).map((bytes) => bytes.toString('latin1')));
  for (const name of [...names.union(before)].sort()) {
    const full = (path === rootPath ? name : `${path}/${name}`) as EntryPath;
    if (options.leaveOut?.(full)) continue;
    const place = { parent: directory, name: toName(name) };
    const facts = names.has(name) ? entryFacts(directory, place.name) : undefined;
    const old = before.has(name) ? below.find(full) : undefined;
    if (facts === undefined) {
      if (old === undefined) continue;
      yield* show(walk, path);
      yield { path: full, facts: old, place, layer: 0, whiteout: true, opaque: false };
    } else if (facts.kind === 'directory') {
      directories.push(full);
    } else if (facts.kind !== 'socket' && (old === undefined || isChanged(walk, full, facts, old, place))) {
      yield* show(walk, path);
      yield { path: full, facts, place, layer: 0, whiteout: false, opaque: false };
    }
  }
}

/** A directory and those above it, unless they were told of. */
function* show(walk: Walk, path: EntryPath): Generator<TreeEntry, void, undefined> {
  if (walk.shown.has(path)) return;
  walk.shown.add(path);
  const above = parentOf(path);
  yield* show(walk, above);
  using parent = openRealDirectory(walk.tree, toName(above));
  const facts = parent === undefined ? undefined : entryFacts(parent, nameOf(path));
  if (parent === undefined || facts === undefined) return;
  yield { path, facts, place: { parent, name: nameOf(path) }, layer: 0, whiteout: false, opaque: false };
}

function lastOf(path: EntryPath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function isChanged(walk: Walk, path: EntryPath, facts: EntryFacts, before: EntryFacts, place: Place): boolean {
  const { since, timeless, owner } = walk.options;
  const { uid, gid } = owner === undefined ? facts : owner(facts);
  if (facts.kind !== before.kind || facts.mode !== before.mode || uid !== before.uid || gid !== before.gid) return true;
  if (facts.kind === 'directory' && timeless?.(path)) return false;
  if (!isSameTime(facts.modified, before.modified)) return true;
  if (facts.kind === 'file' && facts.size !== before.size) return true;
  if (facts.major !== before.major || facts.minor !== before.minor) return true;
  return isLater(facts.changed, since) && !isSameEntry(walk, path, facts, place);
}

function isSameTime(a: Time, b: Time): boolean {
  return a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}

function isLater(a: Time, b: Time): boolean {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanoseconds > b.nanoseconds);
}

/** The same facts, but touched since: content and attributes tell. */
function isSameEntry({ layers, below }: Walk, path: EntryPath, facts: EntryFacts, place: Place): boolean {
  const index = below.layerOf(path);
  const layer = index === undefined ? undefined : layers[index];
  using parent = layer === undefined ? undefined : openRealDirectory(layer, toName(parentOf(path)));
  if (parent === undefined) return false;
  const other = { parent, name: nameOf(path) };
  if (!sameAttributes(place, other)) return false;
  if (facts.kind === 'symlink') return readLink(place.parent, place.name).equals(readLink(parent, other.name));
  return facts.kind !== 'file' || isSameContent(place, other);
}

const pieceSize = 256 * 1024;

function isSameContent(a: Place, b: Place): boolean {
  using one = openEntryFile(a.parent, a.name);
  using other = openEntryFile(b.parent, b.name);
  const [left, right] = [Buffer.allocUnsafe(pieceSize), Buffer.allocUnsafe(pieceSize)];
  try {
    for (let offset = 0; ; offset += pieceSize) {
      const length = readSync(one.fd, left, 0, pieceSize, offset);
      if (readSync(other.fd, right, 0, pieceSize, offset) !== length) return false;
      if (left.compare(right, 0, length, 0, length) !== 0) return false;
      if (length < pieceSize) return true;
    }
  } catch (error) {
    throw fromSystemError(error, 'compare files');
  }
}
