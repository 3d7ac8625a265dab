/**
 * What a layer can only know once the layers below it are there. Docker and containerd unpack on top of a mount of the
 * layers below; here layers are unpacked side by side, and this makes up the difference.
 */
import { type Directory, openDirectory, openEntryDirectory } from '../kernel/directory.ts';
import {
  listEntries,
  setEntryAttribute,
  setEntryMode,
  setEntryOwner,
  setEntryTimes,
  statEntry,
} from '../kernel/directory-entry.ts';
import { descriptorFacts, type EntryFacts, entryFacts } from '../kernel/entry-facts.ts';
import { type EntryPath, rootPath, toName } from './entry-path.ts';
import type { Unpacked } from './unpack.ts';
import { makeWhiteout } from './whiteout.ts';

/**
 * Gives directories that the archive named without describing them the owner, mode and time of the same directory
 * below, because overlayfs shows those of the topmost layer. Then hides what an opaque root hides.
 *
 * @param layer path of the unpacked layer
 * @param lower paths of the layers below, topmost first
 */
export function mergeWithLower(
  layer: string,
  lower: readonly string[],
  unpacked: Pick<Unpacked, 'implicit' | 'opaque'>,
  overlayAttributes: 'trusted' | 'user' = 'trusted',
): void {
  if (lower.length === 0 || (unpacked.implicit.length === 0 && !unpacked.opaque)) return;
  using stack = new DisposableStack();
  using above = openDirectory(`${layer}/..`);
  const name = layer.slice(layer.lastIndexOf('/') + 1);
  const below = lower.map((path) => stack.use(openDirectory(path)));
  for (const path of unpacked.implicit) adopt(above, name, path, below);
  if (!unpacked.opaque) return;
  using root = openDirectory(layer);
  for (const directory of below) hideAll(root, directory, overlayAttributes);
}

function adopt(above: Directory, layer: string, path: EntryPath, below: readonly Directory[]): void {
  const components = path === rootPath ? [] : path.split('/').map(toName);
  const found = findInLayers(below, components);
  if (found === undefined) return;
  using held = new DisposableStack();
  let parent = above;
  for (const component of [layer, ...components.slice(0, -1)].slice(0, components.length)) {
    parent = held.use(openEntryDirectory(parent, component));
  }
  const name = components.at(-1) ?? layer;
  setEntryOwner(parent, name, found.uid, found.gid);
  setEntryMode(parent, name, found.mode);
  setEntryTimes(parent, name, found.modified, found.modified);
}

/** As overlayfs looks: the topmost layer that has the name decides. */
function findInLayers(below: readonly Directory[], components: readonly (string | Buffer)[]): EntryFacts | undefined {
  for (const directory of below) {
    const found = findDirectory(directory, components);
    if (found !== 'absent') return found === 'hidden' ? undefined : found;
  }
  return undefined;
}

/** The directory in one layer; `hidden` when something else is in its place there, a whiteout most likely. */
function findDirectory(root: Directory, components: readonly (string | Buffer)[]): EntryFacts | 'absent' | 'hidden' {
  using held = new DisposableStack();
  let directory = root;
  for (const [index, component] of components.entries()) {
    const facts = entryFacts(directory, component);
    if (facts === undefined) return 'absent';
    if (facts.kind !== 'directory') return 'hidden';
    if (index === components.length - 1) return facts;
    directory = held.use(openEntryDirectory(directory, component));
  }
  return descriptorFacts(root);
}

/** Whiteouts for each name of the lower layer's root that this layer does not have. */
function hideAll(root: Directory, lower: Directory, overlayAttributes: 'trusted' | 'user'): void {
  for (const name of listEntries(lower)) {
    const found = statEntry(root, name);
    if (found === undefined) makeWhiteout(root, name);
    else if (found.isDirectory()) {
      setEntryAttribute(root, name, `${overlayAttributes}.overlay.opaque`, Buffer.from('y'));
    }
  }
}
