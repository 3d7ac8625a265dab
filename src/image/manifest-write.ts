/** Config and manifest of an image that is made here (config.md and manifest.md of the OCI image specification). */

import type { Descriptor } from '../oci/image-spec.ts';
import { mediaTypes } from '../oci/image-spec.ts';
import { createBlobWriter, type WrittenBlob } from '../store/blob.ts';
import type { Layout } from '../store/layout.ts';
import type { Compression } from './decompress.ts';
import type { StagedLayer } from './layer.ts';

/** Disposing of it removes the blob unless it was published. */
export type JsonBlob = Disposable & { readonly blob: WrittenBlob };

export function writeJsonBlob(layout: Layout, value: object): JsonBlob {
  const writer = createBlobWriter(layout, {});
  try {
    writer.write(Buffer.from(JSON.stringify(value)));
    return { blob: writer.finish(), [Symbol.dispose]: () => writer[Symbol.dispose]() };
  } catch (error) {
    writer[Symbol.dispose]();
    throw error;
  }
}

export const layerTypes = {
  none: mediaTypes.layer,
  gzip: mediaTypes.layerGzip,
  zstd: mediaTypes.layerZstd,
} as const satisfies Record<Compression, string>;

export function layerDescriptor({ compression, blob }: StagedLayer): Descriptor {
  return { mediaType: layerTypes[compression], digest: blob.digest, size: blob.size };
}

/** @param layers lowest first */
export function manifestOf(config: WrittenBlob, layers: readonly Descriptor[]): object {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config.digest, size: config.size },
    layers,
  };
}
