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

/** The bytes of a manifest of any kind, images or not. */
export type ManifestBytes = Omit<Received, 'content'>;

/**
 * @throws OnggiError `not-found`, `unauthorized`, `denied`, `unavailable`; `corrupt` when it is not what its digest,
 *   type or size says; `unsupported` when it is not an image; `cancelled`
 */
export async function fetchManifest(repository: Repository, ask: ManifestAsk): Promise<Received> {
  const received = await fetchManifestBytes(repository, ask);
  return { ...received, content: parseManifest(received.bytes, received.mediaType, ask.what) };
}

/**
 * A manifest of any kind, with its digest verified and nothing read out of it: for copies, signatures and artifacts.
 * @throws as `fetchManifest`, but for its content
 */
export async function fetchManifestBytes(repository: Repository, ask: ManifestAsk): Promise<ManifestBytes> {
  const { reference, what, signal } = ask;
  const headers = { accept: ask.mediaType ?? acceptedManifests };
  const path = `manifests/${reference}`;
  const answer = await requestSmall(repository, { path, headers, what, signal }, maxManifestSize);
  if (!answer.whole) throw new OnggiError('corrupt', `${what}: manifest over ${maxManifestSize} bytes`);
  return verified(answer.bytes, answer.headers, ask);
}

/**
 * What a tag stands for, without its bytes.
 * @returns undefined when there is no such manifest; a null digest when the registry does not say (then fetch it)
 * @throws OnggiError `unauthorized`, `denied`, `unavailable`, `cancelled`
 */
export async function findManifest(
  repository: Repository,
  { reference, what, signal }: Pick<ManifestAsk, 'reference' | 'what' | 'signal'>,
): Promise<{ readonly digest: Digest | null; readonly mediaType: string; readonly size: number | null } | undefined> {
  const headers = { accept: acceptedManifests };
  const path = `manifests/${reference}`;
  const ask = { path, method: 'HEAD', headers, what, signal, accepts: [200, 404] } as const;
  const answer = await requestSmall(repository, ask, 0);
  if (answer.status === 404) return undefined;
  const digest = answer.headers.get('docker-content-digest') ?? '';
  const length = answer.headers.get('content-length') ?? '';
  return {
    digest: isDigest(digest) ? digest : null,
    mediaType: mediaTypeOf(answer.headers),
    size: /^\d{1,15}$/.test(length) ? Number(length) : null,
  };
}

/** Nothing is read out of the bytes before their digest is known to be right. */
function verified(bytes: Buffer, headers: Headers, ask: ManifestAsk): ManifestBytes {
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
  const mediaType = mediaTypeOf(headers);
  if (ask.mediaType !== undefined && mediaType !== ask.mediaType) {
    throw new OnggiError('corrupt', `${what}: sent as "${mediaType}", announced as "${ask.mediaType}"`);
  }
  return { digest, mediaType, bytes };
}

function mediaTypeOf(headers: Headers): string {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function digestOf(bytes: Uint8Array, like: Digest): Digest {
  return parseDigest(`${digestAlgorithm(like)}:${hasherFor(like).update(bytes).digest('hex')}`);
}
