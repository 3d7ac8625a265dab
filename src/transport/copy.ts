/**
 * The one copy: an image, or all that an index names, from a source to a destination. Blobs go side by side; what the
 * destination has is left out. Digests change only where something was asked for that changes them.
 */
import { OnggiError } from '../errors.ts';
import { limited } from '../image/limited.ts';
import type { LayerEvent } from '../image/stage-layers.ts';
import type { Digest } from '../oci/digest.ts';
import { type Descriptor, isIndexType, isManifestType, maxManifestSize } from '../oci/image-spec.ts';
import { type ManifestLinks, manifestLinks } from '../oci/manifest-links.ts';
import type { Platform } from '../oci/platform.ts';
import { changedManifest, type Family, neededFamily } from './convert.ts';
import { type Format, hasFormat } from './format.ts';
import type { MadeBlob } from './recompress.ts';
import {
  type ImageDestination,
  type ImageSource,
  type ManifestBytes,
  type ManifestRole,
  maxDepth,
  maxManifests,
} from './types.ts';

/** Of a blob on its way; `config` where that is the configuration of an image and no layer. */
export type CopyEvent = LayerEvent & { readonly config?: true };

export type CopyOptions = {
  /** Of an index: the image for `platform`, all of them, or the index alone (its images must be there). */
  readonly instances: 'system' | 'all' | 'index-only';
  /** Called before anything is copied; throws when it must not be. @param digests of the manifest, and of its index */
  readonly approve?: (digests: readonly Digest[]) => Promise<void>;
  readonly platform: Platform;
  /** Compresses the layers that are not so already. */
  readonly format?: Format | undefined;
  /** Only layers that are not compressed at all. */
  readonly plainOnly?: boolean;
  /** Changes the types of the manifests. */
  readonly family?: Family | undefined;
  /** Of all images those that the source has: an index that came for one platform. */
  readonly partial?: boolean;
  /** Fails rather than change a digest. */
  readonly preserveDigests?: boolean;
  /** Also what says something about the image, where both ends keep such (signatures, attestations). */
  readonly referrers?: boolean;
  /** For layers on their way; on a disk with room for the largest of them. */
  readonly temporary: string;
  readonly onEvent?: (event: CopyEvent) => void;
  readonly signal?: AbortSignal | undefined;
};

export type Copied = {
  /** Of what the source's name stands for. */
  readonly source: Digest;
  /** Of what the destination's name stands for now. */
  readonly digest: Digest;
  /** Of all manifests of the image that came, as they are there: those of an index before it. */
  readonly manifests: readonly Digest[];
};

/** As many layers at the same time as a pull has. */
const parallelBlobs = 4;

type Job = CopyOptions & {
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly top: Digest;
  /** Manifests that are copied already, by the digest of the source. */
  readonly done: Map<Digest, ManifestBytes>;
  readonly inTurn: ReturnType<typeof limited>;
};

/**
 * @throws OnggiError `not-found`, `corrupt`, `unsupported`, `cancelled`, what the ends throw; then the destination has
 *   no new name
 */
export async function copyImage(
  source: ImageSource,
  destination: ImageDestination,
  options: CopyOptions,
): Promise<Copied> {
  const top = await source.manifest(undefined, options.signal);
  const done = new Map<Digest, ManifestBytes>();
  const job: Job = { ...options, source, destination, top: top.digest, done, inTurn: limited(parallelBlobs) };
  const { manifest: chosen, indexes } =
    options.instances === 'system' ? await chooseImage(job, top) : { manifest: top, indexes: [] };
  await options.approve?.([chosen.digest, top.digest]);
  if (destination.putImage !== undefined) {
    if (isIndexType(chosen.mediaType)) throw new OnggiError('unsupported', `${destination.name}: keeps single images`);
    const { onEvent = () => {}, signal } = options;
    const open = (descriptor: Descriptor, stop?: AbortSignal) => source.blob(descriptor, stop);
    const beside = { manifests: indexes, blobs: [] };
    await destination.putImage({ manifest: chosen, named: top.digest, beside, open, onEvent }, signal);
    return { source: top.digest, digest: chosen.digest, manifests: [chosen.digest] };
  }
  const { digest } = await copyManifest(job, chosen, 'named', 0);
  const manifests = [...new Set([...done.values()].map((made) => made.digest))];
  if (options.referrers === true) await copyReferrers(job);
  await destination.commit(options.signal);
  return { source: top.digest, digest, manifests };
}

/**
 * Through indexes to the image of the platform.
 * @returns with them, outermost first
 * @throws OnggiError `not-found` when there is none, `unsupported`
 */
export async function chooseImage(
  { source, platform, signal }: Pick<Job, 'source' | 'platform' | 'signal'>,
  top: ManifestBytes,
): Promise<{ readonly manifest: ManifestBytes; readonly indexes: readonly ManifestBytes[] }> {
  if (!isIndexType(top.mediaType)) return { manifest: top, indexes: [] };
  const { parseManifest } = await import('../registry/manifest.ts');
  const { chooseEntry } = await import('../registry/choose-entry.ts');
  const indexes: ManifestBytes[] = [];
  let current = top;
  for (let depth = 0; isIndexType(current.mediaType); depth += 1) {
    if (depth === maxDepth) throw tooDeep(source);
    const content = parseManifest(current.bytes, current.mediaType, source.name);
    if (content.kind !== 'index') break;
    indexes.push(current);
    current = await source.manifest(chooseEntry(content, platform, source.name), signal);
  }
  return { manifest: current, indexes };
}

function tooDeep({ name }: ImageSource): OnggiError {
  return new OnggiError('unsupported', `${name}: over ${maxDepth} indexes in one another`);
}

/** @returns what stands for it at the destination */
async function copyManifest(job: Job, found: ManifestBytes, role: ManifestRole, depth: number): Promise<ManifestBytes> {
  const { source, destination, done, signal } = job;
  const known = done.get(found.digest);
  if (known !== undefined && role === 'part') return known;
  if (done.size >= maxManifests) throw new OnggiError('exhausted', `${source.name}: over ${maxManifests} manifests`);
  if (depth > maxDepth) throw tooDeep(source);
  const links = linksOf(job, found);
  const replaced = new Map<Digest, Descriptor>();
  if (links.kind === 'index') await copyEntries(job, links, replaced, depth);
  else await copyBlobs(job, links, replaced);
  const family = job.family ?? neededFamily(found.mediaType, destination.mediaTypes);
  const made = changedManifest(found, { family, replaced });
  if (made.digest !== found.digest && job.preserveDigests === true) {
    throw new OnggiError(
      'invalid',
      `${source.name}: the digest "${found.digest}" would change in ${destination.name}`,
      {
        hint: 'Leave out --preserve-digests, or what changes it: another compression, format or transport.',
      },
    );
  }
  await destination.putManifest(made, role, signal);
  done.set(found.digest, made);
  return made;
}

function linksOf({ source }: Job, { bytes, mediaType, digest }: ManifestBytes): ManifestLinks {
  try {
    return manifestLinks(bytes, mediaType);
  } catch (cause) {
    if (!(cause instanceof OnggiError)) throw cause;
    const code = cause.code === 'invalid' ? 'corrupt' : cause.code;
    throw new OnggiError(code, `${source.name}: manifest "${digest}": ${cause.message}`, { cause });
  }
}

async function copyEntries(job: Job, { manifests }: ManifestLinks, replaced: Map<Digest, Descriptor>, depth: number) {
  if (job.instances === 'index-only') return;
  for (const entry of manifests) {
    if (!isIndexType(entry.mediaType) && !isManifestType(entry.mediaType)) {
      throw new OnggiError('unsupported', `${job.source.name}: entry of type "${entry.mediaType.slice(0, 100)}"`);
    }
    if (entry.size > maxManifestSize) {
      throw new OnggiError('corrupt', `${job.source.name}: a manifest of ${entry.size} bytes`);
    }
    const found = await entryOf(job, entry);
    if (found === undefined) continue;
    const { mediaType, digest, bytes } = await copyManifest(job, found, 'part', depth + 1);
    if (digest !== entry.digest) replaced.set(entry.digest, { mediaType, digest, size: bytes.length });
  }
}

async function entryOf({ source, signal, partial }: Job, entry: Descriptor): Promise<ManifestBytes | undefined> {
  try {
    return await source.manifest(entry, signal);
  } catch (error) {
    if (partial === true && error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** The first failure ends the others. */
async function copyBlobs(job: Job, { blobs }: ManifestLinks, replaced: Map<Digest, Descriptor>): Promise<void> {
  const stop = new AbortController();
  const signal = job.signal === undefined ? stop.signal : AbortSignal.any([job.signal, stop.signal]);
  const distinct = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  let failure: { readonly error: unknown } | undefined;
  const { onEvent = () => {} } = job;
  const ofConfig = { ...job, onEvent: (event: LayerEvent) => onEvent({ ...event, config: true }) };
  const copies = distinct.map((blob) =>
    job
      .inTurn(async () => {
        if (failure !== undefined) return;
        const made = await copyBlob(blob === blobs[0] ? ofConfig : job, blob, signal);
        if (made.digest !== blob.digest) replaced.set(blob.digest, made);
      })
      .catch((error: unknown) => {
        failure ??= { error };
        stop.abort(error);
      }),
  );
  await Promise.all(copies);
  if (failure !== undefined) throw failure.error;
}

async function copyBlob(job: Job, blob: Descriptor, signal: AbortSignal): Promise<Descriptor> {
  const { source, destination, format, onEvent = () => {} } = job;
  const { digest } = blob;
  const plain = hasFormat(blob.mediaType, { format: 'none' }) === true;
  const wanted = format !== undefined && hasFormat(blob.mediaType, format) === false;
  if (wanted && (plain || job.plainOnly !== true)) {
    const { recompress } = await import('./recompress.ts');
    await using made: MadeBlob = await recompress(source.blob(blob, signal), blob.mediaType, format, job.temporary);
    const { descriptor } = made;
    if (!(await destination.hasBlob(descriptor, signal))) {
      await destination.putBlob(descriptor, () => made.open(), signal);
    }
    onEvent({ type: 'layer-done', digest });
    return descriptor;
  }
  if (await destination.hasBlob(blob, signal)) {
    onEvent({ type: 'layer-exists', digest });
    return blob;
  }
  const open = () => source.blob(blob, signal, destination.takesFleeting);
  await destination.putBlob(blob, () => counted(open(), blob, onEvent), signal);
  onEvent({ type: 'layer-done', digest });
  return blob;
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  { digest, size }: Descriptor,
  onEvent: (event: LayerEvent) => void,
): AsyncGenerator<Uint8Array> {
  let current = 0;
  for await (const piece of bytes) {
    current += piece.length;
    onEvent({ type: 'layer-progress', digest, current, total: size });
    yield piece;
  }
}

/** Of every manifest that was copied as it was; what speaks of another digest says nothing about the copy. */
async function copyReferrers(job: Job): Promise<void> {
  const { source, signal, done } = job;
  for (const [digest, made] of [...done]) {
    if (made.digest !== digest) continue;
    for (const descriptor of await source.referrers(digest, signal)) {
      if (done.has(descriptor.digest) || !isManifestType(descriptor.mediaType)) continue;
      await copyManifest(job, await source.manifest(descriptor, signal), 'part', 0);
    }
  }
}
