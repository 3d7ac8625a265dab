/** What changes images, told to those who follow the events of the store. */
import { existsSync } from 'node:fs';
import { findImage, lookUpImage } from '../../image/find.ts';
import { importImage } from '../../image/import.ts';
import { pruneImages as prune } from '../../image/prune.ts';
import { removeImage as remove } from '../../image/remove.ts';
import { tagImage as tag } from '../../image/tag.ts';
import type { Digest } from '../../oci/digest.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import { listImageNames } from '../../store/image-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { emitImage } from '../event/image-news.ts';
import { imageNews, pruneNews } from '../event/news.ts';
import { checkChanges } from './check-changes.ts';
import type { ImportOptions, PruneImagesOptions, RemovedImage, RemoveImageOptions } from './images.ts';
import { readImageConfig } from './view.ts';

/** @throws OnggiError as `removeImage` of image/remove.ts */
export async function removeImage(store: Store, ref: string, options: RemoveImageOptions): Promise<RemovedImage> {
  const { id } = findImage(store, ref);
  await releaseMount(store, ref, id, options.force === true);
  const removed = await remove(store, ref, options);
  tellRemoved(store, id, removed);
  return removed;
}

/** Nobody's view of its files may lose the ground, unless that is asked for. A name that is not the last one may go. */
async function releaseMount(store: Store, ref: string, id: Digest, force: boolean): Promise<void> {
  if (!existsSync(store.layout.mounts)) return;
  const byName = lookUpImage(store.database, ref).reference !== null;
  if (byName && listImageNames(store.database, id).length > 1) return;
  const { releaseImage } = await import('../mount/image-mount.ts');
  releaseImage(store, id, force);
}

export function tellRemoved(store: Store, id: string, { untagged, deleted }: RemovedImage): void {
  const gone = deleted.length > 0 ? [imageNews('delete', id, id)] : [];
  emit(store, ...untagged.map(() => imageNews('untag', id, id)), ...gone);
}

export async function pruneImages(context: Context, options: PruneImagesOptions): Promise<RemovedImage[]> {
  const { store } = context;
  const { all = false, before, labels = () => true } = options;
  const pruned = await prune(store, all, (image) => {
    if (before !== undefined && image.created >= before) return false;
    return options.labels === undefined || labels(readImageConfig(store, image.id).value.process.labels);
  });
  for (const removed of pruned) tellRemoved(store, removed.deleted[0] ?? '', removed);
  const reclaimed = pruned.reduce((sum, removed) => sum + removed.reclaimed, 0);
  emit(store, pruneNews('image', reclaimed));
  return pruned;
}

/** @throws OnggiError as `tagImage` of image/tag.ts */
export function tagImage(store: Store, source: string, name: string): void {
  tag(store, source, name);
  tellTag(store, findImage(store, name).id, name);
}

export function tellTag(store: Store, id: Digest, name: string): void {
  emitImage(store, 'tag', id, familiarName(parseReference(name)));
}

/**
 * Held to the policy of this machine, in which it is of the transport "tarball", as for Podman.
 * @param source also an address of a web server
 * @throws OnggiError as `importImage` of image/import.ts and `download` of registry/download.ts; `denied` (the policy)
 */
export async function makeImage(
  store: Store,
  source: string | AsyncIterable<Uint8Array>,
  name: string | null,
  options: ImportOptions,
): Promise<{ readonly id: Digest }> {
  const { enforcePathPolicy } = await import('../signature/policy.ts');
  enforcePathPolicy('tarball', '', { environment: process.env });
  checkChanges(options.changes);
  const made = await importImage(store, await bytesOf(source, options), name, options);
  if (name !== null) tellTag(store, made.id, name);
  emitImage(store, 'import', made.id);
  return made;
}

async function bytesOf(
  source: string | AsyncIterable<Uint8Array>,
  { signal }: ImportOptions,
): Promise<string | AsyncIterable<Uint8Array>> {
  if (typeof source !== 'string' || !/^https?:\/\//.test(source)) return source;
  const { download } = await import('../../registry/download.ts');
  const { readMachine } = await import('../../registry/open.ts');
  const { routes } = await readMachine(process.env);
  return download(routes, source, signal);
}
