/**
 * Images out of `docker save` archives that have no OCI manifest (Docker before 25, podman, skopeo). Config and layers
 * are what the archive says they are; the manifest is made here, Docker's schema 2, with digests of the bytes as they lie.
 */
import { createHash } from 'node:crypto';
import { OnggiError } from '../errors.ts';
import { parseImageConfig } from '../image/config.ts';
import { compressionOf } from '../image/decompress.ts';
import { type Digest, isDigest, parseDigest, sha256 } from '../oci/digest.ts';
import { type Descriptor, maxManifestSize, mediaTypes } from '../oci/image-spec.ts';
import { type ArchiveItem, manifestFile, parseManifestFile } from './docker-archive.ts';
import type { Files } from './files.ts';
import type { ImageSource, ManifestBytes } from './types.ts';

/** @throws OnggiError `not-found` when it is no such archive, `corrupt` */
export async function archiveItems(files: Files): Promise<readonly ArchiveItem[]> {
  if (files.size(manifestFile) === undefined) {
    throw new OnggiError('not-found', `${files.what}: no archive of images: it has no ${manifestFile}`);
  }
  return parseManifestFile(await files.read(manifestFile, maxManifestSize), files.what);
}

/** @param files stay the caller's */
export async function dockerArchiveSource(files: Files, item: ArchiveItem, name: string): Promise<ImageSource> {
  const config = await files.read(item.Config, maxManifestSize);
  const what = `config "${item.Config}" of ${files.what}`;
  const { diffIds } = parseImageConfig(config, what).value;
  const paths = item.Layers ?? [];
  if (paths.length !== diffIds.length) {
    throw new OnggiError('corrupt', `${what}: ${diffIds.length} diff ids for ${paths.length} layers`);
  }
  const places = new Map<Digest, string>([[sha256(config), item.Config]]);
  const layers: Descriptor[] = [];
  for (const [index, path] of paths.entries()) {
    const layer = await layerOf(files, path, diffIds[index]);
    places.set(layer.digest, path);
    layers.push(layer);
  }
  const manifest = manifestOf(
    { mediaType: mediaTypes.dockerConfig, digest: sha256(config), size: config.length },
    layers,
  );
  return {
    name,
    async manifest(descriptor) {
      if (descriptor === undefined || descriptor.digest === manifest.digest) return manifest;
      throw new OnggiError('not-found', `${name}: no manifest "${descriptor.digest}"`);
    },
    async *blob({ digest }, signal) {
      const path = places.get(digest);
      if (path === undefined) throw new OnggiError('not-found', `${name}: no blob "${digest}"`);
      yield* files.stream(path, signal);
    },
    referrers: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

/** Uncompressed, its digest is the diff id, which whoever keeps it verifies; else it must be read for it. */
async function layerOf(files: Files, path: string, diffId: Digest | undefined): Promise<Descriptor> {
  const size = files.size(path);
  if (size === undefined || diffId === undefined) {
    throw new OnggiError(
      'corrupt',
      `${files.what}: ${manifestFile} names a layer "${path.slice(0, 300)}" that is not there`,
    );
  }
  const pieces = files.stream(path)[Symbol.asyncIterator]();
  try {
    let next = await pieces.next();
    const compression = next.done ? 'none' : compressionOf(next.value);
    if (compression === 'none') return { mediaType: mediaTypes.dockerLayer, digest: diffId, size };
    const mediaType = compression === 'gzip' ? mediaTypes.dockerLayerGzip : mediaTypes.dockerLayerZstd;
    const named = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/.exec(path);
    const announced = `${named?.[1]}:${named?.[2]}`;
    if (isDigest(announced)) return { mediaType, digest: announced, size };
    const hash = createHash('sha256');
    for (; !next.done; next = await pieces.next()) hash.update(next.value);
    return { mediaType, digest: parseDigest(`sha256:${hash.digest('hex')}`), size };
  } finally {
    await pieces.return?.();
  }
}

function manifestOf(config: Descriptor, layers: readonly Descriptor[]): ManifestBytes {
  const mediaType = mediaTypes.dockerManifest;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  return { bytes, mediaType, digest: sha256(bytes) };
}
