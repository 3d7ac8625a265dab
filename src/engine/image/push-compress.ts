/**
 * Layers that were made here lie in the store as plain archives (commit, import). Before they leave it for the first time
 * they are compressed, and the compressed form takes the place of the plain one: the next push, save or copy has it.
 */
import { gzipped } from '../../image/parallel-gzip.ts';
import { type Descriptor, mediaTypes } from '../../oci/image-spec.ts';
import { parseManifest } from '../../registry/manifest.ts';
import { createBlobWriter, publishBlob, type WrittenBlob } from '../../store/blob.ts';
import { syncDatabase, transaction } from '../../store/database.ts';
import { type ImageRow, putImageManifest } from '../../store/image-row.ts';
import { layersOfImage, putLayerBlob } from '../../store/layer-row.ts';
import { blobPath } from '../../store/layout.ts';
import { lockContent } from '../../store/lock.ts';
import type { Store } from '../../store/store.ts';
import { changedManifest } from '../../transport/convert.ts';
import { openRegular, readRange } from '../../transport/files.ts';
import type { ManifestBytes } from '../../transport/types.ts';

const plainTypes: Readonly<Record<string, string>> = {
  [mediaTypes.layer]: mediaTypes.layerGzip,
  [mediaTypes.dockerLayer]: mediaTypes.dockerLayerGzip,
};

/**
 * The manifest with every layer compressed; the same one when none was plain.
 * @throws OnggiError `exhausted`, `corrupt` (a blob is gone), `cancelled`
 */
export async function compressLayers(
  store: Store,
  image: ImageRow,
  manifest: ManifestBytes,
  signal: AbortSignal,
): Promise<ManifestBytes> {
  const content = parseManifest(manifest.bytes, manifest.mediaType, `manifest of image "${image.id}"`);
  const layers = content.kind === 'manifest' ? content.layers : [];
  const plain = layers.filter(({ mediaType }) => plainTypes[mediaType] !== undefined);
  if (plain.length === 0) return manifest;
  using undo = new DisposableStack();
  const made = new Map<Descriptor['digest'], WrittenBlob>();
  const replaced = new Map<Descriptor['digest'], Descriptor>();
  for (const layer of plain) {
    if (made.has(layer.digest)) continue;
    const blob = await compressed(store, layer, undo, signal);
    made.set(layer.digest, blob);
    replaced.set(layer.digest, { mediaType: plainTypes[layer.mediaType] ?? '', digest: blob.digest, size: blob.size });
  }
  const next = changedManifest(manifest, { family: undefined, replaced });
  const writer = undo.use(createBlobWriter(store.layout, { digest: next.digest, size: next.bytes.length }));
  writer.write(next.bytes);
  const written = writer.finish();
  using _ = await lockContent(store.layout, 'shared', signal);
  for (const blob of [...made.values(), written]) publishBlob(blob);
  transaction(store.database, () => {
    for (const layer of layersOfImage(store.database, image.id)) {
      const blob = layer.blob === null ? undefined : made.get(layer.blob);
      // The plain one has no name any more, unless another image's manifest counts on it: the collector takes it.
      if (blob !== undefined) putLayerBlob(store.database, layer.chainId, blob.digest);
    }
    putImageManifest(store.database, image.id, next.digest);
  });
  syncDatabase(store.database);
  return next;
}

async function compressed(
  store: Store,
  { digest, size }: Descriptor,
  undo: DisposableStack,
  signal: AbortSignal,
): Promise<WrittenBlob> {
  const what = `layer "${digest}"`;
  const writer = undo.use(createBlobWriter(store.layout, {}));
  using file = openRegular(blobPath(store.layout, digest), what);
  for await (const piece of gzipped(readRange(file.fd, 0, size, what, signal))) writer.write(piece);
  return writer.finish();
}
