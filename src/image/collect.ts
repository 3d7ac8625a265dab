/**
 * The collector: removes what killed processes left. Everything in the store is named by a row or garbage, except what
 * is on its way in, which is told by locks (store/lock.ts, store/temporary.ts). Safe at any time, beside anything.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, isDigest } from '../oci/digest.ts';
import { listContainers } from '../store/container-row.ts';
import { syncDatabase, transaction } from '../store/database.ts';
import { isBlobNamed } from '../store/image-row.ts';
import { listLayers } from '../store/layer-row.ts';
import { blobPath } from '../store/layout.ts';
import { isLayerLock, lockContent } from '../store/lock.ts';
import { deleteIdleRegistryRows } from '../store/registry-row.ts';
import type { Store } from '../store/store.ts';
import { removeAbandoned, removeIdleLock, removeNamed } from '../store/temporary.ts';
import { listVolumes } from '../store/volume-row.ts';
import { removeForgottenImages } from './remove.ts';

/** Milliseconds that a blob pushed to the registry server waits for a manifest: longer than any push goes on. */
export const uploadKept = 24 * 3600_000;
/** Milliseconds that what was cached of another registry stays after it was last asked for. */
export const cacheKept = 30 * 24 * 3600_000;

/** @returns paths of what was removed. @throws OnggiError `cancelled` */
export async function collect(store: Store, signal?: AbortSignal): Promise<string[]> {
  await removeForgottenImages(store);
  const removed = removeAbandoned(store.layout);
  const now = Date.now();
  const idle = transaction(store.database, () =>
    deleteIdleRegistryRows(store.database, now - uploadKept, now - cacheKept),
  );
  if (idle.length > 0) syncDatabase(store.database);
  const unnamed: string[] = [];
  {
    using _ = await lockContent(store.layout, 'exclusive', signal);
    unnamed.push(
      ...unnamedContainers(store),
      ...unnamedVolumes(store),
      ...unnamedLayers(store),
      ...unnamedTrees(store),
      ...unnamedBlobs(store),
    );
    for (const path of unnamed) removeNamed(store.layout, path);
  }
  for (const name of readdirSync(store.layout.locks).filter(isLayerLock))
    removeIdleLock(join(store.layout.locks, name));
  return [...removed, ...unnamed];
}

/** Rows come, under the shared content lock, after what they name and go before it: what has none now is garbage. */
function unnamedContainers(store: Store): string[] {
  const named = new Set(listContainers(store.database).map((container) => container.id));
  const found = readdirSync(store.layout.containers).filter((name) => !named.has(name));
  return found.map((name) => join(store.layout.containers, name));
}

function unnamedVolumes(store: Store): string[] {
  const named = new Set(listVolumes(store.database).map(({ name }) => name));
  const found = readdirSync(store.layout.volumes).filter((name) => !named.has(name));
  return found.map((name) => join(store.layout.volumes, name));
}

function unnamedLayers(store: Store): string[] {
  const named = new Set(listLayers(store.database).map((layer) => layer.directory));
  const found = readdirSync(store.layout.layers).filter((name) => !named.has(name));
  return found.map((name) => join(store.layout.layers, name));
}

function unnamedTrees(store: Store): string[] {
  if (!existsSync(store.layout.trees)) return [];
  const named = new Set(listLayers(store.database).map((layer) => layer.directory));
  const found = readdirSync(store.layout.trees).filter((name) => !named.has(name));
  return found.map((name) => join(store.layout.trees, name));
}

function unnamedBlobs(store: Store): string[] {
  return ['sha256', 'sha512'].flatMap((algorithm) => {
    const directory = join(store.layout.blobs, algorithm);
    if (!existsSync(directory)) return [];
    return readdirSync(directory)
      .filter((hex) => {
        const digest = `${algorithm}:${hex}`;
        return !isDigest(digest) || !isBlobNamed(store.database, digest);
      })
      .map((hex) => join(directory, hex));
  });
}

/** Removes the files of those of the blobs that no row names any more; call `syncDatabase` before. */
export async function removeUnnamedBlobs(store: Store, digests: readonly Digest[]): Promise<void> {
  using _ = await lockContent(store.layout, 'exclusive');
  for (const digest of digests) {
    const path = blobPath(store.layout, digest);
    if (existsSync(path) && !isBlobNamed(store.database, digest)) removeNamed(store.layout, path);
  }
}
