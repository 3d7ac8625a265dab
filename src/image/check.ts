/**
 * Looks through the whole store: every blob's digest, every layer's tree, every reference. Finds and reports; what is done
 * about it is in repair.ts. The store may be used meanwhile.
 */
import { existsSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import { type ChainId, chainIds, type Digest } from '../oci/digest.ts';
import { hasBlob } from '../store/blob.ts';
import { listContainers } from '../store/container-row.ts';
import { all, type Database } from '../store/database.ts';
import { type ImageRow, isBlobNamed, listAllImages, namedBlobs } from '../store/image-row.ts';
import { type LayerRow, layerByChainId, layersOfImage, listLayers } from '../store/layer-row.ts';
import { containerPath, layerPath } from '../store/layout.ts';
import type { Store } from '../store/store.ts';
import { isBlobWhole, isSameTree, unpackAgain } from './check-layer.ts';
import { readImageConfig } from './config.ts';

export type Damage =
  | { readonly kind: 'blob'; readonly digest: Digest; readonly found: 'missing' | 'changed' }
  | { readonly kind: 'layer'; readonly chainId: ChainId; readonly found: 'missing' | 'changed' }
  | { readonly kind: 'image'; readonly id: Digest; readonly found: string }
  | { readonly kind: 'container'; readonly id: string; readonly found: string }
  | { readonly kind: 'database'; readonly found: string };

export type CheckOptions = {
  /** Only whether everything is there, not what is in it. */
  readonly quick?: boolean;
  /** Told of each thing before it is looked at. */
  readonly onStep?: (what: string) => void;
};

/** @returns what is wrong, lowest layers first; nothing when all is well. @throws OnggiError when the store can't be read */
export async function checkStore(store: Store, options: CheckOptions = {}): Promise<Damage[]> {
  const damages: Damage[] = [...checkDatabase(store.database)];
  const broken = new Set<Digest>();
  for (const digest of namedBlobs(store.database)) {
    options.onStep?.(`blob ${digest}`);
    const found = await blobDamage(store, digest, options.quick === true);
    if (found === undefined) continue;
    broken.add(digest);
    damages.push({ kind: 'blob', digest, found });
  }
  for (const row of lowestFirst(listLayers(store.database))) {
    options.onStep?.(`layer ${row.chainId}`);
    const found = await layerDamage(store, row, options.quick === true || row.blob === null || broken.has(row.blob));
    if (found !== undefined) damages.push({ kind: 'layer', chainId: row.chainId, found });
  }
  for (const image of listAllImages(store.database)) {
    const found = broken.has(image.id) ? undefined : imageDamage(store, image);
    if (found !== undefined) damages.push({ kind: 'image', id: image.id, found });
  }
  for (const { id } of listContainers(store.database)) {
    if (existsSync(containerPath(store.layout, id))) continue;
    damages.push({ kind: 'container', id, found: 'its directory is missing' });
  }
  return damages;
}

function checkDatabase(database: Database): Damage[] {
  const words = all(database, 'PRAGMA integrity_check').map((row) => String(Object.values(row)[0]));
  const references = all(database, 'PRAGMA foreign_key_check').map(
    ({ table, rowid, parent }) => `row ${String(rowid)} of "${String(table)}" names nothing in "${String(parent)}"`,
  );
  return [...words.filter((word) => word !== 'ok'), ...references].map((found) => ({ kind: 'database', found }));
}

async function blobDamage(store: Store, digest: Digest, quick: boolean): Promise<'missing' | 'changed' | undefined> {
  const stillNamed = () => isBlobNamed(store.database, digest);
  if (!hasBlob(store.layout, digest)) return stillNamed() ? 'missing' : undefined;
  if (quick || (await isBlobWhole(store.layout, digest))) return undefined;
  return stillNamed() ? 'changed' : undefined;
}

async function layerDamage(store: Store, row: LayerRow, quick: boolean): Promise<'missing' | 'changed' | undefined> {
  if (!existsSync(layerPath(store.layout, row.directory))) return stillThere(store, row) ? 'missing' : undefined;
  if (quick) return undefined;
  try {
    using staged = await unpackAgain(store, row, directoriesBelow(store, row));
    if (isSameTree(store, row, staged)) return undefined;
  } catch (error) {
    // Removed while it was looked at.
    if (!(error instanceof OnggiError) || stillThere(store, row)) throw error;
  }
  return stillThere(store, row) ? 'changed' : undefined;
}

/** Paths of the layers below that are there, topmost first. */
export function directoriesBelow(store: Store, row: LayerRow): string[] {
  const paths: string[] = [];
  for (let parent = row.parent; parent !== null; ) {
    const below = layerByChainId(store.database, parent);
    if (below === undefined) break;
    const path = layerPath(store.layout, below.directory);
    if (existsSync(path)) paths.push(path);
    parent = below.parent;
  }
  return paths;
}

/** Its config must name the very layers that it has. */
function imageDamage(store: Store, image: ImageRow): string | undefined {
  try {
    const chain = chainIds(readImageConfig(store, image.id).value.diffIds);
    const layers = layersOfImage(store.database, image.id).map(({ chainId }) => chainId);
    if (chain.length === layers.length && chain.every((chainId, index) => chainId === layers[index])) return undefined;
    return `its config names ${chain.length} layers, it has ${layers.length}`;
  } catch (error) {
    return error instanceof OnggiError && error.code === 'corrupt' ? error.message : undefined;
  }
}

function lowestFirst(rows: readonly LayerRow[]): LayerRow[] {
  const byId = new Map(rows.map((row) => [row.chainId, row]));
  const depth = (row: LayerRow): number => {
    let count = 0;
    for (let parent = row.parent; parent !== null; count += 1) parent = byId.get(parent)?.parent ?? null;
    return count;
  };
  return rows
    .map((row) => ({ row, depth: depth(row) }))
    .sort((a, b) => a.depth - b.depth)
    .map(({ row }) => row);
}

function stillThere(store: Store, row: LayerRow): boolean {
  return layerByChainId(store.database, row.chainId) !== undefined;
}
