/** Giving a repository manifests and taking them away ("Pushing Manifests", "Deleting Manifests"). */
import { OnggiError } from '../errors.ts';
import { type Digest, digestAlgorithm, hasherFor, isDigest, sha256 } from '../oci/digest.ts';
import type { Repository } from './repository.ts';
import { requestSmall } from './request.ts';

export type ManifestGift = {
  /** A tag, or the digest of the bytes. */
  readonly reference: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** What errors call it. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
};

export type GivenManifest = {
  readonly digest: Digest;
  /** The registry has added it to the referrers of its subject (header OCI-Subject). */
  readonly subject: boolean;
};

const answerLimit = 64 * 1024;

/**
 * Everything that the manifest names must be there. Idempotent; a tag moves.
 * @throws OnggiError `invalid` when the registry finds something wrong with it, `denied`, `unauthorized`, `unavailable`;
 *   `corrupt` when the registry has stored other bytes than were sent; `cancelled`
 */
export async function putManifest(repository: Repository, gift: ManifestGift): Promise<GivenManifest> {
  const { reference, mediaType, bytes, what, signal } = gift;
  const digest = isDigest(reference) ? reference : sha256(bytes);
  const actual = `${digestAlgorithm(digest)}:${hasherFor(digest).update(bytes).digest('hex')}`;
  if (actual !== digest) throw new OnggiError('invalid', `${what}: its bytes have digest "${actual}", not "${digest}"`);
  const path = `manifests/${reference}`;
  const headers = { 'content-type': mediaType };
  const ask = { path, method: 'PUT', headers, body: () => bytes, accepts: [200, 201, 202], what, signal } as const;
  const answer = await requestSmall(repository, ask, answerLimit);
  const stored = answer.headers.get('docker-content-digest');
  if (stored !== null && stored !== digest && stored.startsWith(`${digestAlgorithm(digest)}:`)) {
    throw new OnggiError('corrupt', `${what}: sent as "${digest}", stored as "${stored.slice(0, 160)}"`);
  }
  return { digest, subject: answer.headers.get('oci-subject') !== null };
}

/**
 * Removes a manifest by its digest, with all tags that stand for it, or a tag alone where the registry can do that.
 * @param repository opened with access "delete"
 * @returns false when it was not there
 * @throws OnggiError `unsupported` when the registry deletes nothing, `denied`, `unauthorized`, `unavailable`
 */
export async function deleteManifest(
  repository: Repository,
  reference: Digest | string,
  signal?: AbortSignal,
): Promise<boolean> {
  const what = `delete manifest "${reference}" of "${repository.registry}/${repository.name}"`;
  const ask = { path: `manifests/${reference}`, method: 'DELETE', headers: {}, what, signal } as const;
  const { status } = await requestSmall(repository, { ...ask, accepts: [200, 202, 204, 404] }, answerLimit);
  return status !== 404;
}
