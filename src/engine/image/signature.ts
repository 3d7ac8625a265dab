/** Signing images in their registries, and looking at their signatures. */
import { OnggiError } from '../../errors.ts';
import { type Digest, sha256 } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/image-spec.ts';
import { canonicalName, parseReference, type Reference } from '../../oci/reference.ts';
import { fetchManifestBytes } from '../../registry/manifest-fetch.ts';
import { putManifest } from '../../registry/manifest-push.ts';
import { putReferrer } from '../../registry/referrers.ts';
import type { Repository } from '../../registry/repository.ts';
import { uploadBlob } from '../../registry/upload.ts';
import {
  type Attached,
  formatAttachment,
  signatureArtifactType,
  signatureLayerType,
  signatureTag,
} from '../../signature/attachment.ts';
import { readPrivateKey, readPublicKey, sign, verify } from '../../signature/key.ts';
import { formatPayload } from '../../signature/payload.ts';
import type { Identity } from '../../signature/policy.ts';
import type { ManifestBytes } from '../../transport/types.ts';
import type { Context } from '../context.ts';
import { type RegistryOptions, repositoryOf } from '../registry/registry-access.ts';
import { fetchSignatures, fromTag } from '../signature/fetch.ts';
import { readKey, whyNot } from '../signature/policy.ts';

type Access = RegistryOptions & { readonly signal?: AbortSignal };

export type SignOptions = Access & {
  /** Path of a private key: PEM, or cosign's encrypted form. */
  readonly key: string;
  readonly passphrase?: string;
  /** The name that is signed; default the reference itself, with its tag. */
  readonly identity?: string;
};

export type VerifyOptions = Access & {
  /** Path of a public key. */
  readonly key: string;
  /** The name that must have been signed; default any of the same repository. */
  readonly identity?: string;
};

export type VerifiedSignature = {
  readonly digest: Digest;
  /** What was signed, as JSON. */
  readonly payload: Readonly<Record<string, unknown>>;
};

/**
 * Signs what the reference stands for in its registry now: an index as a whole, or a manifest.
 * @returns its digest
 * @throws OnggiError `invalid` or `denied` (key, passphrase), `not-found`, `unauthorized`, `unavailable`
 */
export async function signImage(context: Context, ref: string, options: SignOptions): Promise<Digest> {
  const reference = parseReference(ref);
  return await signer(context, reference, options).then((signOne) => signOne(wordOf(reference)));
}

/** Manifests of one repository, all by the same name: those of an index, and the index. @throws as `signImage` */
export async function signManifests(
  context: Context,
  reference: Reference,
  digests: readonly Digest[],
  options: SignOptions,
): Promise<void> {
  const signOne = await signer(context, reference, options);
  for (const digest of digests) await signOne(digest);
}

/** With the key, which may take a while to decrypt. @returns signs what a tag or digest stands for, and gives its digest */
async function signer(
  context: Context,
  reference: Reference,
  options: SignOptions,
): Promise<(word: string) => Promise<Digest>> {
  const name = options.identity === undefined ? reference : parseReference(options.identity);
  const identity = canonicalName(name);
  const key = readPrivateKey(readKey(options.key), options.key, options.passphrase ?? null);
  const repository = await open(reference, 'push', options);
  const { signal } = options;
  const what = `image "${canonicalName(reference)}"`;
  return async (word) => {
    const subject = await fetchManifestBytes(repository, { reference: word, what, signal });
    const payload = formatPayload({ digest: subject.digest, identity }, Date.now());
    const digest = await upload(repository, payload, signal);
    const mine: Attached = {
      payload: { mediaType: signatureLayerType, digest, size: payload.length },
      signature: sign(key, payload),
    };
    await attach(context, repository, subject, mine, { what, signal });
    return subject.digest;
  };
}

/** Under the tag where cosign looks, beside those that are there, and as a referrer. */
async function attach(
  context: Context,
  repository: Repository,
  subject: ManifestBytes,
  mine: Attached,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const all = [...(await fromTag(repository, subject.digest, signal)), mine];
  const tagged = formatAttachment(all, null);
  await upload(repository, tagged.config, signal);
  const tag = signatureTag(subject.digest);
  const gift = {
    reference: tag,
    mediaType: mediaTypes.manifest,
    bytes: tagged.manifest,
    what: `signature of ${what}`,
    signal,
  };
  await putManifest(repository, gift);
  try {
    const { mediaType, bytes } = subject;
    const referring = formatAttachment([mine], { mediaType, digest: subject.digest, size: bytes.length });
    await upload(repository, referring.config, signal);
    const common = { subject: subject.digest, mediaType: mediaTypes.manifest, artifactType: signatureArtifactType };
    await putReferrer(repository, { ...common, bytes: referring.manifest, signal });
  } catch (error) {
    // Registries from before 1.1 of the specification may refuse a config of this type; the tag is there.
    if (!(error instanceof OnggiError) || !['invalid', 'unsupported'].includes(error.code)) throw error;
    context.warn(`the registry takes no referrers, the signature is under the tag "${tag}" only`);
  }
}

/**
 * The signatures of an image that this key has made.
 * @throws OnggiError `denied` when there is none
 */
export async function verifyImage(ref: string, options: VerifyOptions): Promise<VerifiedSignature[]> {
  const reference = parseReference(ref);
  const key = readPublicKey(readKey(options.key), options.key);
  const repository = await open(reference, 'pull', options);
  const what = `image "${canonicalName(reference)}"`;
  const { digest } = await fetchManifestBytes(repository, {
    reference: wordOf(reference),
    what,
    signal: options.signal,
  });
  const signatures = await fetchSignatures(repository, digest, options.signal);
  const identity: Identity =
    options.identity === undefined
      ? { type: 'matchRepository' }
      : { type: 'exactReference', dockerReference: canonicalName(parseReference(options.identity)) };
  const reasons = signatures.map(({ payload, signature }) => {
    if (!verify(key, payload, signature)) return 'made with another key, or damaged';
    return whyNot(payload, 'sigstore', identity, { reference, digests: [digest] });
  });
  const good = signatures.filter((_, index) => reasons[index] === undefined);
  if (good.length > 0) return good.map(({ payload }) => ({ digest, payload: JSON.parse(payload.toString()) }));
  const found = signatures.length === 0 ? 'it has no signature' : [...new Set(reasons)].join('; ');
  throw new OnggiError('denied', `${what}: no signature of key "${options.key}": ${found}`);
}

function open(reference: Reference, access: 'pull' | 'push', options: Access): Promise<Repository> {
  return repositoryOf(reference, access, options);
}

function wordOf({ digest, tag }: Reference): string {
  return digest ?? tag ?? 'latest';
}

async function upload(repository: Repository, bytes: Buffer, signal: AbortSignal | undefined): Promise<Digest> {
  const digest = sha256(bytes);
  const open = async function* (offset: number): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(offset);
  };
  await uploadBlob(repository, { digest, size: bytes.length, open, ...(signal !== undefined && { signal }) });
  return digest;
}
