/**
 * Rows of `image_blobs`: what an image holds beside what its row and its layers name, so that it leaves as it came: the index
 * that it was chosen out of, layers that were here already in another compression, the manifest by which it came before,
 * attestations. Nobody unpacks them; they go with the image.
 */
import { type Digest, parseDigest } from '../oci/digest.ts';
import { all, type Database, run } from './database.ts';
import { text } from './row.ts';

/** Idempotent. Must run in the transaction that makes the image. */
export function putImageBlobs(database: Database, image: Digest, blobs: readonly Digest[]): void {
  const sql = 'INSERT INTO image_blobs (image_id, digest) VALUES (?, ?) ON CONFLICT DO NOTHING';
  for (const digest of blobs) run(database, sql, image, digest);
}

export function blobsOfImage(database: Database, image: Digest): Digest[] {
  const rows = all(database, 'SELECT digest FROM image_blobs WHERE image_id = ? ORDER BY digest', image);
  return rows.map((row) => parseDigest(text(row, 'digest')));
}
