/** Images made for tests of registries: layers, config, manifest and index as bytes, and ways to serve them. */
import { gzipSync } from 'node:zlib';
import { type TestEntry, tarOf } from '../../src/image/testing.ts';
import { type Digest, sha256 } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import type { Answer } from '../../src/registry/testing.ts';
import type { Registry } from './registry.ts';

export type TestDescriptor = { readonly mediaType: string; readonly digest: Digest; readonly size: number };

export type TestManifest = {
  readonly mediaType: string;
  readonly document: object;
  readonly bytes: Buffer;
  readonly digest: Digest;
};

export type TestImage = {
  readonly config: TestDescriptor;
  readonly layers: readonly TestDescriptor[];
  readonly manifest: TestManifest;
  readonly blobs: ReadonlyMap<Digest, Buffer>;
};

export type ImageChange = {
  readonly architecture?: string;
  readonly config?: object;
  /** In place of the right ones. */
  readonly diffIds?: readonly string[];
  /** Compresses a layer; gzip when absent. */
  readonly compress?: (tar: Buffer, index: number) => { readonly mediaType: string; readonly bytes: Buffer };
};

const gzip = (tar: Buffer) => ({ mediaType: mediaTypes.layerGzip, bytes: gzipSync(tar, { level: 1 }) });

/** @param tars lowest first */
export function imageOf(tars: readonly Buffer[], change: ImageChange = {}): TestImage {
  const blobs = new Map<Digest, Buffer>();
  const add = (mediaType: string, bytes: Buffer): TestDescriptor => {
    blobs.set(sha256(bytes), bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const layers = tars.map((tar, index) => {
    const { mediaType, bytes } = (change.compress ?? gzip)(tar, index);
    return add(mediaType, bytes);
  });
  const configDocument = {
    architecture: change.architecture ?? 'amd64',
    os: 'linux',
    config: change.config ?? { Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: change.diffIds ?? tars.map((tar) => sha256(tar)) },
  };
  const config = add(mediaTypes.config, Buffer.from(JSON.stringify(configDocument)));
  const manifest = manifestOf(mediaTypes.manifest, { config, layers });
  return { config, layers, manifest, blobs };
}

/** One file in each layer: "file-0" with the content "0" and so on. */
export function smallImage(layers: number, change: ImageChange = {}, salt = ''): TestImage {
  const file = (index: number): TestEntry => ({ name: `file-${index}`, content: `${index}${salt}` });
  return imageOf(
    Array.from({ length: layers }, (_, index) => tarOf(file(index))),
    change,
  );
}

export function manifestOf(mediaType: string, fields: object): TestManifest {
  const document = { schemaVersion: 2, mediaType, ...fields };
  const bytes = Buffer.from(JSON.stringify(document));
  return { mediaType, document, bytes, digest: sha256(bytes) };
}

/** An index of images by architecture. */
export function indexOf(images: Readonly<Record<string, TestImage>>): TestManifest {
  const manifests = Object.entries(images).map(([architecture, { manifest }]) => ({
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    platform: { os: 'linux', architecture },
  }));
  return manifestOf(mediaTypes.index, { manifests });
}

/** Uploads an image under a tag, or without one. */
export async function pushImage(
  registry: Registry,
  repository: string,
  { manifest, blobs }: TestImage,
  tag?: string,
): Promise<void> {
  for (const bytes of blobs.values()) await registry.putBlob(repository, bytes);
  await registry.putManifest(repository, tag ?? manifest.digest, manifest.mediaType, manifest.document);
}

/**
 * Answers for a repository "app" as an honest registry does, but where `lie` answers itself and returns true.
 * The tag "latest" stands for the first manifest.
 */
export function servesImages(
  images: readonly TestImage[],
  manifests: readonly TestManifest[] = images.map(({ manifest }) => manifest),
  lie: (...args: Parameters<Answer>) => boolean = () => false,
): Answer {
  const all = [...manifests, ...images.map(({ manifest }) => manifest)];
  const blobs = new Map(images.flatMap((image) => [...image.blobs]));
  return (request, response) => {
    if (lie(request, response)) return;
    const [, kind, reference] = /^\/v2\/app\/(manifests|blobs)\/(.*)$/.exec(request.path) ?? [];
    const manifest = reference === 'latest' ? all[0] : all.find(({ digest }) => digest === reference);
    const blob = blobs.get(reference as Digest);
    if (kind === 'manifests' && manifest !== undefined) {
      response.writeHead(200, { 'content-type': manifest.mediaType }).end(manifest.bytes);
    } else if (kind === 'blobs' && blob !== undefined) response.end(blob);
    else response.writeHead(404).end('{}');
  };
}
