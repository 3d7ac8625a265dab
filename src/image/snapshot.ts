/**
 * The file system of a container before it runs: a writable layer that is put over those of its image, or a whole tree
 * of its own, as the storage driver has it. Nothing is mounted here; the container's init does that inside its own mount
 * namespace.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fromSystemError, OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { setEntryMode, setEntryOwner, setEntryTimes } from '../kernel/directory-entry.ts';
import { descriptorFacts } from '../kernel/entry-facts.ts';
import { unprivileged } from '../kernel/user-namespace.ts';
import type { Digest } from '../oci/digest.ts';
import { imageById } from '../store/image-row.ts';
import { layersOfImage } from '../store/layer-row.ts';
import { containerPath, layerPath } from '../store/layout.ts';
import type { ContentGuard } from '../store/lock.ts';
import type { Store } from '../store/store.ts';
import { removeNamed } from '../store/temporary.ts';
import { dropSubvolume } from './drop-subvolume.ts';
import type { StorageDriver } from './storage-driver.ts';
import type { OwnerMap } from './tree-copy.ts';
import type { TreePlace } from './tree-mark.ts';

/** Where the writable layer of a container lies: paths on the file system of the store. */
export type OverlayPlace = { readonly upper: string; readonly work: string };

/** Only one of the two is made: which one, says the file system. */
export type SnapshotPlace = OverlayPlace & TreePlace;

export type SnapshotRequest = {
  readonly driver: StorageDriver;
  /** null for the image `host`, whose lower directory is "/" */
  readonly image: Digest | null;
  /**
   * For a user namespace whose ids can't be mapped by mounts (`canMapIds`): the files are a copy with these owners,
   * whatever the driver.
   */
  readonly owner?: OwnerMap;
};

/**
 * Names of an image's layers below ROOT/layers, topmost first: the `lower` of an overlay whose directory that is.
 * @throws OnggiError `not-found`
 */
export function lowerDirectories(store: Store, image: Digest): string[] {
  if (imageById(store.database, image) === undefined) throw new OnggiError('not-found', `No such image: ${image}`);
  return layersOfImage(store.database, image)
    .map((layer) => layer.directory)
    .reverse();
}

/**
 * Makes it in the container's directory, which is there.
 * @param guard the collector waits until it is disposed of, so it must be held until the container has its row
 * @throws OnggiError `exists` when it is there, `exhausted`, `not-found` (image), `unsupported`
 */
export async function createSnapshot(
  store: Store,
  place: SnapshotPlace,
  request: SnapshotRequest,
  guard: ContentGuard,
): Promise<void> {
  const { driver, image, owner } = request;
  if (image === null || (driver === 'overlay2' && owner === undefined)) return createLayer(store, place, image);
  const { copyImage, snapshotImage } = await import('./snapshot-tree.ts');
  if (driver === 'btrfs' && owner === undefined) snapshotImage(store, image, place, guard);
  else copyImage(store, image, place, owner);
}

/** Its root gets owner, mode and time of the root below, because overlayfs shows those. */
function createLayer(store: Store, snapshot: OverlayPlace, image: Digest | null): void {
  const [top] = image === null ? ['/'] : lowerDirectories(store, image).map((name) => layerPath(store.layout, name));
  createWritableLayer(snapshot, top);
}

/** @param top the directory that it is put over; absent for an image without layers */
export function createWritableLayer(snapshot: OverlayPlace, top: string | undefined): void {
  try {
    for (const path of [snapshot.upper, snapshot.work]) mkdirSync(path, 0o700);
    using directory = openDirectory(dirname(snapshot.upper));
    if (top === undefined) {
      setEntryMode(directory, basename(snapshot.upper), 0o755);
      return;
    }
    using below = openDirectory(top);
    const { uid, gid, mode, modified } = descriptorFacts(below);
    // An ordinary user can give nothing away: the root belongs to root of the container then, whose id is the user's.
    if (unprivileged() === undefined) setEntryOwner(directory, basename(snapshot.upper), uid, gid);
    setEntryMode(directory, basename(snapshot.upper), mode);
    setEntryTimes(directory, basename(snapshot.upper), modified, modified);
  } catch (error) {
    throw fromSystemError(error, `make the writable layer "${snapshot.upper}"`);
  }
}

/**
 * Lets a writable layer that was mounted `volatile` be mounted again: overlayfs leaves a mark that forbids it, because
 * after a crash of the machine files may be half-written. Right only when the machine has not crashed since (kernel,
 * Documentation/filesystems/overlayfs, "Volatile mount").
 */
export function allowRemount({ work }: Pick<OverlayPlace, 'work'>): void {
  const mark = join(work, 'work/incompat/volatile');
  try {
    rmSync(mark, { recursive: true, force: true });
  } catch (error) {
    throw fromSystemError(error, `remove "${mark}"`);
  }
}

/** Removes all files of a container, its log too. Idempotent. @returns whether there were any */
export function removeSnapshot(store: Store, containerId: string): boolean {
  dropSubvolume(join(containerPath(store.layout, containerId), 'tree'));
  return removeNamed(store.layout, containerPath(store.layout, containerId));
}
