/**
 * What refers to a manifest: signatures, attestations, SBOMs ("Listing Referrers" of the distribution specification
 * 1.1). A registry without that list keeps it as an index under a tag made of the digest, which clients maintain.
 */
import * as v from 'valibot';
import { OnggiError } from '../errors.ts';
import { type Digest, digestAlgorithm, digestHex, isDigest, sha256 } from '../oci/digest.ts';
import { type Descriptor, maxManifestSize, mediaTypes } from '../oci/image-spec.ts';
import { nextPage } from './link.ts';
import { fetchManifestBytes } from './manifest-fetch.ts';
import { putManifest } from './manifest-push.ts';
import type { Repository } from './repository.ts';
import { requestSmall } from './request.ts';

export type Referrer = Descriptor & {
  /** "application/vnd.dev.cosign.artifact.sig.v1+json"; null when the manifest names none. */
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>>;
};

/** A manifest with more than so many has an attacker, not signers. */
const referrerLimit = 10_000;

const word = v.pipe(v.string(), v.maxLength(255));
const referrerSchema = v.object({
  mediaType: word,
  digest: v.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest'),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  artifactType: v.nullish(word, null),
  annotations: v.nullish(v.record(v.string(), v.string()), {}),
});
const indexSchema = v.object({ manifests: v.pipe(v.nullish(v.array(referrerSchema), []), v.maxLength(referrerLimit)) });

/** The tag under which a registry without the list has it: "sha256-HEX". */
export function referrersTag(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest)}`;
}

export type ReferrersOptions = {
  /** Only those of this type. */
  readonly artifactType?: string;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Everything that refers to `subject`, by the registry's list or the tag. Nothing that a descriptor says is verified:
 * fetch the manifest by its digest.
 * @throws OnggiError `unauthorized`, `denied`, `unavailable`, `corrupt`, `exhausted`, `cancelled`
 */
export async function listReferrers(
  repository: Repository,
  subject: Digest,
  options: ReferrersOptions = {},
): Promise<Referrer[]> {
  const all = (await fromList(repository, subject, options)) ?? (await fromTag(repository, subject, options)) ?? [];
  // The registry may leave the filter to us.
  const { artifactType } = options;
  return artifactType === undefined ? all : all.filter((each) => each.artifactType === artifactType);
}

function whatOf({ registry, name }: Repository, subject: Digest): string {
  return `referrers of "${registry}/${name}@${subject}"`;
}

/** Undefined: the registry has no such list. */
async function fromList(
  repository: Repository,
  subject: Digest,
  { artifactType, signal }: ReferrersOptions,
): Promise<Referrer[] | undefined> {
  const what = whatOf(repository, subject);
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const found: Referrer[] = [];
  let path: string | URL | null = `referrers/${subject}${query}`;
  while (path !== null) {
    const ask = { path, headers: { accept: mediaTypes.index }, what, signal, accepts: [200, 404, 400, 405] };
    const { status, bytes, whole, headers, url } = await requestSmall(repository, ask, maxManifestSize);
    const type = headers.get('content-type')?.split(';')[0]?.trim();
    // A page about something else, with status 200, is what some servers say to unknown addresses.
    if (status !== 200 || type !== mediaTypes.index) return found.length === 0 ? undefined : found;
    if (!whole) throw new OnggiError('corrupt', `${what}: a page over ${maxManifestSize} bytes`);
    const page = readIndex(bytes, what);
    // Each page must bring something, so the limit ends a list that has no end.
    if (page.length === 0) return found;
    found.push(...page);
    if (found.length > referrerLimit) throw new OnggiError('exhausted', `${what}: over ${referrerLimit}`);
    path = nextPage(headers.get('link'), url, what);
  }
  return found;
}

async function fromTag(
  repository: Repository,
  subject: Digest,
  { signal }: ReferrersOptions,
): Promise<Referrer[] | undefined> {
  const what = whatOf(repository, subject);
  try {
    const reference = referrersTag(subject);
    const { bytes } = await fetchManifestBytes(repository, { reference, mediaType: mediaTypes.index, what, signal });
    return readIndex(bytes, what);
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

function readIndex(bytes: Uint8Array, what: string): Referrer[] {
  try {
    return v.parse(indexSchema, JSON.parse(Buffer.from(bytes).toString())).manifests ?? [];
  } catch (cause) {
    throw new OnggiError('corrupt', `${what}: the answer is not an index`, { cause });
  }
}

export type ReferrerGift = {
  readonly subject: Digest;
  readonly mediaType: string;
  /** A manifest whose field "subject" names `subject`; its blobs are there already. */
  readonly bytes: Uint8Array;
  readonly artifactType: string | null;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Pushes a manifest that refers to another one, and adds it to the index under the tag when the registry keeps no list
 * itself. Two clients that do so at the same moment can lose one of both: the specification offers no lock.
 * @param repository opened with access "push"
 * @throws as `putManifest`
 */
export async function putReferrer(repository: Repository, gift: ReferrerGift): Promise<Digest> {
  const { subject, mediaType, bytes, artifactType, annotations = {}, signal } = gift;
  const what = whatOf(repository, subject);
  const digest = sha256(bytes);
  const given = await putManifest(repository, { reference: digest, mediaType, bytes, what, signal });
  if (given.subject) return given.digest;
  // Some keep the list but do not say so; then the tag is not wanted.
  if ((await fromList(repository, subject, { signal })) !== undefined) return given.digest;
  const known = (await fromTag(repository, subject, { signal })) ?? [];
  if (known.some((each) => each.digest === given.digest)) return given.digest;
  const added: Referrer = { mediaType, digest: given.digest, size: bytes.length, artifactType, annotations };
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...known, added].map(descriptorOf) };
  const document = Buffer.from(JSON.stringify(index));
  const reference = referrersTag(subject);
  await putManifest(repository, { reference, mediaType: mediaTypes.index, bytes: document, what, signal });
  return given.digest;
}

function descriptorOf({ mediaType, digest, size, artifactType, annotations }: Referrer): object {
  const type = artifactType === null ? {} : { artifactType };
  return { mediaType, digest, size, ...type, ...(Object.keys(annotations).length > 0 && { annotations }) };
}
