/**
 * Manifests and indexes as a registry sends them, checked at the border (image-spec, manifest.md and image-index.md).
 * One strict reading: what a document is, its media type says, and one that could be read as both kinds is refused
 * (CVE-2021-41190). Fields that onggi does not use are not looked at. Pure.
 */
import * as v from 'valibot';
import { OnggiError, unsupported } from '../errors.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import {
  type ImageIndex,
  type ImageManifest,
  isConfigType,
  isIndexType,
  isLayerType,
  isManifestType,
  maxLayers,
  maxManifestSize,
  mediaTypes,
} from '../oci/image-spec.ts';

/** Entries of an index; the widest known have some dozens of platforms, each with an attestation. */
export const maxIndexEntries = 1000;

/** What is asked for, in the order of preference. */
export const acceptedManifests = [
  mediaTypes.index,
  mediaTypes.dockerList,
  mediaTypes.manifest,
  mediaTypes.dockerManifest,
].join(', ');

const digest = v.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest');
const word = v.pipe(v.string(), v.maxLength(255));
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const descriptor = v.object({ mediaType: word, digest, size });

const platform = v.object({ os: word, architecture: word, variant: v.nullish(word, null) });
const indexEntry = v.object({ ...descriptor.entries, platform: v.nullish(platform, null) });

const header = {
  schemaVersion: v.literal(2),
  mediaType: v.optional(word),
};

const manifestSchema = v.object({
  ...header,
  config: descriptor,
  layers: v.pipe(v.array(descriptor), v.maxLength(maxLayers)),
});

const indexSchema = v.object({ ...header, manifests: v.pipe(v.array(indexEntry), v.maxLength(maxIndexEntries)) });

/** Fields that belong to the other kind, or to schema 1. */
const foreignFields = {
  manifest: ['manifests', 'fsLayers', 'history'],
  index: ['config', 'layers', 'fsLayers', 'history'],
} as const;

/**
 * @param mediaType of the Content-Type header or the descriptor
 * @param what errors call it so: 'image "docker.io/library/alpine:latest"'
 * @throws OnggiError `corrupt`; `unsupported` for what is known but not an image that can be run
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, what: string): ImageIndex | ImageManifest {
  const kind = kindOf(mediaType, what);
  if (bytes.length > maxManifestSize) throw new OnggiError('corrupt', `${what}: ${kind} over ${maxManifestSize} bytes`);
  const document = parseDocument(bytes, `${what}: ${kind}`);
  const foreign = foreignFields[kind].find((field) => Object.hasOwn(document, field));
  if (foreign !== undefined) throw new OnggiError('corrupt', `${what}: ${kind} with a field "${foreign}"`);
  return kind === 'index' ? readIndex(document, mediaType, what) : readManifest(document, mediaType, what);
}

function readIndex(document: object, mediaType: string, what: string): ImageIndex {
  const { manifests, mediaType: own } = check(indexSchema, document, `${what}: index`);
  sameType(own, mediaType, what);
  return { kind: 'index', manifests };
}

function readManifest(document: object, mediaType: string, what: string): ImageManifest {
  const { config, layers, mediaType: own } = check(manifestSchema, document, `${what}: manifest`);
  sameType(own, mediaType, what);
  if (!isConfigType(config.mediaType)) {
    throw unsupported(`${what}: config of type "${config.mediaType}"`, 'It is an artifact, not an image.');
  }
  if (config.size > maxManifestSize) {
    throw new OnggiError('corrupt', `${what}: config of ${config.size} bytes, over ${maxManifestSize}`);
  }
  const strange = layers.find((layer) => !isLayerType(layer.mediaType));
  if (strange !== undefined) throw unsupported(`${what}: layer of type "${strange.mediaType}"`);
  return { kind: 'manifest', config, layers };
}

function kindOf(mediaType: string, what: string): 'manifest' | 'index' {
  if (isIndexType(mediaType)) return 'index';
  if (isManifestType(mediaType)) return 'manifest';
  if (mediaType.startsWith('application/vnd.docker.distribution.manifest.v1')) {
    const hint = 'It was pushed by a Docker older than 1.10: push it again with a newer one.';
    throw unsupported(`${what}: a manifest of version 2, schema 1 ("${mediaType.slice(0, 100)}")`, hint);
  }
  throw unsupported(`${what}: manifest of type "${mediaType.slice(0, 100)}"`);
}

function sameType(own: string | undefined, mediaType: string, what: string): void {
  if (own === undefined || own === mediaType) return;
  throw new OnggiError('corrupt', `${what}: sent as "${mediaType}", but says it is "${own}"`);
}

function parseDocument(bytes: Uint8Array, what: string): object {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new OnggiError('corrupt', `${what} is not JSON`, { cause });
  }
  if (typeof document === 'object' && document !== null) return document;
  throw new OnggiError('corrupt', `${what} is not a JSON object`);
}

function check<const S extends v.GenericSchema>(schema: S, document: object, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, document, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new OnggiError('corrupt', `${what}: field "${v.getDotPath(issue) ?? ''}": ${issue.message.slice(0, 200)}`);
}
