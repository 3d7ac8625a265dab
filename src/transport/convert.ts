/**
 * Manifests changed on their way: other types (OCI, Docker's schema 2), other layers. Fields that are not understood
 * are kept. Pure.
 */
import { OnggiError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { sha256 } from '../oci/digest.ts';
import { type Descriptor, mediaTypes } from '../oci/image-spec.ts';
import type { ManifestBytes } from './types.ts';

export type Family = 'oci' | 'v2s2';

/** What stands for each other; the bytes of configs and layers are the same. */
const pairs: readonly (readonly [oci: string, docker: string])[] = [
  [mediaTypes.index, mediaTypes.dockerList],
  [mediaTypes.manifest, mediaTypes.dockerManifest],
  [mediaTypes.config, mediaTypes.dockerConfig],
  [mediaTypes.layer, mediaTypes.dockerLayer],
  [mediaTypes.layerGzip, mediaTypes.dockerLayerGzip],
  [mediaTypes.layerZstd, mediaTypes.dockerLayerZstd],
];

export function typeIn(family: Family, mediaType: string): string {
  const pair = pairs.find(([oci, docker]) => oci === mediaType || docker === mediaType);
  if (pair === undefined) return mediaType;
  return family === 'oci' ? pair[0] : pair[1];
}

/** The family that a destination wants in place of this type; undefined when it takes it as it is. */
export function neededFamily(mediaType: string, holds: ReadonlySet<string>): Family | undefined {
  if (holds.has(mediaType)) return undefined;
  const family = (['oci', 'v2s2'] as const).find((each) => holds.has(typeIn(each, mediaType)));
  if (family !== undefined) return family;
  throw new OnggiError('unsupported', `manifest of type "${mediaType.slice(0, 100)}" can't be kept there`);
}

type Entry = Record<string, unknown> & { digest?: unknown; mediaType?: unknown };
type Document = Record<string, unknown> & { config?: Entry; layers?: Entry[]; manifests?: Entry[] };

export type Change = {
  readonly family: Family | undefined;
  /** What came in the place of a layer or a manifest, by its digest. */
  readonly replaced: ReadonlyMap<Digest, Descriptor>;
};

/**
 * The same manifest or index with other types and descriptors; the same bytes when nothing changes.
 * @param manifest its content has been checked (manifestLinks)
 * @throws OnggiError `unsupported` when its type does not exist in the family
 */
export function changedManifest(manifest: ManifestBytes, { family, replaced }: Change): ManifestBytes {
  const mediaType = family === undefined ? manifest.mediaType : typeIn(family, manifest.mediaType);
  const document: Document = JSON.parse(Buffer.from(manifest.bytes).toString());
  const changed = (entry: Entry): Entry => {
    const other = typeof entry.digest === 'string' ? replaced.get(entry.digest as Digest) : undefined;
    const made: Entry = other === undefined ? entry : { ...entry, ...other };
    const type = made.mediaType;
    return family === undefined || typeof type !== 'string' ? made : { ...made, mediaType: typeIn(family, type) };
  };
  const { config, layers, manifests } = document;
  const next: Document = {
    ...document,
    ...((document['mediaType'] !== undefined || mediaType !== manifest.mediaType) && { mediaType }),
    ...(config !== undefined && { config: changed(config) }),
    ...(layers !== undefined && { layers: layers.map(changed) }),
    ...(manifests !== undefined && { manifests: manifests.map(changed) }),
  };
  if (JSON.stringify(next) === JSON.stringify(document)) return manifest;
  const bytes = Buffer.from(JSON.stringify(next));
  return { bytes, mediaType, digest: sha256(bytes) };
}
