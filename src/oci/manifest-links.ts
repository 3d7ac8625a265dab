/**
 * What any manifest or index names, images and artifacts alike: for whoever keeps or copies manifests without running
 * them. manifest.md and image-index.md of the OCI image specification 1.1; Docker's manifest version 2, schema 2. Pure.
 */
import { OnggiError } from '../errors.ts';
import { type Digest, parseDigest } from './digest.ts';
import { type Descriptor, isIndexType, isManifestType, maxManifestSize } from './image-spec.ts';
import { type Check, integer, list, object, passedOver, record, text } from './schema.ts';

export type ManifestLinks = {
  readonly kind: 'manifest' | 'index';
  /** Config and layers that a registry keeps, in their order; none for an index. */
  readonly blobs: readonly Descriptor[];
  /** Of an index. */
  readonly manifests: readonly Descriptor[];
  /** The manifest that this one says something about. */
  readonly subject: Digest | null;
  /** What kind of artifact it is: its own word, else the type of its config. Null for an index without one. */
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>> | null;
};

/** Entries of one index or layers of one manifest; 4 MiB would hold some 30,000. */
const maxEntries = 10_000;

/** Layers that registries don't keep: manifest.md "non-distributable", and Docker's word for the same. */
const foreign = /^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.|docker\.image\.rootfs\.foreign\.)/;

const digest: Check<Digest> = (value, path) => parseDigest(text(200)(value, path));
const descriptor: Check<Descriptor> = object<Descriptor>(
  { mediaType: text(255), digest, size: integer(0, Number.MAX_SAFE_INTEGER) },
  {},
);
const annotations = record(text(4096), text(maxManifestSize), maxEntries);

type Document = {
  readonly schemaVersion: number;
  readonly mediaType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

const common = {
  mediaType: text(255),
  subject: descriptor,
  artifactType: text(255),
  annotations,
} as const;

const manifestDocument = object<Document>(
  { schemaVersion: integer(2, 2) },
  { ...common, config: descriptor, layers: list(descriptor, maxEntries), manifests: passedOver },
);
const indexDocument = object<Document>(
  { schemaVersion: integer(2, 2) },
  { ...common, manifests: list(descriptor, maxEntries), config: passedOver, layers: passedOver },
);

/**
 * @param mediaType as it was sent; what the document says of itself must agree, so that no two readers see two things
 *   in the same bytes (CVE-2021-41190)
 * @throws OnggiError `invalid` when it is not what its type says, `unsupported` for another type
 */
export function manifestLinks(bytes: Uint8Array, mediaType: string): ManifestLinks {
  const kind = isIndexType(mediaType) ? 'index' : isManifestType(mediaType) ? 'manifest' : undefined;
  if (kind === undefined) {
    const old = mediaType.startsWith('application/vnd.docker.distribution.manifest.v1');
    throw new OnggiError('unsupported', `manifest of type "${mediaType.slice(0, 100)}" is not supported`, {
      hint: old ? 'Push the image with a client of this decade: schema 1 is not kept.' : 'Push an image or an index.',
    });
  }
  const value = parseJson(bytes, kind);
  refuseOther(value, kind);
  const document = (kind === 'index' ? indexDocument : manifestDocument)(value, '');
  if (document.mediaType !== undefined && document.mediaType !== mediaType) {
    throw invalid(`${kind} sent as "${mediaType}" says that it is "${document.mediaType}"`);
  }
  const subject = document.subject?.digest ?? null;
  const shared = { subject, annotations: document.annotations ?? null };
  if (kind === 'index') {
    if (document.manifests === undefined) throw invalid('index without "manifests"');
    const { manifests } = document;
    return { ...shared, kind, blobs: [], manifests, artifactType: document.artifactType || null };
  }
  const { config, layers } = document;
  if (config === undefined || layers === undefined) throw invalid('manifest without "config" or "layers"');
  const kept = layers.filter((layer) => !foreign.test(layer.mediaType));
  const artifactType = document.artifactType || config.mediaType;
  return { ...shared, kind, blobs: [config, ...kept], manifests: [], artifactType };
}

function parseJson(bytes: Uint8Array, kind: string): unknown {
  if (bytes.length > maxManifestSize) throw invalid(`${kind} over ${maxManifestSize} bytes`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new OnggiError('invalid', `${kind} is not JSON`, { cause });
  }
}

const others = { index: ['config', 'layers', 'fsLayers'], manifest: ['manifests', 'fsLayers'] } as const;

function refuseOther(value: unknown, kind: 'manifest' | 'index'): void {
  if (typeof value !== 'object' || value === null) return;
  const found = others[kind].find((field) => Object.hasOwn(value, field));
  if (found !== undefined) throw invalid(`${kind} with a field "${found}"`);
}

function invalid(message: string): OnggiError {
  return new OnggiError('invalid', message);
}
