/** Compressions of layers, as their media types tell them. Pure. */
import { OnggiError } from '../errors.ts';
import type { Compression } from '../image/decompress.ts';
import { mediaTypes } from '../oci/image-spec.ts';

export type Format = { readonly format: 'gzip' | 'zstd' | 'none'; readonly level?: number };

/** OCI's own type, then Docker's. */
export const layerTypes: Readonly<Record<Compression, readonly string[]>> = {
  none: [mediaTypes.layer, mediaTypes.dockerLayer],
  gzip: [mediaTypes.layerGzip, mediaTypes.dockerLayerGzip],
  zstd: [mediaTypes.layerZstd, mediaTypes.dockerLayerZstd],
};

/** Whether a layer of this type is compressed so already, as far as its type says; null for what is no layer. */
export function hasFormat(mediaType: string, { format }: Format): boolean | null {
  const found = Object.entries(layerTypes).find(([, all]) => all.includes(mediaType))?.[0];
  return found === undefined ? null : found === format;
}

/** Known levels, as zlib and zstd have them. @throws OnggiError `invalid` */
export function checkLevel({ format, level }: Format): void {
  const [least, most] = format === 'gzip' ? [0, 9] : [1, 22];
  if (level === undefined || (Number.isInteger(level) && level >= least && level <= most)) return;
  throw new OnggiError('invalid', `compression level ${level}: ${format} has ${least} to ${most}`);
}
