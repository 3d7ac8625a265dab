/**
 * `import`: an image of one layer out of the tar of a root file system. The bytes stay as they came and are the
 * layer's blob, so the image has a real manifest whose digests hold, and can be pushed as it is.
 */
import { createReadStream } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { type ChainId, chainIds, type Digest } from '../oci/digest.ts';
import { mediaTypes } from '../oci/image-spec.ts';
import { hostPlatform } from '../oci/platform.ts';
import { canonicalName, parseReference } from '../oci/reference.ts';
import { createBlobWriter, type WrittenBlob } from '../store/blob.ts';
import { layerByChainId } from '../store/layer-row.ts';
import type { Layout } from '../store/layout.ts';
import { lockLayer } from '../store/lock.ts';
import type { Store } from '../store/store.ts';
import { removeAbandoned } from '../store/temporary.ts';
import { applyChanges, type ConfigFields } from './change.ts';
import type { Compression } from './decompress.ts';
import { publishImage, type StagedLayer, stageLayer } from './layer.ts';

export type ImportOptions = {
  /** Dockerfile instructions (change.ts). */
  readonly changes?: readonly string[];
  readonly message?: string;
  readonly signal?: AbortSignal;
};

/**
 * @param source path of a tar, plain or compressed by gzip or zstd, or its bytes
 * @param name null for an image without a name
 * @throws OnggiError `invalid` (name, change), `not-found` (path), `corrupt`, `unsupported`, `exhausted`, `cancelled`;
 *   then nothing is registered
 */
export async function importImage(
  store: Store,
  source: string | AsyncIterable<Uint8Array>,
  name: string | null,
  options: ImportOptions = {},
): Promise<{ readonly id: Digest }> {
  const reference = name === null ? null : parseReference(name);
  if (reference !== null && reference.digest !== null) throw digestName(name ?? '');
  const config = applyChanges(options.changes ?? []);
  removeAbandoned(store.layout);
  const what = typeof source === 'string' ? `archive "${source}"` : 'archive';
  const bytes = typeof source === 'string' ? fileBytes(source) : source;
  using staged = await stageLayer(store, abortable(bytes, what, options.signal), { what, blob: {}, lowest: true });
  const [chainId] = chainIds([staged.diffId]);
  if (chainId === undefined) throw new OnggiError('internal', 'a layer without a chain id');
  using _ = await lockLayer(store.layout, chainId, options.signal);
  using blobs = new DisposableStack();
  const now = new Date();
  const written = blobs.use(writeJson(store.layout, configOf(config, staged, now, options.message)));
  const manifest = blobs.use(writeJson(store.layout, manifestOf(written.blob, staged)));
  await publishImage(
    store,
    {
      id: written.blob.digest,
      manifest: manifest.blob.digest,
      created: now.getTime(),
      chain: [chainId],
      layers: isThere(store, chainId) ? [] : [{ chainId, parent: null, staged }],
      blobs: [written.blob, manifest.blob],
      name: reference === null ? null : { reference: canonicalName(reference), digest: null },
    },
    options.signal,
  );
  return { id: written.blob.digest };
}

function digestName(name: string): OnggiError {
  return new OnggiError('invalid', `image "${name}": a name with a digest can't be given`);
}

/** The same root file system imported again has its layer already. */
function isThere(store: Store, chainId: ChainId): boolean {
  return layerByChainId(store.database, chainId) !== undefined;
}

type WrittenJson = Disposable & { readonly blob: WrittenBlob };

function writeJson(layout: Layout, value: object): WrittenJson {
  const writer = createBlobWriter(layout, {});
  try {
    writer.write(Buffer.from(JSON.stringify(value)));
    return { blob: writer.finish(), [Symbol.dispose]: () => writer[Symbol.dispose]() };
  } catch (error) {
    writer[Symbol.dispose]();
    throw error;
  }
}

function configOf(config: ConfigFields, staged: StagedLayer, now: Date, message: string | undefined): object {
  const { os, architecture, variant } = hostPlatform();
  const created = now.toISOString();
  return {
    created,
    architecture,
    ...(variant !== null && { variant }),
    os,
    config,
    rootfs: { type: 'layers', diff_ids: [staged.diffId] },
    history: [{ created, comment: message ?? 'Imported from a tar archive' }],
  };
}

const layerTypes = {
  none: mediaTypes.layer,
  gzip: mediaTypes.layerGzip,
  zstd: mediaTypes.layerZstd,
} as const satisfies Record<Compression, string>;

function manifestOf(config: WrittenBlob, staged: StagedLayer): object {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config.digest, size: config.size },
    layers: [{ mediaType: layerTypes[staged.compression], digest: staged.blob.digest, size: staged.blob.size }],
  };
}

/** Large pieces: each one is a turn of the event loop. */
const pieceSize = 1024 * 1024;

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path, { highWaterMark: pieceSize })) yield piece as Buffer;
  } catch (error) {
    throw fromSystemError(error, `read archive "${path}"`);
  }
}

/** Gives up at once, also while nothing comes (a terminal, a pipe that nobody writes to). */
async function* abortable(
  source: AsyncIterable<Uint8Array>,
  what: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new OnggiError('cancelled', `${what}: given up`, { cause: signal.reason }));
  aborted.catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      const next = await Promise.race([aborted, iterator.next()]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Without waiting: a source that is stuck would not answer.
    iterator.return?.()?.catch(() => {});
  }
}
