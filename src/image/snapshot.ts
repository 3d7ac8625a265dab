/**
 * The two sides of a container's overlay: the layers of its image and a writable layer of its own. Nothing is mounted
 * here; the container's init mounts them inside its own mount namespace.
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

/** Where the writable layer of a container lies: paths on the file system of the store. */
export type Snapshot = { readonly upper: string; readonly work: string };

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
 * Makes the writable layer in the container's directory, which is there. Its root gets owner, mode and time of the
 * root below, because overlayfs shows those.
 *
 * @param image null for the image `host`, whose lower directory is "/"
 * @param _guard the collector waits until it is disposed of, so it must be held until the container has its row
 * @throws OnggiError `exists` when it is there, `exhausted`, `not-found` (image)
 */
export function createSnapshot(store: Store, snapshot: Snapshot, image: Digest | null, _guard: ContentGuard): void {
  const [top] = image === null ? ['/'] : lowerDirectories(store, image).map((name) => layerPath(store.layout, name));
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
export function allowRemount({ work }: Snapshot): void {
  const mark = join(work, 'work/incompat/volatile');
  try {
    rmSync(mark, { recursive: true, force: true });
  } catch (error) {
    throw fromSystemError(error, `remove "${mark}"`);
  }
}

/** Removes all files of a container, its log too. Idempotent. @returns whether there were any */
export function removeSnapshot(store: Store, containerId: string): boolean {
  return removeNamed(store.layout, containerPath(store.layout, containerId));
}
