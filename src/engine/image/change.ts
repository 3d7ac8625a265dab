/** What changes images, told to those who follow the events of the store. */
import { findImage } from '../../image/find.ts';
import { importImage } from '../../image/import.ts';
import { removeImage as remove } from '../../image/remove.ts';
import { tagImage as tag } from '../../image/tag.ts';
import type { Digest } from '../../oci/digest.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import type { Store } from '../../store/store.ts';
import { emit } from '../event/emit.ts';
import { emitImage } from '../event/image-news.ts';
import { imageNews } from '../event/news.ts';
import type { ImportOptions, RemovedImage, RemoveImageOptions } from './images.ts';

/** @throws OnggiError as `removeImage` of image/remove.ts */
export async function removeImage(store: Store, ref: string, options: RemoveImageOptions): Promise<RemovedImage> {
  const { id } = findImage(store, ref);
  const removed = await remove(store, ref, options);
  tellRemoved(store, id, removed);
  return removed;
}

export function tellRemoved(store: Store, id: string, { untagged, deleted }: RemovedImage): void {
  const gone = deleted.length > 0 ? [imageNews('delete', id, id)] : [];
  emit(store, ...untagged.map(() => imageNews('untag', id, id)), ...gone);
}

/** @throws OnggiError as `tagImage` of image/tag.ts */
export function tagImage(store: Store, source: string, name: string): void {
  tag(store, source, name);
  tellTag(store, findImage(store, name).id, name);
}

export function tellTag(store: Store, id: Digest, name: string): void {
  emitImage(store, 'tag', id, familiarName(parseReference(name)));
}

/** @throws OnggiError as `importImage` of image/import.ts */
export async function makeImage(
  store: Store,
  source: string | AsyncIterable<Uint8Array>,
  name: string | null,
  options: ImportOptions,
): Promise<{ readonly id: Digest }> {
  const made = await importImage(store, source, name, options);
  if (name !== null) tellTag(store, made.id, name);
  emitImage(store, 'import', made.id);
  return made;
}
