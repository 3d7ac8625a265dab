/** All that an index names, however it is nested: what an image is made of beside the one that runs here. */
import { OnggiError } from '../errors.ts';
import { type Descriptor, type IndexEntry, isIndexType, isManifestType, maxManifestSize } from '../oci/image-spec.ts';
import { manifestLinks } from '../oci/manifest-links.ts';
import { parseManifest } from '../registry/manifest.ts';
import { type ImageSource, type ManifestBytes, maxDepth, maxManifests } from './types.ts';

export type IndexTree = {
  /** Outermost first; the first is the index that was asked about. */
  readonly indexes: readonly ManifestBytes[];
  /** Images, each with its platform. */
  readonly images: readonly IndexEntry[];
  /** What is no image to run: attestations, artifacts. */
  readonly others: readonly ManifestBytes[];
};

export type TreeOptions = {
  /** Leaves out what the source has not, where everything is wanted otherwise. */
  readonly partial?: boolean;
  readonly signal?: AbortSignal | undefined;
};

/** @throws OnggiError `not-found`, `corrupt`, `unsupported`, `exhausted`, what the source throws */
export async function indexTree(
  source: Pick<ImageSource, 'name' | 'manifest'>,
  top: ManifestBytes,
  { partial = false, signal }: TreeOptions = {},
): Promise<IndexTree> {
  const tree = { indexes: [] as ManifestBytes[], images: [] as IndexEntry[], others: [] as ManifestBytes[] };
  const seen = new Set<string>();
  const read = async (entry: IndexEntry): Promise<ManifestBytes | undefined> => {
    if (entry.size > maxManifestSize)
      throw new OnggiError('corrupt', `${source.name}: manifest of ${entry.size} bytes`);
    try {
      return await source.manifest(entry, signal);
    } catch (error) {
      if (partial && error instanceof OnggiError && error.code === 'not-found') return undefined;
      throw error;
    }
  };
  const walk = async (index: ManifestBytes, depth: number): Promise<void> => {
    if (depth === maxDepth) {
      throw new OnggiError('unsupported', `${source.name}: over ${maxDepth} indexes in one another`);
    }
    const content = parseManifest(index.bytes, index.mediaType, source.name);
    if (content.kind !== 'index') return;
    tree.indexes.push(index);
    for (const entry of content.manifests) {
      if (seen.has(entry.digest)) continue;
      seen.add(entry.digest);
      if (seen.size > maxManifests) throw new OnggiError('exhausted', `${source.name}: over ${maxManifests} manifests`);
      if (isManifestType(entry.mediaType) && entry.platform !== null && entry.platform.os !== 'unknown') {
        tree.images.push(entry);
        continue;
      }
      const found = await read(entry);
      if (found === undefined) continue;
      if (isIndexType(entry.mediaType)) await walk(found, depth + 1);
      else tree.others.push(found);
    }
  };
  await walk(top, 0);
  return tree;
}

/** Blobs that manifests name, each once. @throws OnggiError `invalid`, `unsupported` */
export function blobsOf(manifests: readonly ManifestBytes[]): Descriptor[] {
  const all = manifests.flatMap(({ bytes, mediaType }) => manifestLinks(bytes, mediaType).blobs);
  return [...new Map(all.map((blob) => [blob.digest, blob])).values()];
}
