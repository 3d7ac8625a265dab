/** Removing images that nobody needs. */
import { OnggiError } from '../errors.ts';
import { containersOfImage } from '../store/container-row.ts';
import { type ImageRow, listImageNames, listImages } from '../store/image-row.ts';
import type { Store } from '../store/store.ts';
import { type RemovedImage, removeImage } from './remove.ts';

/**
 * @param all those with names too; else only those without one
 * @param wanted what a filter says
 * @returns one record for each image that went
 */
export async function pruneImages(
  store: Store,
  all: boolean,
  wanted: (image: ImageRow) => boolean,
): Promise<RemovedImage[]> {
  const removed: RemovedImage[] = [];
  for (const image of listImages(store.database)) {
    if (!all && listImageNames(store.database, image.id).length > 0) continue;
    if (containersOfImage(store.database, image.id).length > 0 || !wanted(image)) continue;
    try {
      removed.push(await removeImage(store, image.id, { allNames: true }));
    } catch (error) {
      // Somebody else removed it, or made a container of it, since it was looked at.
      const code = error instanceof OnggiError ? error.code : undefined;
      if (code !== 'not-found' && code !== 'conflict') throw error;
    }
  }
  return removed;
}
