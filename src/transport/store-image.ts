/**
 * An image on its way into the store, from wherever it comes: the layers that are missing are unpacked, then config,
 * manifest, layers and name come in with one transaction.
 */
import { OnggiError } from '../errors.ts';
import { parseImageConfig } from '../image/config.ts';
import { publishImage } from '../image/layer.ts';
import { type LayerWork, type PlacedLayer, stageLayers } from '../image/stage-layers.ts';
import { chainIds, type Digest } from '../oci/digest.ts';
import type { Descriptor, ImageConfig, ImageManifest } from '../oci/image-spec.ts';
import { createBlobWriter, hasBlob, type WrittenBlob } from '../store/blob.ts';
import type { ImageName } from '../store/image-row.ts';
import { layerByChainId } from '../store/layer-row.ts';
import type { Store } from '../store/store.ts';
import type { Beside, ManifestBytes } from './types.ts';

export type IncomingImage = Pick<LayerWork, 'open' | 'resumable' | 'put' | 'signal'> & {
  /** As errors call it: 'image "docker.io/library/alpine:latest"'. */
  readonly what: string;
  readonly manifest: ManifestBytes;
  readonly content: ImageManifest;
  /** Verified. */
  readonly config: Uint8Array;
  /** Kept with the image and not unpacked. */
  readonly beside?: Beside | undefined;
  /** Null: the image gets no name. */
  readonly name: Pick<ImageName, 'reference' | 'digest'> | null;
};

/** A layer that was counted on can be removed until the image holds on to it; then all is looked at again. */
const attempts = 3;

/**
 * Idempotent: layers that are there are not read.
 * @returns the image that the name stood for before, if it was another one
 * @throws OnggiError `corrupt`, `unsupported`, `exhausted`, `cancelled`, what `open` throws; then nothing is registered
 */
export async function storeImage(store: Store, image: IncomingImage): Promise<Digest | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await storeOnce(store, image);
    } catch (error) {
      if (!(error instanceof OnggiError) || error.code !== 'conflict' || attempt === attempts) throw error;
    }
  }
}

async function storeOnce(store: Store, incoming: IncomingImage): Promise<Digest | null> {
  const { manifest, content, config, open, resumable = false, put, signal, beside } = incoming;
  const id = content.config.digest;
  const what = `config "${id}" of ${incoming.what}`;
  const { value: image } = parseImageConfig(config, what);
  const layers = pairLayers(content.layers, image, what);
  using staged = await stageLayers({ store, open, resumable, layers, put, signal });
  using undo = new DisposableStack();
  const blobs = [writeBlob(store, undo, manifest.digest, manifest.bytes), writeBlob(store, undo, id, config)];
  for (const { digest, bytes } of beside?.manifests ?? []) blobs.push(writeBlob(store, undo, digest, bytes));
  const kept = [...otherForms(store, layers), ...(beside?.blobs ?? [])];
  blobs.push(...(await receiveMissing(store, undo, kept, incoming)));
  const held = [...(beside?.manifests ?? []), ...kept].map(({ digest }) => digest);
  const chain = layers.map(({ chainId }) => chainId);
  const { created } = image;
  return await publishImage(
    store,
    { id, manifest: manifest.digest, created, chain, layers: staged.layers, blobs, held, name: incoming.name },
    signal,
  );
}

function pairLayers(descriptors: readonly Descriptor[], { diffIds }: ImageConfig, what: string): PlacedLayer[] {
  const chain = chainIds(diffIds);
  const pairs = descriptors.flatMap((descriptor, index) => {
    const diffId = diffIds[index];
    const chainId = chain[index];
    return diffId === undefined || chainId === undefined ? [] : [{ descriptor, diffId, chainId }];
  });
  if (pairs.length === descriptors.length && pairs.length === diffIds.length) return pairs;
  throw new OnggiError('corrupt', `${what}: ${diffIds.length} diff ids for ${descriptors.length} layers`);
}

/**
 * Layers that are here already, compressed in another way: kept too, so that the image leaves with the digests that it came
 * with. Not those that came without compression: an archive has them that gives the image no digest to keep.
 */
function otherForms(store: Store, layers: readonly PlacedLayer[]): Descriptor[] {
  return layers.flatMap(({ descriptor, diffId, chainId }) => {
    const here = layerByChainId(store.database, chainId);
    return here === undefined || here.blob === descriptor.digest || descriptor.digest === diffId ? [] : [descriptor];
  });
}

/** Verified by digest and size, one after the other: they are few. */
async function receiveMissing(
  { layout }: Store,
  undo: DisposableStack,
  wanted: readonly Descriptor[],
  { open, put, signal }: IncomingImage,
): Promise<WrittenBlob[]> {
  const received: WrittenBlob[] = [];
  for (const descriptor of wanted) {
    const { digest, size } = descriptor;
    if (hasBlob(layout, digest)) continue;
    const writer = undo.use(createBlobWriter(layout, { digest, size }));
    let current = 0;
    for await (const piece of open(descriptor, signal, 0)) {
      writer.write(piece);
      current += piece.length;
      put({ type: 'layer-progress', digest, current, total: size });
    }
    received.push(writer.finish());
    put({ type: 'layer-done', digest });
  }
  return received;
}

function writeBlob(store: Store, undo: DisposableStack, digest: Digest, bytes: Uint8Array): WrittenBlob {
  const writer = undo.use(createBlobWriter(store.layout, { digest, size: bytes.length }));
  writer.write(bytes);
  return writer.finish();
}
