/** The root file system of an image as a read-only mount on the host, as with containers (container-mount.ts). */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { findImage } from '../../image/find.ts';
import { lowerDirectories } from '../../image/snapshot.ts';
import { copyImage, treeOfImage } from '../../image/snapshot-tree.ts';
import { storageDriver } from '../../image/storage-driver.ts';
import { bindDirectory, mountOverlay, mountPointsBelow } from '../../kernel/host-mount.ts';
import { isPrivileged } from '../../kernel/user-namespace.ts';
import { type Digest, digestHex, parseDigest } from '../../oci/digest.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import { overlayOptions } from '../../runtime/plan/root.ts';
import { listAllImages, listImageNames } from '../../store/image-row.ts';
import { layerPath } from '../../store/layout.ts';
import { lockContent } from '../../store/lock.ts';
import type { Store } from '../../store/store.ts';
import { removeNamed } from '../../store/temporary.ts';
import type { Context } from '../context.ts';
import type { MountedImage } from '../types/mount.ts';
import { checkUser } from './container-mount.ts';
import { takeOff } from './mount-point.ts';

/** Idempotent. @returns the path */
export async function mountImage(context: Context, ref: string): Promise<string> {
  checkUser('image mount');
  const { store } = context;
  const { id } = findImage(store, ref);
  using guard = await lockContent(store.layout, 'shared');
  const path = placeOf(store, id);
  if (mountsOf(store).has(id)) return path;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fromSystemError(error, `make "${path}"`);
  }
  const lower = lowerDirectories(store, id);
  const [only] = lower;
  const driver = storageDriver(store, context.storageDriver);
  if (driver !== 'overlay2' && only !== undefined) {
    const tree = driver === 'btrfs' ? treeOfImage(store, id, guard) : copyOf(store, id);
    if (tree !== undefined) bindDirectory(tree, path, true);
  } else if (only !== undefined && lower.length === 1) {
    // Overlayfs wants two where nobody can write.
    bindDirectory(layerPath(store.layout, only), path, true);
  } else if (only !== undefined) {
    mountOverlay(path, { directory: store.layout.layers, lower, options: overlayOptions(!isPrivileged()) });
  }
  if (only === undefined) throw new OnggiError('unsupported', `image "${ref}": it has no layers to mount`);
  return path;
}

/** Where nothing but copies is to be had. */
function copyOf(store: Store, id: Digest): string {
  const tree = `${placeOf(store, id)}.tree`;
  const whole = `${tree}-is-whole`;
  if (existsSync(whole)) return tree;
  removeNamed(store.layout, tree);
  copyImage(store, id, { tree, whole });
  return tree;
}

/** @returns the id. @throws OnggiError `not-found`; `conflict` when it is not mounted, or in use and not `force` */
export async function unmountImage({ store }: Context, ref: string, force: boolean): Promise<Digest> {
  checkUser('image umount');
  const { id } = findImage(store, ref);
  if (!unmountFiles(store, id, force)) throw new OnggiError('conflict', `image "${ref}" is not mounted`);
  return id;
}

function unmountFiles(store: Store, id: Digest, force: boolean): boolean {
  const path = placeOf(store, id);
  const was = takeOff(path, force);
  const tree = `${path}.tree`;
  removeNamed(store.layout, `${tree}-is-whole`);
  removeNamed(store.layout, tree);
  return was;
}

/** Those of this mount namespace. */
export async function mountedImages({ store }: Context): Promise<MountedImage[]> {
  const found = mountsOf(store);
  return listAllImages(store.database).flatMap(({ id }) => {
    const path = found.get(id);
    if (path === undefined) return [];
    const names = listImageNames(store.database, id).map(({ reference }) => familiarName(parseReference(reference)));
    return [{ id, names, path }];
  });
}

function placeOf({ layout }: Store, id: Digest): string {
  return join(layout.mounts, digestHex(id));
}

function mountsOf({ layout }: Store): Map<Digest, string> {
  if (!existsSync(layout.mounts)) return new Map();
  const real = realpathSync(layout.mounts);
  const points = mountPointsBelow(real).filter(
    (path) => dirname(path) === real && /^[0-9a-f]{64}$/.test(basename(path)),
  );
  return new Map(points.map((path) => [parseDigest(`sha256:${basename(path)}`), join(layout.mounts, basename(path))]));
}

/** Before an image is removed. @throws OnggiError `conflict` while somebody has it mounted and not `force` */
export function releaseImage(store: Store, id: Digest, force: boolean): void {
  const mounted = mountsOf(store).has(id);
  if (mounted && !force) {
    throw new OnggiError('conflict', `image ${id.slice(7, 19)} is mounted on "${placeOf(store, id)}"`, {
      hint: 'Unmount it with "onggi image umount", or use --force.',
    });
  }
  unmountFiles(store, id, true);
}
