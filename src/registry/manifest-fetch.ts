/** Manifests from a registry: their bytes as received, which their digest names, and what they say. */
import { OnggiError } from '../errors.ts';
import { type Digest, digestAlgorithm, hasherFor, isDigest, parseDigest, sha256 } from '../oci/digest.ts';
import { type ImageIndex, type ImageManifest, maxManifestSize } from '../oci/image-spec.ts';
import { acceptedManifests, parseManifest } from './manifest.ts';
import type { Repository } from './repository.ts';
import { requestSmall } from './request.ts';

export type Received<Content = ImageIndex | ImageManifest> = {
  /** Of the bytes. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly content: Content;
};

export type ManifestAsk = {
  /** A tag, or a digest that the bytes must have. */
  readonly reference: string | Digest;
  /** Absent: any kind of manifest. */
  readonly mediaType?: string;
  /** Bytes; absent: up to the limit. */
  readonly size?: number;
  /** 'image "docker.io/library/alpine:latest"' */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
};

/**
 * @throws OnggiError `not-found`, `unauthorized`, `denied`, `unavailable`; `corrupt` when it is not what its digest,
 *   type or size says; `unsupported` when it is not an image; `cancelled`
 */
export async function fetchManifest(repository: Repository, ask: ManifestAsk): Promise<Received> {
  const { reference, what, signal } = ask;
  const headers = { accept: ask.mediaType ?? acceptedManifests };
  const path = `manifests/${reference}`;
  const answer = await requestSmall(repository, { path, headers, what, signal }, maxManifestSize);
  if (!answer.whole) throw new OnggiError('corrupt', `${what}: manifest over ${maxManifestSize} bytes`);
  return received(answer.bytes, answer.headers, ask);
}

/** Nothing is read out of the bytes before their digest is known to be right. */
function received(bytes: Buffer, headers: Headers, ask: ManifestAsk): Received {
  const { reference, what } = ask;
  if (ask.size !== undefined && bytes.length !== ask.size) {
    throw new OnggiError('corrupt', `${what}: manifest of ${bytes.length} bytes, ${ask.size} were announced`);
  }
  const announced = headers.get('docker-content-digest');
  // For a tag the registry's own word is all there is; a wrong one means that the bytes were changed on their way.
  const expected = isDigest(reference) ? reference : announced === null ? null : parseDigest(announced);
  const digest = expected === null ? sha256(bytes) : digestOf(bytes, expected);
  if (expected !== null && digest !== expected) {
    throw new OnggiError('corrupt', `${what}: manifest "${expected}": the bytes that came have digest "${digest}"`);
  }
  const mediaType = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (ask.mediaType !== undefined && mediaType !== ask.mediaType) {
    throw new OnggiError('corrupt', `${what}: sent as "${mediaType}", announced as "${ask.mediaType}"`);
  }
  return { digest, mediaType, bytes, content: parseManifest(bytes, mediaType, what) };
}

function digestOf(bytes: Uint8Array, like: Digest): Digest {
  return parseDigest(`${digestAlgorithm(like)}:${hasherFor(like).update(bytes).digest('hex')}`);
}
