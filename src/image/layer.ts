/**
 * Layers on their way into the store. A layer is unpacked once, named by its chain id; `stageLayer` reads, verifies
 * and unpacks it under ROOT/tmp, `publishImage` gives all layers of an image their names and rows.
 *
 *   bytes as received ──► blob (digest checked)
 *          └─► decompressed ──► diff id checked
 *                     └─► unpacked directory
 *
 * The blob is kept as received, so that an image can be pushed or saved later under its own digests.
 */
import { chmodSync, existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fromSystemError, OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { syncFileSystem } from '../kernel/open-file.ts';
import { inUserNamespace } from '../kernel/user-namespace.ts';
import { type ChainId, type DiffId, type Digest, digestAlgorithm, hasher, parseDigest } from '../oci/digest.ts';
import { randomBelow } from '../random.ts';
import { type BlobExpectation, type BlobWriter, createBlobWriter, hasBlob, type WrittenBlob } from '../store/blob.ts';
import { syncDatabase, transaction } from '../store/database.ts';
import { putImageBlobs } from '../store/image-blob-row.ts';
import { type ImageName, imageById, putImage, putImageName } from '../store/image-row.ts';
import { insertLayer, type LayerRow, layerByChainId } from '../store/layer-row.ts';
import { layerPath } from '../store/layout.ts';
import { lockContent } from '../store/lock.ts';
import { publishSynced } from '../store/publish.ts';
import type { Store } from '../store/store.ts';
import { createTemporary, removeNamed } from '../store/temporary.ts';
import type { Compression } from './decompress.ts';
import { type InflationLimits, inflated, inflationLimits } from './inflation.ts';
import { makeLayerDirectory } from './layer-directory.ts';
import { mergeWithLower } from './layer-merge.ts';
import { createUnpacker, defaultUnpackOptions, type Unpacked } from './unpack.ts';

export type LayerExpectation = {
  /** What errors call it: 'layer "sha256:..."'. */
  readonly what: string;
  readonly blob: BlobExpectation;
  /** What keeps the blob in the place of a new temporary file; the staged layer disposes of it. */
  readonly writer?: BlobWriter;
  /** Absent for an archive that is imported: then its end mark must be there. */
  readonly diffId?: DiffId;
  readonly lowest: boolean;
  /** Of what the bytes become; absent: those of the environment. */
  readonly limits?: InflationLimits;
};

/** A layer that is unpacked and verified, but has no name yet. Disposing of it removes it unless it was published. */
export type StagedLayer = Disposable & {
  readonly diffId: DiffId;
  /** The bytes as received. */
  readonly blob: WrittenBlob;
  readonly compression: Compression;
  /** The unpacked directory. */
  readonly path: string;
  readonly unpacked: Unpacked;
};

/**
 * Reads one layer to its end.
 * @param source bytes as stored in the registry or file, compressed or not
 * @throws OnggiError `corrupt` (digest, diff id, archive), `unsupported`, `exhausted`, what `source` throws
 */
export async function stageLayer(
  store: Store,
  source: AsyncIterable<Uint8Array>,
  expected: LayerExpectation,
): Promise<StagedLayer> {
  using undo = new DisposableStack();
  const temporary = undo.use(createTemporary(store.layout));
  const writer = undo.use(expected.writer ?? createBlobWriter(store.layout, expected.blob));
  const read = await unpackTo(store, temporary.path, kept(source, writer), expected);
  // The digest of the blob first: it says that the bytes are wrong, the diff id that their publisher was.
  const blob = writer.finish();
  // Uncompressed, the blob and the archive are the same bytes, which are hashed once.
  const diffId = read.diffId ?? (blob.digest as DiffId);
  if (expected.diffId !== undefined && diffId !== expected.diffId) {
    const found = `the config says diff id "${expected.diffId}", unpacked it has "${diffId}"`;
    throw new OnggiError('corrupt', `${expected.what}: ${found}`);
  }
  if (expected.diffId === undefined && !read.unpacked.ended) {
    throw new OnggiError('corrupt', `${expected.what}: no tar archive, or cut off: its end mark is missing`);
  }
  const { compression, unpacked } = read;
  const owned = undo.move();
  return { diffId, blob, compression, path: temporary.path, unpacked, [Symbol.dispose]: () => owned.dispose() };
}

type ReadLayer = {
  /** Null when it is the digest of the blob. */
  readonly diffId: DiffId | null;
  readonly compression: Compression;
  readonly unpacked: Unpacked;
};

/** Makes the directory `path` out of the bytes of a layer. */
async function unpackTo(
  store: Store,
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  { what, lowest, limits, blob, diffId }: LayerExpectation,
): Promise<ReadLayer> {
  try {
    makeLayerDirectory(store.database, path);
    // Whatever the umask: users of the container must be able to enter, and not every archive describes its root.
    chmodSync(path, 0o755);
  } catch (error) {
    throw fromSystemError(error, `unpack ${what}`);
  }
  using parent = openDirectory(dirname(path));
  const overlayAttributes = inUserNamespace() ? 'user' : 'trusted';
  const options = {
    ...defaultUnpackOptions,
    overlayAttributes,
    what,
    lowest,
  } as const;
  using unpacker = createUnpacker({ parent, name: basename(path) }, options);
  const algorithm = diffId === undefined ? 'sha256' : digestAlgorithm(diffId);
  const sameAlgorithm = algorithm === (blob.digest === undefined ? 'sha256' : digestAlgorithm(blob.digest));
  const hash = hasher(algorithm);
  let compression: Compression = 'none';
  const tar = inflated(bytes, what, limits ?? inflationLimits(process.env), (found) => {
    compression = found;
  });
  for await (const chunk of tar) {
    if (compression !== 'none' || !sameAlgorithm) hash.update(chunk);
    await unpacker.write(chunk);
  }
  const unpacked = await unpacker.finish();
  const isBlob = compression === 'none' && sameAlgorithm;
  return {
    diffId: isBlob ? null : (parseDigest(`${algorithm}:${hash.digest('hex')}`) as DiffId),
    compression,
    unpacked,
  };
}

/** Passes the bytes on and keeps them. */
async function* kept(
  source: AsyncIterable<Uint8Array>,
  writer: { write(bytes: Uint8Array): void },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    writer.write(chunk);
    yield chunk;
  }
}

export type NewLayer = { readonly chainId: ChainId; readonly parent: ChainId | null; readonly staged: StagedLayer };

export type NewImage = {
  readonly id: Digest;
  readonly manifest: Digest;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** Of all layers, lowest first. */
  readonly chain: readonly ChainId[];
  /** Layers that are not in the store yet, lowest first. */
  readonly layers: readonly NewLayer[];
  /** Config, manifest, and what is held. */
  readonly blobs: readonly WrittenBlob[];
  /** What the image holds beside its layers (store/image-blob-row.ts): among `blobs`, or in the store. */
  readonly held?: readonly Digest[];
  readonly name: Pick<ImageName, 'reference' | 'digest'> | null;
};

/**
 * Makes an image part of the store, whole or not at all: everything is synced, then renamed, then named by rows in one
 * transaction. A crash in between leaves garbage for the collector. Idempotent.
 *
 * @returns the image that the name stood for before, if it was another one
 * @throws OnggiError `conflict` when a layer that was counted on was removed meanwhile: stage it and try again
 */
export async function publishImage(store: Store, image: NewImage, signal?: AbortSignal): Promise<Digest | null> {
  merge(store, image);
  {
    using root = openDirectory(store.layout.root);
    syncFileSystem(root);
  }
  using _ = await lockContent(store.layout, 'shared', signal);
  const rows = image.layers.map((layer) => rowOf(store, layer));
  const moves = rows.map((row, index) => {
    const from = image.layers[index]?.staged.path ?? '';
    return { from, to: layerPath(store.layout, row.directory) };
  });
  const blobs = [...image.layers.map((layer) => layer.staged.blob), ...image.blobs];
  let before: Digest | null;
  try {
    publishSynced([...moves, ...distinct(blobs).map((blob) => blob.move)]);
    before = transaction(store.database, () => {
      for (const row of rows) insertLayer(store.database, row);
      const size = image.chain.reduce((sum, id) => sum + (layerByChainId(store.database, id)?.size ?? 0), 0);
      const known = imageById(store.database, image.id);
      putImage(store.database, { id: image.id, manifest: image.manifest, created: image.created, size }, image.chain);
      holdBlobs(store, image, known?.manifest);
      return image.name === null ? null : putImageName(store.database, { ...image.name, imageId: image.id });
    });
  } catch (error) {
    for (const move of moves) removeNamed(store.layout, move.to);
    throw error;
  }
  syncDatabase(store.database);
  return before;
}

/** @param before the manifest by which the image came earlier: its names may stand for it still */
function holdBlobs({ database, layout }: Store, { id, manifest, held = [] }: NewImage, before?: Digest): void {
  const gone = held.find((digest) => !hasBlob(layout, digest));
  if (gone !== undefined) throw new OnggiError('conflict', `blob "${gone}" was removed meanwhile`);
  const earlier = before === undefined || before === manifest ? [] : [before];
  putImageBlobs(database, id, [...held, ...earlier]);
}

/** Two layers can have the same blob; it has one place. */
function distinct(blobs: readonly WrittenBlob[]): WrittenBlob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

function rowOf(store: Store, { chainId, parent, staged }: NewLayer): LayerRow {
  return {
    chainId,
    diffId: staged.diffId,
    parent,
    directory: freeDirectory(store),
    size: staged.unpacked.size,
    blob: staged.blob.digest,
    created: Date.now(),
  };
}

/** Six characters: all lower directories of an overlay must fit in one page of mount options. */
function freeDirectory(store: Store): string {
  for (;;) {
    const name = randomBelow(2 ** 31).toString(36);
    if (!existsSync(layerPath(store.layout, name))) return name;
  }
}

/** Layers below come from the store or from this very image. */
function merge(store: Store, image: NewImage): void {
  const staged = new Map(image.layers.map((layer) => [layer.chainId, layer.staged]));
  const below: string[] = [];
  for (const chainId of image.chain) {
    const layer = staged.get(chainId);
    if (layer !== undefined) {
      mergeWithLower(layer.path, below, layer.unpacked, inUserNamespace() ? 'user' : 'trusted');
      below.unshift(layer.path);
      continue;
    }
    const row = layerByChainId(store.database, chainId);
    if (row === undefined) throw new OnggiError('conflict', `layer "${chainId}" was removed meanwhile`);
    below.unshift(join(store.layout.layers, row.directory));
  }
}
