/** What a container has made of the layers below it, whichever way the storage driver keeps it. */
import type { Directory } from '../kernel/directory.ts';
import type { Time } from '../kernel/directory-entry.ts';
import type { EntryPath } from './entry-path.ts';
import { type TreeEntry, type WalkOptions, walkLayers } from './layer-tree.ts';
import type { OwnerMap } from './tree-copy.ts';
import { walkDifference } from './tree-difference.ts';

/** For a directory that is no writable layer, but a whole tree that was copied from layers. */
export type WholeTree = {
  /** Topmost first. */
  readonly layers: readonly Directory[];
  /** When the copy was whole. */
  readonly since: Time;
  /** Directories in which the engine makes places for mounts: their time says nothing. */
  readonly timeless: (path: EntryPath) => boolean;
};

export type OwnOptions = Omit<WalkOptions, 'showWhiteouts'> & {
  readonly whole?: WholeTree;
  /** From owners in the directory to owners in the image. */
  readonly owner?: OwnerMap;
};

/** Entries of a writable layer, whiteouts among them; or of a whole tree those that such a layer would have. */
export function walkOwn(
  root: Directory,
  { whole, owner, ...options }: OwnOptions,
): Generator<TreeEntry, void, undefined> {
  if (whole === undefined) return walkLayers([root], { ...options, showWhiteouts: true });
  const { layers, since, timeless } = whole;
  return walkDifference(root, layers, { ...options, since, timeless, ...(owner !== undefined && { owner }) });
}

/** Bytes on the disk that are the container's own: each file once, holes take none. */
export function ownSize(root: Directory, options: OwnOptions): number {
  const seen = new Set<string>();
  let bytes = 0;
  for (const { facts, whiteout } of walkOwn(root, options)) {
    const linked = facts.links > 1 && facts.kind !== 'directory';
    if (whiteout || (linked && seen.has(facts.inode))) continue;
    bytes += facts.disk;
    if (linked) seen.add(facts.inode);
  }
  return bytes;
}
