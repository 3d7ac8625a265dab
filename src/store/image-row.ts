/** Rows of `images`, `image_names` and `image_layers`. */
import { OnggiError } from '../errors.ts';
import { type ChainId, type Digest, parseDigest } from '../oci/digest.ts';
import { all, type Database, get, type Row, run, violated } from './database.ts';
import { integer, integerOrNull, text, textOrNull } from './row.ts';

export type ImageRow = {
  /** Digest of the config; its blob is in the store as received. */
  readonly id: Digest;
  /** Digest of the manifest; its blob is in the store as received. */
  readonly manifest: Digest;
  /** Creation time out of the config, milliseconds since the epoch. */
  readonly created: number;
  /** Bytes of the unpacked layers. */
  readonly size: number;
  /** When it was force-removed while containers still needed it; hidden since then. */
  readonly removed: number | null;
};

export type ImageName = {
  /** Canonical reference, "docker.io/library/alpine:latest". */
  readonly reference: string;
  readonly imageId: Digest;
  /** Digest of the index or manifest that the name stood for when it was pulled; null: no registry knows it. */
  readonly digest: Digest | null;
  /** Digest of the index or manifest by which it leaves, where that is another one: the name was given here. */
  readonly cameAs?: Digest | null;
};

/**
 * Inserts an image with its layers, or brings a hidden one back. Must run in a transaction.
 * A second call with the same values changes nothing. One config can come with another manifest, when its layers were
 * compressed again: the last one counts.
 * @throws OnggiError `conflict` when one of the layers was removed meanwhile: unpack again
 */
export function putImage(database: Database, image: Omit<ImageRow, 'removed'>, layers: readonly ChainId[]): void {
  try {
    run(
      database,
      `INSERT INTO images (id, manifest, created, size) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET removed = NULL, manifest = excluded.manifest`,
      image.id,
      image.manifest,
      image.created,
      image.size,
    );
    for (const [position, chainId] of layers.entries()) {
      const sql = 'INSERT INTO image_layers (image_id, position, chain_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';
      run(database, sql, image.id, position, chainId);
    }
  } catch (error) {
    if (violated(error) !== 'foreign-key') throw error;
    throw new OnggiError('conflict', `image "${image.id}": a layer was removed meanwhile`, { cause: error });
  }
}

/** The same image by another manifest: its layers have been compressed in another way. */
export function putImageManifest(database: Database, id: Digest, manifest: Digest): void {
  run(database, 'UPDATE images SET manifest = ? WHERE id = ?', manifest, id);
}

/** Names an image; a name that stood for another one moves. @returns the image it stood for before, if another */
export function putImageName(database: Database, name: ImageName): Digest | null {
  const before = imageByName(database, name.reference)?.id ?? null;
  run(
    database,
    `INSERT INTO image_names (reference, image_id, digest, came_as) VALUES (?, ?, ?, ?) ON CONFLICT (reference)
     DO UPDATE SET image_id = excluded.image_id, digest = excluded.digest, came_as = excluded.came_as`,
    name.reference,
    name.imageId,
    name.digest,
    name.cameAs ?? name.digest,
  );
  return before === name.imageId ? null : before;
}

/** By full id; a hidden image is found too, its containers need it. */
export function imageById(database: Database, id: Digest): ImageRow | undefined {
  const row = get(database, 'SELECT * FROM images WHERE id = ?', id);
  return row === undefined ? undefined : imageOf(row);
}

/** By canonical reference. */
export function imageByName(database: Database, reference: string): ImageRow | undefined {
  const row = get(
    database,
    'SELECT images.* FROM image_names JOIN images ON images.id = image_id WHERE reference = ?',
    reference,
  );
  return row === undefined ? undefined : imageOf(row);
}

/**
 * Images whose id begins with `hex` (1 to 64 digits, without "sha256:"), hidden ones left out, at most five.
 * More than one: the prefix is ambiguous.
 */
export function imagesByPrefix(database: Database, hex: string): ImageRow[] {
  const from = `sha256:${hex}`;
  // "g" follows every hexadecimal digit, so this is one range of the primary key's index.
  return all(
    database,
    'SELECT * FROM images WHERE id >= ? AND id < ? AND removed IS NULL ORDER BY id LIMIT 5',
    from,
    `${from}g`,
  ).map(imageOf);
}

/** All images that are not hidden, newest first. */
export function listImages(database: Database): ImageRow[] {
  return all(database, 'SELECT * FROM images WHERE removed IS NULL ORDER BY created DESC, id').map(imageOf);
}

/** Names of one image, or all, in order. */
export function listImageNames(database: Database, image?: Digest): ImageName[] {
  const rows =
    image === undefined
      ? all(database, 'SELECT * FROM image_names ORDER BY reference')
      : all(database, 'SELECT * FROM image_names WHERE image_id = ? ORDER BY reference', image);
  return rows.map(nameOf);
}

/** Names that stood for this index or manifest when they were pulled. */
export function imageNamesByDigest(database: Database, digest: Digest): ImageName[] {
  return all(database, 'SELECT * FROM image_names WHERE digest = ? ORDER BY reference', digest).map(nameOf);
}

/** Names of images that have a layer of this blob, or whose config it is, and that came from or went to a registry. */
export function namesWithBlob(database: Database, digest: Digest): ImageName[] {
  return all(
    database,
    `SELECT DISTINCT image_names.* FROM image_names JOIN image_layers USING (image_id) JOIN layers USING (chain_id)
     WHERE (blob = ?1 OR image_id = ?1) AND image_names.digest IS NOT NULL ORDER BY reference LIMIT 20`,
    digest,
  ).map(nameOf);
}

/** @returns the name that was removed, undefined when there was none */
export function deleteImageName(database: Database, reference: string): ImageName | undefined {
  const row = get(database, 'DELETE FROM image_names WHERE reference = ? RETURNING *', reference);
  return row === undefined ? undefined : nameOf(row);
}

/** Hides an image that containers still need and takes its names. */
export function hideImage(database: Database, id: Digest, now: number): void {
  run(database, 'DELETE FROM image_names WHERE image_id = ?', id);
  run(database, 'UPDATE images SET removed = ? WHERE id = ?', now, id);
}

/** Removes the image with its names; its layers stay until `deleteUnusedLayers`. @throws `conflict` while containers use it */
export function deleteImage(database: Database, id: Digest): boolean {
  try {
    return run(database, 'DELETE FROM images WHERE id = ?', id) > 0;
  } catch (error) {
    if (violated(error) !== 'foreign-key') throw error;
    throw new OnggiError('conflict', `image "${id}" is used by a container`, { cause: error });
  }
}

/** Hidden images whose last container is gone. */
export function forgottenImages(database: Database): ImageRow[] {
  return all(
    database,
    `SELECT * FROM images WHERE removed IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM containers WHERE containers.image_id = images.id)
       AND NOT EXISTS (SELECT 1 FROM container_images WHERE container_images.image_id = images.id)`,
  ).map(imageOf);
}

/** Names of one repository ("docker.io/library/alpine") by tag, in order. */
export function imageNamesOfRepository(database: Database, repository: string): ImageName[] {
  // ";" follows ":", so this is one range of the primary key's index.
  return all(
    database,
    'SELECT * FROM image_names WHERE reference >= ? AND reference < ? ORDER BY reference',
    `${repository}:`,
    `${repository};`,
  ).map(nameOf);
}

/** All images, hidden ones too. */
export function listAllImages(database: Database): ImageRow[] {
  return all(database, 'SELECT * FROM images ORDER BY created, id').map(imageOf);
}

/** Images whose config, manifest or one of whose layers' blobs this is. */
export function imagesWithBlob(database: Database, digest: Digest): ImageRow[] {
  return all(
    database,
    `SELECT * FROM images WHERE id = ?1 OR manifest = ?1 OR id IN
       (SELECT image_id FROM image_layers JOIN layers USING (chain_id) WHERE blob = ?1
        UNION ALL SELECT image_id FROM image_blobs WHERE digest = ?1)`,
    digest,
  ).map(imageOf);
}

/** Images that have this layer. */
export function imagesWithLayer(database: Database, chainId: ChainId): ImageRow[] {
  const sql = 'SELECT images.* FROM image_layers JOIN images ON images.id = image_id WHERE chain_id = ?';
  return all(database, sql, chainId).map(imageOf);
}

/*
 * What holds a blob: the two queries below. Whoever keeps blobs in a new table adds it to both.
 */

/** Every blob that a row names, once: manifests first, then configs and layers, then what the registry server holds. */
export function namedBlobs(database: Database): Digest[] {
  const rows = all(
    database,
    `SELECT manifest AS digest FROM images UNION ALL SELECT id FROM images
       UNION ALL SELECT blob FROM layers WHERE blob IS NOT NULL UNION ALL SELECT digest FROM image_blobs
       UNION ALL SELECT digest FROM registry_blobs UNION ALL SELECT digest FROM registry_manifests`,
  );
  return [...new Set(rows.map((row) => parseDigest(text(row, 'digest'))))];
}

/** Whether any row names this blob: of an image, or as content of the registry server. */
export function isBlobNamed(database: Database, digest: Digest): boolean {
  const row = get(
    database,
    `SELECT EXISTS (SELECT 1 FROM images WHERE id = ?1 OR manifest = ?1)
         OR EXISTS (SELECT 1 FROM layers WHERE blob = ?1)
         OR EXISTS (SELECT 1 FROM image_blobs WHERE digest = ?1)
         OR EXISTS (SELECT 1 FROM registry_blobs WHERE digest = ?1)
         OR EXISTS (SELECT 1 FROM registry_manifests WHERE digest = ?1) AS named`,
    digest,
  );
  return row !== undefined && integer(row, 'named') !== 0;
}

function imageOf(row: Row): ImageRow {
  return {
    id: parseDigest(text(row, 'id')),
    manifest: parseDigest(text(row, 'manifest')),
    created: integer(row, 'created'),
    size: integer(row, 'size'),
    removed: integerOrNull(row, 'removed'),
  };
}

function nameOf(row: Row): ImageName {
  const digest = textOrNull(row, 'digest');
  const cameAs = textOrNull(row, 'came_as');
  return {
    reference: text(row, 'reference'),
    imageId: parseDigest(text(row, 'image_id')),
    digest: digest === null ? null : parseDigest(digest),
    ...(cameAs !== null && cameAs !== digest && { cameAs: parseDigest(cameAs) }),
  };
}
