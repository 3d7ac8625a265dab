/**
 * `commit`: an image out of another one and a new layer on top. The layer is kept as it was written, not compressed: pushing
 * it compresses it if that is wanted, and an image that is never pushed never pays for it.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { chainIds, type DiffId, type Digest } from '../oci/digest.ts';
import { type Descriptor, maxLayers, maxManifestSize } from '../oci/image-spec.ts';
import { hostPlatform } from '../oci/platform.ts';
import { canonicalName, parseReference } from '../oci/reference.ts';
import { readBlob } from '../store/blob.ts';
import { type LayerRow, layerByChainId, layersOfImage } from '../store/layer-row.ts';
import { blobPath, type Layout } from '../store/layout.ts';
import { lockLayer } from '../store/lock.ts';
import type { Store } from '../store/store.ts';
import { removeAbandoned } from '../store/temporary.ts';
import { abortable } from './abortable.ts';
import { type ConfigFields, configFields } from './change.ts';
import { compressionOf, magicLength } from './decompress.ts';
import { publishImage, stageLayer } from './layer.ts';
import { layerDescriptor, layerTypes, manifestOf, writeJsonBlob } from './manifest-write.ts';

export type CommitRequest = {
  /** Image below; null for none: then the archive is a whole root file system. */
  readonly base: Digest | null;
  /** The layer, as `layerArchive` writes it. */
  readonly archive: Iterable<Buffer>;
  /** What the container ran with; fields of the base that are not named here stay. */
  readonly config: ConfigFields;
  /** Command line, for the history. */
  readonly createdBy: string;
  readonly author?: string;
  readonly message?: string;
  /** Null for an image without a name. */
  readonly name: string | null;
  readonly signal?: AbortSignal;
};

/**
 * @throws OnggiError `invalid` (name), `unsupported` (too many layers), `corrupt` (base), `exhausted`, `cancelled`, what
 *   `archive` throws; then nothing is registered
 */
export async function commitImage(store: Store, request: CommitRequest): Promise<{ readonly id: Digest }> {
  const { base, signal } = request;
  const reference = commitReference(request.name);
  removeAbandoned(store.layout);
  const below = base === null ? [] : layersOfImage(store.database, base);
  if (below.length >= maxLayers) {
    throw new OnggiError(
      'unsupported',
      `commit: the image has ${below.length} layers, which is the most there can be`,
      {
        hint: 'Make one layer of them: onggi export CONTAINER | onggi import - NAME',
      },
    );
  }
  const old = base === null ? {} : readJson(store.layout, base);
  const descriptors = below.map((layer) => describe(store.layout, layer));
  const what = 'layer of the container';
  const source = abortable(turns(request.archive), what, signal);
  using staged = await stageLayer(store, source, { what, blob: {}, lowest: below.length === 0 });
  const diffIds = [...below.map(({ diffId }) => diffId), staged.diffId];
  const chain = chainIds(diffIds);
  const chainId = chain.at(-1);
  if (chainId === undefined) throw new OnggiError('internal', 'a layer without a chain id');
  using _ = await lockLayer(store.layout, chainId, signal);
  using blobs = new DisposableStack();
  const now = new Date();
  const config = blobs.use(writeJsonBlob(store.layout, configOf(old, diffIds, request, now)));
  const manifest = blobs.use(
    writeJsonBlob(store.layout, manifestOf(config.blob, [...descriptors, layerDescriptor(staged)])),
  );
  const isThere = layerByChainId(store.database, chainId) !== undefined;
  await publishImage(
    store,
    {
      id: config.blob.digest,
      manifest: manifest.blob.digest,
      created: now.getTime(),
      chain,
      layers: isThere ? [] : [{ chainId, parent: chain.at(-2) ?? null, staged }],
      blobs: [config.blob, manifest.blob],
      name: reference === null ? null : { reference, digest: null },
    },
    signal,
  );
  return { id: config.blob.digest };
}

/** The canonical name that an image is to be given. @throws OnggiError `invalid` */
export function commitReference(name: string | null): string | null {
  if (name === null) return null;
  const reference = parseReference(name);
  if (reference.digest === null) return canonicalName(reference);
  throw new OnggiError('invalid', `image "${name}": a name with a digest can't be given`);
}

/** Whoever reads it must have a chance to hear of signals. */
async function* turns(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    yield piece;
    await new Promise(setImmediate);
  }
}

type Json = Readonly<Record<string, unknown>>;

/** A config of the store as it is, with the fields that onggi does not know. */
function readJson(layout: Layout, digest: Digest): Json {
  const value: unknown = JSON.parse(readBlob(layout, digest, maxManifestSize).toString());
  return isRecord(value) ? value : {};
}

/** What the config of the base has and a container does not decide: Healthcheck, OnBuild, Shell, whatever comes. */
function foreignFields(config: unknown): Json {
  const own = new Set<string>(configFields);
  return Object.fromEntries(Object.entries(isRecord(config) ? config : {}).filter(([key]) => !own.has(key)));
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * By what is in the store: a layer can have come with another image, compressed in another way than the base's manifest
 * says.
 */
function describe(layout: Layout, { blob, chainId }: LayerRow): Descriptor {
  if (blob === null) throw new OnggiError('corrupt', `layer "${chainId}": its blob is not kept`);
  const path = blobPath(layout, blob);
  try {
    const { size } = statSync(path);
    const fd = openSync(path, 'r');
    try {
      const start = Buffer.alloc(magicLength);
      readSync(fd, start, 0, start.length, 0);
      return { mediaType: layerTypes[compressionOf(start)], digest: blob, size };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fromSystemError(error, `read blob "${blob}"`);
  }
}

function configOf(old: Json, diffIds: readonly DiffId[], request: CommitRequest, now: Date): object {
  const { os, architecture, variant } = hostPlatform();
  const { container: _container, container_config: _config, id: _id, parent: _parent, ...kept } = old;
  const created = now.toISOString();
  const { author, message } = request;
  const entry = {
    created,
    created_by: request.createdBy,
    ...(author && { author }),
    ...(message && { comment: message }),
  };
  return {
    ...(request.base === null && { os, architecture, ...(variant !== null && { variant }) }),
    ...kept,
    created,
    ...(author && { author }),
    config: { ...foreignFields(old['config']), ...request.config },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [...(Array.isArray(old['history']) ? old['history'] : []), entry],
  };
}
