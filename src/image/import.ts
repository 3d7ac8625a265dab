/**
 * `import`: an image of one layer out of the tar of a root file system. The bytes stay as they came and are the
 * layer's blob, so the image has a real manifest whose digests hold, and can be pushed as it is.
 */
import { createReadStream } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { type ChainId, chainIds, type Digest } from '../oci/digest.ts';
import { hostPlatform, type Platform, parsePlatform } from '../oci/platform.ts';
import { canonicalName, parseReference } from '../oci/reference.ts';
import { layerByChainId } from '../store/layer-row.ts';
import { lockLayer } from '../store/lock.ts';
import type { Store } from '../store/store.ts';
import { removeAbandoned } from '../store/temporary.ts';
import { abortable } from './abortable.ts';
import { applyChanges, type ConfigFields } from './change.ts';
import { publishImage, type StagedLayer, stageLayer } from './layer.ts';
import { layerDescriptor, manifestOf, writeJsonBlob } from './manifest-write.ts';
import { withoutOldCompression } from './old-compression.ts';

export type ImportOptions = {
  /** Dockerfile instructions (change.ts). */
  readonly changes?: readonly string[];
  readonly message?: string;
  /** "linux/arm64/v8"; default this machine's. */
  readonly platform?: string;
  readonly signal?: AbortSignal;
};

/**
 * @param source path of a tar, plain or compressed by gzip, zstd, xz or bzip2, or its bytes
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
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  removeAbandoned(store.layout);
  const what = typeof source === 'string' ? `archive "${source}"` : 'archive';
  const raw = typeof source === 'string' ? fileBytes(source) : source;
  // Twice: whoever gives up must also end a program that waits for bytes which don't come.
  const bytes = withoutOldCompression(abortable(raw, what, options.signal), what);
  using staged = await stageLayer(store, abortable(bytes, what, options.signal), { what, blob: {}, lowest: true });
  const [chainId] = chainIds([staged.diffId]);
  if (chainId === undefined) throw new OnggiError('internal', 'a layer without a chain id');
  using _ = await lockLayer(store.layout, chainId, options.signal);
  using blobs = new DisposableStack();
  const now = new Date();
  const written = blobs.use(
    writeJsonBlob(store.layout, configOf({ config, platform, message: options.message }, staged, now)),
  );
  const manifest = blobs.use(writeJsonBlob(store.layout, manifestOf(written.blob, [layerDescriptor(staged)])));
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

type Imported = { readonly config: ConfigFields; readonly platform: Platform; readonly message: string | undefined };

function configOf({ config, platform, message }: Imported, staged: StagedLayer, now: Date): object {
  const { os, architecture, variant } = platform;
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

/** Large pieces: each one is a turn of the event loop. */
const pieceSize = 1024 * 1024;

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path, { highWaterMark: pieceSize })) yield piece as Buffer;
  } catch (error) {
    throw fromSystemError(error, `read archive "${path}"`);
  }
}
