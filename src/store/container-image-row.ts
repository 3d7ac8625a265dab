/** Rows of `container_images`: images that containers have mounted, besides their own. They go with the container. */
import type { Digest } from '../oci/digest.ts';
import { type Database, run } from './database.ts';

/** @throws OnggiError `conflict` when the image is not there */
export function addContainerImage(database: Database, containerId: string, image: Digest): void {
  run(database, 'INSERT OR IGNORE INTO container_images (container_id, image_id) VALUES (?, ?)', containerId, image);
}
