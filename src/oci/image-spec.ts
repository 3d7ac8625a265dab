/**
 * Types and media types of the OCI image specification 1.1 and of Docker's image manifest version 2, schema 2, which
 * differ in their media types only. Pure; the schemas that check foreign bytes are in `registry/manifest.ts` and
 * `image/config.ts`.
 */
import type { DiffId, Digest } from './digest.ts';
import type { HealthConfig } from './health.ts';
import type { Platform } from './platform.ts';

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
} as const;

/** Nothing in a manifest may be larger than this many bytes (distribution.md asks registries to take at least 4 MiB). */
export const maxManifestSize = 4 * 1024 * 1024;
/** overlayfs takes 500 lower layers (OVL_MAX_STACK in fs/overlayfs/ovl_entry.h); names and options need room too. */
export const maxLayers = 256;

export type Descriptor = {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
};

export type IndexEntry = Descriptor & { readonly platform: Platform | null };

export type ImageIndex = { readonly kind: 'index'; readonly manifests: readonly IndexEntry[] };

export type ImageManifest = {
  readonly kind: 'manifest';
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
};

export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerList;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest;
}

export function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig;
}

const layerTypes: ReadonlySet<string> = new Set([
  mediaTypes.layer,
  mediaTypes.layerGzip,
  mediaTypes.layerZstd,
  mediaTypes.dockerLayer,
  mediaTypes.dockerLayerGzip,
  mediaTypes.dockerLayerZstd,
]);

/** A layer that onggi unpacks; how it is compressed is told by its first bytes. */
export function isLayerType(mediaType: string): boolean {
  return layerTypes.has(mediaType);
}

/** What `docker run` takes from an image; the fields of config.md that reach a container. */
export type ImageProcess = {
  /** "NAME=value" */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  /** "80/tcp" */
  readonly exposedPorts: readonly string[];
  /** Absolute paths in the container. */
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** As written, a name or a number; null when the image names none. */
  readonly stopSignal: string | null;
  /** Absent when it names none. */
  readonly health?: HealthConfig;
};

export type ImageConfig = {
  readonly platform: Platform;
  /** Milliseconds since the epoch, 0 when the image does not say. */
  readonly created: number;
  readonly process: ImageProcess;
  /** Lowest first. */
  readonly diffIds: readonly DiffId[];
};
