/** Rows of `layers`. */
import { type ChainId, type DiffId, type Digest, parseDigest } from '../oci/digest.ts';
import { all, type Database, get, type Row, run } from './database.ts';
import { integer, text, textOrNull } from './row.ts';

export type LayerRow = {
  readonly chainId: ChainId;
  readonly diffId: DiffId;
  /** Chain id of the layer below; null for the lowest. */
  readonly parent: ChainId | null;
  /** Name below ROOT/layers; short, because all lower directories of an overlay share one page of options. */
  readonly directory: string;
  /** Bytes of the regular files. */
  readonly size: number;
  /** The blob it was unpacked from, kept as received. */
  readonly blob: Digest | null;
  /** Milliseconds since the epoch. */
  readonly created: number;
};

/** @throws OnggiError `conflict` when the chain id is there already or the parent is not */
export function insertLayer(database: Database, layer: LayerRow): void {
  run(
    database,
    'INSERT INTO layers (chain_id, diff_id, parent, directory, size, blob, created) VALUES (?, ?, ?, ?, ?, ?, ?)',
    layer.chainId,
    layer.diffId,
    layer.parent,
    layer.directory,
    layer.size,
    layer.blob,
    layer.created,
  );
}

/** The same layer by another blob: it has been compressed in another way. */
export function putLayerBlob(database: Database, chainId: ChainId, blob: Digest): void {
  run(database, 'UPDATE layers SET blob = ? WHERE chain_id = ?', blob, chainId);
}

export function layerByChainId(database: Database, chainId: ChainId): LayerRow | undefined {
  const row = get(database, 'SELECT * FROM layers WHERE chain_id = ?', chainId);
  return row === undefined ? undefined : layerOf(row);
}

export function listLayers(database: Database): LayerRow[] {
  return all(database, 'SELECT * FROM layers').map(layerOf);
}

/** Layers of an image, lowest first. */
export function layersOfImage(database: Database, image: Digest): LayerRow[] {
  return all(
    database,
    `SELECT layers.* FROM image_layers JOIN layers USING (chain_id)
     WHERE image_id = ? ORDER BY position`,
    image,
  ).map(layerOf);
}

/**
 * Removes rows of layers that no image has and no layer stands on, repeatedly, so whole chains go.
 * @returns what was removed; the caller removes the directories and blobs afterwards
 */
export function deleteUnusedLayers(database: Database): LayerRow[] {
  const removed: LayerRow[] = [];
  for (;;) {
    const rows = all(
      database,
      `DELETE FROM layers
       WHERE NOT EXISTS (SELECT 1 FROM image_layers WHERE image_layers.chain_id = layers.chain_id)
         AND NOT EXISTS (SELECT 1 FROM layers AS above WHERE above.parent = layers.chain_id)
       RETURNING *`,
    );
    if (rows.length === 0) return removed;
    removed.push(...rows.map(layerOf));
  }
}

function layerOf(row: Row): LayerRow {
  const parent = textOrNull(row, 'parent');
  const blob = textOrNull(row, 'blob');
  return {
    chainId: parseDigest(text(row, 'chain_id')) as ChainId,
    diffId: parseDigest(text(row, 'diff_id')) as DiffId,
    parent: parent === null ? null : (parseDigest(parent) as ChainId),
    directory: text(row, 'directory'),
    size: integer(row, 'size'),
    blob: blob === null ? null : parseDigest(blob),
    created: integer(row, 'created'),
  };
}
