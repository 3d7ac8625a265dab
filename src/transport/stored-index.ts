/** Manifests and indexes that images of the store hold (store/image-blob-row.ts), and whether all of them is here. */
import { OnggiError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { type Descriptor, isIndexType, maxManifestSize } from '../oci/image-spec.ts';
import { manifestLinks } from '../oci/manifest-links.ts';
import { choosePlatform, type Platform } from '../oci/platform.ts';
import { parseManifest } from '../registry/manifest.ts';
import { blobSize, readBlob } from '../store/blob.ts';
import type { Store } from '../store/store.ts';
import { blobsOf, indexTree } from './index-tree.ts';
import { mediaTypeOf } from './media-type.ts';
import type { ImageSource, ManifestBytes } from './types.ts';

/** A manifest whose blobs are here too, or an index; undefined when something is missing or it is neither. */
export function storedManifest(store: Store, digest: Digest): ManifestBytes | undefined {
  const size = blobSize(store.layout, digest);
  if (size === undefined || size > maxManifestSize) return undefined;
  try {
    const bytes = readBlob(store.layout, digest, maxManifestSize);
    const mediaType = mediaTypeOf(bytes, `blob "${digest}"`);
    const here = manifestLinks(bytes, mediaType).blobs.every(
      (blob) => blobSize(store.layout, blob.digest) === blob.size,
    );
    return here ? { bytes, mediaType, digest } : undefined;
  } catch (error) {
    if (error instanceof OnggiError && error.code !== 'internal') return undefined;
    throw error;
  }
}

export type StoredIndex = {
  readonly index: ManifestBytes;
  /** Whether nothing is missing of what it names. */
  readonly complete: boolean;
  /** Manifests and indexes that are here, those first that others name; the index itself is left out. */
  readonly parts: readonly ManifestBytes[];
  readonly blobs: readonly Descriptor[];
};

/** @returns undefined when it is no index, or not here */
export async function storedIndex(store: Store, digest: Digest): Promise<StoredIndex | undefined> {
  const index = storedManifest(store, digest);
  if (index === undefined || !isIndexType(index.mediaType)) return undefined;
  const tree = await indexTree(heldSource(store), index, { partial: true });
  const images = tree.images.map((entry) => storedManifest(store, entry.digest));
  const here = [...images.filter((image) => image !== undefined), ...tree.others];
  const nested = tree.indexes.slice(1).reverse();
  const known = new Set([...here, ...nested].map((part) => part.digest));
  const named = tree.indexes.flatMap(({ bytes, mediaType }) => manifestLinks(bytes, mediaType).manifests);
  return {
    index,
    complete: named.every((entry) => known.has(entry.digest)),
    parts: [...here, ...nested],
    blobs: blobsOf(here),
  };
}

/** The best for the platform among the images of the index that are here. */
export function storedForPlatform(store: Store, stored: StoredIndex, wanted: Platform): ManifestBytes | undefined {
  const { bytes, mediaType, digest } = stored.index;
  const content = parseManifest(bytes, mediaType, `index "${digest}"`);
  const entries = content.kind === 'index' ? content.manifests : [];
  const chosen = choosePlatform(
    wanted,
    entries.filter((entry) => stored.parts.some((part) => part.digest === entry.digest)),
  );
  return chosen === undefined ? undefined : storedManifest(store, chosen.digest);
}

/** Everything that the store holds, by digest. */
export function heldSource(store: Store): Pick<ImageSource, 'name' | 'manifest'> {
  const name = 'the store';
  return {
    name,
    async manifest(descriptor) {
      const found = descriptor === undefined ? undefined : storedManifest(store, descriptor.digest);
      if (found !== undefined) return found;
      throw new OnggiError('not-found', `${name}: no manifest "${descriptor?.digest ?? ''}"`);
    },
  };
}
