/** The store of onggi as source and as destination of images. */
import { readSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import { compressionOf } from '../image/decompress.ts';
import { digestOfName, lookUpImage } from '../image/find.ts';
import { type Digest, sha256 } from '../oci/digest.ts';
import { type Descriptor, type ImageManifest, isIndexType, maxManifestSize, mediaTypes } from '../oci/image-spec.ts';
import { manifestLinks } from '../oci/manifest-links.ts';
import { canonicalName, type Reference } from '../oci/reference.ts';
import { parseManifest } from '../registry/manifest.ts';
import { hasBlob, readBlob } from '../store/blob.ts';
import type { ImageRow } from '../store/image-row.ts';
import { layersOfImage } from '../store/layer-row.ts';
import { blobPath } from '../store/layout.ts';
import type { Store } from '../store/store.ts';
import { openRegular, readRange } from './files.ts';
import { mediaTypeOf } from './media-type.ts';
import { storeImage } from './store-image.ts';
import { heldSource, storedIndex, storedManifest } from './stored-index.ts';
import type { ImageDestination, ImageSource, ManifestBytes } from './types.ts';
import { verifyBytes } from './verify.ts';

export type SourceOptions = {
  /** What the name of the image stood for when it came: the image leaves by the same manifest. */
  readonly named?: Digest | null;
  /** As the index that it came in, if all that it names is here, or with `partial` also when not. */
  readonly whole?: 'complete' | 'partial';
  /** This one and no other. */
  readonly manifest?: ManifestBytes;
};

/**
 * @param whole an index of several platforms is wanted, where the name stands for one
 * @throws OnggiError `not-found`, `invalid`, `conflict` (an ambiguous id)
 */
export async function storeSource(store: Store, wanted: string, whole: boolean): Promise<ImageSource> {
  const { image, reference } = lookUpImage(store.database, wanted);
  const named = reference === null ? null : digestOfName(store.database, image.id, reference);
  return await imageSource(store, image, `onggi:${wanted}`, { named, ...(whole && { whole: 'complete' }) });
}

/** @throws OnggiError `not-found`, `corrupt` when the store has lost a blob */
export async function imageSource(
  store: Store,
  image: ImageRow,
  name: string,
  { named = null, whole, manifest: only }: SourceOptions = {},
): Promise<ImageSource> {
  const index = whole === undefined || named === null ? undefined : await storedIndex(store, named);
  const leaves = index?.complete || whole === 'partial' ? index?.index : undefined;
  const manifest = only ?? leaves ?? manifestOf(store, image, named);
  const held = heldSource(store);
  return {
    name,
    async manifest(descriptor) {
      if (descriptor === undefined || descriptor.digest === manifest.digest) return manifest;
      return await held.manifest(descriptor);
    },
    async *blob({ digest, size }, signal) {
      using file = openRegular(blobPath(store.layout, digest), `blob "${digest}" of the store`);
      yield* readRange(file.fd, 0, size, `blob "${digest}" of the store`, signal);
    },
    referrers: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

/**
 * The manifest as it came, when the blobs that it names are here. A layer that was here already when the image came,
 * compressed in another way, was not kept twice: then the manifest is written anew with the blob that is here.
 */
export function manifestOf(store: Store, image: ImageRow, named: Digest | null = null): ManifestBytes {
  const own = named === null || named === image.manifest ? undefined : storedManifest(store, named);
  if (own !== undefined && !isIndexType(own.mediaType) && isOf(own, image)) return own;
  const what = `manifest "${image.manifest}" of image "${image.id}"`;
  const bytes = readBlob(store.layout, image.manifest, maxManifestSize);
  const mediaType = mediaTypeOf(bytes, what);
  const content = parseManifest(bytes, mediaType, what);
  if (content.kind === 'index') throw new OnggiError('corrupt', `${what}: it is an index`);
  if (content.layers.every(({ digest }) => hasBlob(store.layout, digest))) {
    return { bytes, mediaType, digest: image.manifest };
  }
  return rewritten(store, image, { mediaType, content }, what);
}

function isOf({ bytes, mediaType }: ManifestBytes, { id }: ImageRow): boolean {
  return manifestLinks(bytes, mediaType).blobs[0]?.digest === id;
}

function rewritten(
  store: Store,
  image: ImageRow,
  { mediaType, content }: { readonly mediaType: string; readonly content: ImageManifest },
  what: string,
): ManifestBytes {
  const rows = layersOfImage(store.database, image.id);
  const layers = content.layers.map((layer, index): Descriptor => {
    if (hasBlob(store.layout, layer.digest)) return layer;
    const digest = rows[index]?.blob ?? null;
    if (digest !== null && hasBlob(store.layout, digest)) return { digest, ...factsOf(store, digest, mediaType) };
    throw new OnggiError('corrupt', `${what}: the store has not the layer "${layer.digest}" as it came`, {
      hint: 'Pull the image again.',
    });
  });
  const { mediaType: type, digest, size } = content.config;
  const document = { schemaVersion: 2, mediaType, config: { mediaType: type, digest, size }, layers };
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes, mediaType, digest: sha256(bytes) };
}

const layerTypes = {
  oci: { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd },
  docker: { none: mediaTypes.dockerLayer, gzip: mediaTypes.dockerLayerGzip, zstd: mediaTypes.dockerLayerZstd },
} as const;

function factsOf(store: Store, digest: Descriptor['digest'], manifestType: string): Omit<Descriptor, 'digest'> {
  using file = openRegular(blobPath(store.layout, digest), `blob "${digest}" of the store`);
  const start = Buffer.alloc(6);
  readSync(file.fd, start, 0, start.length, 0);
  const family = manifestType === mediaTypes.dockerManifest ? layerTypes.docker : layerTypes.oci;
  return { mediaType: family[compressionOf(start)], size: file.size };
}

export type StoredImage = { readonly id: ImageRow['id'] };

/**
 * @param reference null for an image without a name
 * @param stored told the id of the image that came
 */
export function storeDestination(
  store: Store,
  reference: Reference | null,
  stored: (image: StoredImage) => void = () => {},
): ImageDestination {
  const name = reference === null ? 'onggi:' : `onggi:${canonicalName(reference)}`;
  const unasked = async (): Promise<never> => {
    throw new OnggiError('internal', `${name}: takes whole images`);
  };
  return {
    name,
    mediaTypes: new Set([mediaTypes.manifest, mediaTypes.dockerManifest]),
    hasBlob: unasked,
    putBlob: unasked,
    putManifest: unasked,
    async putImage({ manifest, named, beside, open, onEvent }, signal = new AbortController().signal) {
      const what = reference === null ? `image "${manifest.digest}"` : `image "${canonicalName(reference)}"`;
      const content = parseManifest(manifest.bytes, manifest.mediaType, what);
      if (content.kind === 'index') throw new OnggiError('internal', `${what}: an index can't be unpacked`);
      const config = await readConfig(content.config, open(content.config, signal), what);
      const name = reference === null ? null : { reference: canonicalName(reference), digest: named };
      await storeImage(store, { what, manifest, content, config, beside, open, put: onEvent, signal, name });
      stored({ id: content.config.digest });
    },
    async commit() {},
    async [Symbol.asyncDispose]() {},
  };
}

async function readConfig(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>, what: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let count = 0;
  for await (const piece of bytes) {
    count += piece.length;
    if (count > descriptor.size) break;
    pieces.push(piece);
  }
  return verifyBytes(Buffer.concat(pieces), descriptor, `config of ${what}`);
}
