/**
 * Containers' file systems as whole trees, where overlayfs can't show one: with btrfs a snapshot of a tree that each
 * image has once, else a copy for each container ("vfs").
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { errnoOf, fromSystemError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { syncFileSystem } from '../kernel/open-file.ts';
import { createSubvolume, snapshotSubvolume } from '../kernel/subvolume.ts';
import { inUserNamespace } from '../kernel/user-namespace.ts';
import type { Digest } from '../oci/digest.ts';
import { layersOfImage } from '../store/layer-row.ts';
import { type Layout, layerPath, treePath } from '../store/layout.ts';
import type { ContentGuard } from '../store/lock.ts';
import type { Store } from '../store/store.ts';
import { createTemporary, removeNamed } from '../store/temporary.ts';
import { dropSubvolume } from './drop-subvolume.ts';
import { copyTree, type OwnerMap } from './tree-copy.ts';
import { shifted, type TreePlace } from './tree-mark.ts';

/** @param more what else belongs into the tree. @throws OnggiError `exhausted`, `exists` */
export function copyImage(
  store: Store,
  image: Digest,
  { tree, whole }: TreePlace,
  owner?: OwnerMap,
  more: (tree: string) => void = () => {},
): void {
  try {
    mkdirSync(tree, 0o755);
    fill(store, image, tree, owner);
    more(tree);
    finish(store.layout, whole, owner === undefined ? '' : shifted);
  } catch (error) {
    throw fromSystemError(error, `copy image "${image}"`);
  }
}

/** A subvolume of the image's tree, which is made at first use. @throws OnggiError `exhausted`, `exists` */
export function snapshotImage(store: Store, image: Digest, { tree, whole }: TreePlace, guard: ContentGuard): void {
  const source = treeOfImage(store, image, guard);
  try {
    using parent = openDirectory(dirname(tree));
    if (source === undefined) createSubvolume(parent, basename(tree));
    else {
      using from = openDirectory(source);
      snapshotSubvolume(from, parent, basename(tree));
    }
    finish(store.layout, whole);
  } catch (error) {
    throw fromSystemError(error, `make a snapshot of image "${image}"`);
  }
}

/** Path of the tree that an image has once; undefined for one without layers. */
export function treeOfImage(store: Store, image: Digest, _guard: ContentGuard): string | undefined {
  const top = layersOfImage(store.database, image).at(-1);
  if (top === undefined) return undefined;
  const path = treePath(store.layout, top.directory);
  if (existsSync(path)) return path;
  using temporary = createTemporary(store.layout);
  {
    using parent = openDirectory(dirname(temporary.path));
    createSubvolume(parent, basename(temporary.path));
  }
  fill(store, image, temporary.path);
  sync(store.layout);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    renameSync(temporary.path, path);
  } catch (error) {
    // Somebody else was first: theirs is as good.
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw fromSystemError(error, `make "${path}"`);
  }
  return path;
}

function fill(store: Store, image: Digest, to: string, owner?: OwnerMap): void {
  using held = new DisposableStack();
  const layers = layersOfImage(store.database, image).reverse();
  const open = layers.map(({ directory }) => held.use(openDirectory(layerPath(store.layout, directory))));
  copyTree(open, to, { attributes: inUserNamespace() ? 'user' : 'trusted', ...(owner !== undefined && { owner }) });
}

/** The row comes next, and must not outlive the tree in a power cut. */
function finish(layout: Layout, whole: string, note = ''): void {
  writeFileSync(whole, note, { mode: 0o600 });
  sync(layout);
}

function sync(layout: Layout): void {
  using root = openDirectory(layout.root);
  syncFileSystem(root);
}

/** Removes the tree that an image with this topmost layer had. Absent is fine. @returns whether it was there */
export function removeTreeOf(layout: Layout, directory: string): boolean {
  const path = treePath(layout, directory);
  if (!existsSync(path)) return false;
  dropSubvolume(path);
  return removeNamed(layout, path);
}
