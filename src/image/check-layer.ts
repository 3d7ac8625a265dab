/**
 * Whether an unpacked layer is what its blob says: the blob is unpacked once more, and both trees are written as archives,
 * which are the same bytes for the same tree (layer-diff.ts).
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { inUserNamespace } from '../kernel/user-namespace.ts';
import { type Digest, digestAlgorithm, hasherFor, parseDigest } from '../oci/digest.ts';
import type { BlobWriter } from '../store/blob.ts';
import type { LayerRow } from '../store/layer-row.ts';
import { blobPath, type Layout, layerPath } from '../store/layout.ts';
import type { Store } from '../store/store.ts';
import type { EntryPath } from './entry-path.ts';
import { type StagedLayer, stageLayer } from './layer.ts';
import { layerArchive } from './layer-diff.ts';
import { mergeWithLower } from './layer-merge.ts';

const pieceSize = 1024 * 1024;

/** A blob's bytes, as they are on disk. @throws OnggiError `not-found` */
export async function* blobBytes(layout: Layout, digest: Digest): AsyncGenerator<Buffer> {
  const tried = `read blob "${digest}"`;
  let fd: number;
  try {
    fd = openSync(blobPath(layout, digest), 'r');
  } catch (error) {
    throw fromSystemError(error, tried);
  }
  try {
    const piece = Buffer.allocUnsafe(pieceSize);
    for (let length = -1; length !== 0; ) {
      length = readSync(fd, piece, 0, pieceSize, null);
      if (length > 0) yield piece.subarray(0, length);
      await new Promise(setImmediate);
    }
  } catch (error) {
    throw fromSystemError(error, tried);
  } finally {
    closeSync(fd);
  }
}

/** Whether the bytes of a blob have its digest; false also when it is not there. @throws other errors of reading */
export async function isBlobWhole(layout: Layout, digest: Digest): Promise<boolean> {
  try {
    const hash = hasherFor(digest);
    for await (const piece of blobBytes(layout, digest)) hash.update(piece);
    return `${digestAlgorithm(digest)}:${hash.digest('hex')}` === digest;
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return false;
    throw error;
  }
}

/** Looks at the digest and keeps nothing: the blob is there already. */
function verifier(layout: Layout, digest: Digest): BlobWriter {
  const hash = hasherFor(digest);
  let size = 0;
  return {
    write(bytes) {
      hash.update(bytes);
      size += bytes.length;
    },
    finish() {
      const found = parseDigest(`${digestAlgorithm(digest)}:${hash.digest('hex')}`);
      if (found !== digest) throw new OnggiError('corrupt', `blob "${digest}": the bytes have digest "${found}"`);
      const path = blobPath(layout, digest);
      return { digest, size, move: { from: path, to: path } };
    },
    [Symbol.dispose]() {},
  };
}

/**
 * A layer unpacked once more out of its own blob, with what it takes over from those below. The caller disposes of it.
 * @param below directories of the layers below, topmost first
 * @throws OnggiError `corrupt` when the blob is not whole, `not-found`, `exhausted`
 */
export async function unpackAgain(store: Store, row: LayerRow, below: readonly string[]): Promise<StagedLayer> {
  const { blob, diffId, chainId } = row;
  if (blob === null) throw new OnggiError('not-found', `layer "${chainId}": its blob is not kept`);
  const staged = await stageLayer(store, blobBytes(store.layout, blob), {
    what: `layer "${chainId}"`,
    blob: { digest: blob },
    writer: verifier(store.layout, blob),
    diffId,
    lowest: row.parent === null,
  });
  mergeWithLower(staged.path, below, staged.unpacked, inUserNamespace() ? 'user' : 'trusted');
  return staged;
}

/** Whether the directory of a layer is the same tree as what was just unpacked of its blob. */
export function isSameTree(store: Store, row: LayerRow, staged: StagedLayer): boolean {
  // Directories that no archive has described have the time of their unpacking.
  const implicit = new Set<EntryPath>(staged.unpacked.implicit);
  const [one, other] = [layerPath(store.layout, row.directory), staged.path].map((path) => treeHash(path, implicit));
  return one === other;
}

function treeHash(path: string, implicit: ReadonlySet<EntryPath>): string {
  using root = openDirectory(path);
  const hash = createHash('sha256');
  const attributes = inUserNamespace() ? 'user' : 'trusted';
  for (const piece of layerArchive(root, 'always', { attributes, timeless: (entry) => implicit.has(entry) }))
    hash.update(piece);
  return hash.digest('hex');
}
