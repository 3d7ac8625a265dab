/** Signatures of an image as its registry has them: nothing of them is believed yet. */
import { OnggiError } from '../../errors.ts';
import { type Digest, sha256 } from '../../oci/digest.ts';
import { fetchBlob } from '../../registry/blob.ts';
import { fetchManifestBytes } from '../../registry/manifest-fetch.ts';
import { listReferrers } from '../../registry/referrers.ts';
import type { Repository } from '../../registry/repository.ts';
import { type Attached, parseAttachment, signatureArtifactType, signatureTag } from '../../signature/attachment.ts';
import { maxPayload } from '../../signature/payload.ts';

export type FetchedSignature = { readonly payload: Buffer; readonly signature: Buffer };

/** Manifests of signatures that are fetched for one image. */
const mostReferrers = 20;

/**
 * Those under the tag of cosign and those that refer to the image, each once.
 * @throws OnggiError `unauthorized`, `denied`, `unavailable`, `corrupt`, `cancelled`
 */
export async function fetchSignatures(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<FetchedSignature[]> {
  const attached = [
    ...(await fromTag(repository, digest, signal)),
    ...(await fromReferrers(repository, digest, signal)),
  ];
  const known = new Map<string, FetchedSignature>();
  for (const { payload, signature } of attached) {
    const key = `${payload.digest} ${sha256(signature)}`;
    if (known.has(key) || payload.size > maxPayload) continue;
    const what = `signature of "${digest}"`;
    known.set(key, { payload: await fetchBlob(repository, { ...payload, what, signal }, maxPayload), signature });
  }
  return [...known.values()];
}

/** What stands under the tag now; empty when there is none. */
export async function fromTag(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly Attached[]> {
  const what = `signatures of "${digest}"`;
  try {
    const { bytes } = await fetchManifestBytes(repository, { reference: signatureTag(digest), what, signal });
    return parseAttachment(bytes, what);
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return [];
    throw error;
  }
}

async function fromReferrers(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly Attached[]> {
  const what = `signatures of "${digest}"`;
  const referrers = await listReferrers(repository, digest, { artifactType: signatureArtifactType, signal });
  const found: Attached[] = [];
  for (const { digest: reference, mediaType, size } of referrers.slice(0, mostReferrers)) {
    const { bytes } = await fetchManifestBytes(repository, { reference, mediaType, size, what, signal });
    found.push(...parseAttachment(bytes, what));
  }
  return found;
}
