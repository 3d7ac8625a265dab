/**
 * Sending images to their registry: the blobs as they lie in the store, then the manifest under its tag, so that nothing
 * there has a name before all of it is there.
 */
import { OnggiError } from '../../errors.ts';
import { parseImageConfig } from '../../image/config.ts';
import { digestOfName } from '../../image/find.ts';
import { limited } from '../../image/limited.ts';
import type { Digest } from '../../oci/digest.ts';
import { type Descriptor, maxManifestSize } from '../../oci/image-spec.ts';
import { manifestLinks } from '../../oci/manifest-links.ts';
import { formatPlatform, type Platform, parsePlatform, platformMatch } from '../../oci/platform.ts';
import { canonicalName, familiarRepository, parseReference, type Reference } from '../../oci/reference.ts';
import { parseManifest } from '../../registry/manifest.ts';
import { putManifest } from '../../registry/manifest-push.ts';
import { openMachineRepository, readMachine } from '../../registry/open.ts';
import type { Repository } from '../../registry/repository.ts';
import { uploadBlob } from '../../registry/upload.ts';
import { readBlob } from '../../store/blob.ts';
import { transaction } from '../../store/database.ts';
import { imageByName, listImageNames, namesWithBlob, putImageName } from '../../store/image-row.ts';
import { blobPath } from '../../store/layout.ts';
import type { Store } from '../../store/store.ts';
import { openRegular, readRange } from '../../transport/files.ts';
import { manifestOf } from '../../transport/store-end.ts';
import { storedForPlatform, storedIndex } from '../../transport/stored-index.ts';
import type { ManifestBytes } from '../../transport/types.ts';
import type { Context } from '../context.ts';
import type { PushEvent } from '../types.ts';
import type { PushOptions } from './images.ts';
import { compressLayers } from './push-compress.ts';
import { transferEvents } from './transfer-events.ts';

/** As Docker has it; registries are slow to take one blob and quick to take several. */
const parallelBlobs = 5;

/**
 * Pushes the image that `name` stands for under this very name; with `allTags` every name of the repository.
 * Idempotent: what the registry has is not sent. Leaving the loop early ends it.
 * @throws OnggiError `not-found` (no such image, no such platform), `unauthorized`, `denied`, `unavailable`, `invalid`,
 *   `corrupt` (the store has lost or changed a blob), `cancelled`
 */
export async function* push(context: Context, name: string, options: PushOptions = {}): AsyncGenerator<PushEvent> {
  const reference = parseReference(name);
  if (reference.digest !== null) {
    throw new OnggiError('invalid', `push "${name}": a name with a digest can't be pushed to`, {
      hint: 'Push a tag; the digest follows from what is pushed.',
    });
  }
  yield* transferEvents<PushEvent>(options.signal, ({ put, signal }) =>
    pushNames(context.store, reference, { options, put, signal }),
  );
}

type Job = {
  readonly options: PushOptions;
  readonly put: (event: PushEvent) => void;
  readonly signal: AbortSignal;
};

async function pushNames(store: Store, reference: Reference, job: Job): Promise<void> {
  const references = job.options.allTags === true ? taggedNames(store, reference) : [reference];
  const parts: ImageParts[] = [];
  for (const each of references) parts.push(await readImage(store, each, job));
  const blobs = distinct(parts.flatMap(({ descriptors }) => descriptors));
  const sources = new Map(blobs.map(({ digest }) => [digest, mountSources(store, reference, digest)]));
  const machine = await readMachine(process.env);
  const { credentials, credentialsFile } = job.options;
  const repository = await openMachineRepository(machine, reference.registry, reference.repository, {
    access: 'push',
    mountFrom: [...new Set([...sources.values()].flat())],
    credentials,
    credentialsFile,
  });
  job.put({ type: 'begun', repository: `${reference.registry}/${reference.repository}` });
  // Nobody is told of configurations, which are no layers.
  const silent = new Set(parts.flatMap(configsOf));
  const put: Job['put'] = (event) => ('digest' in event && silent.has(event.digest) ? undefined : job.put(event));
  for (const { digest } of blobs) put({ type: 'preparing', digest });
  await sendBlobs(store, repository, blobs, sources, { ...job, put });
  for (const part of parts) await sendManifest(store, repository, part, job);
}

type ImageParts = {
  readonly reference: Reference;
  readonly manifest: ManifestBytes;
  /** Of an index: the manifests that it names, sent before it. */
  readonly parts: readonly ManifestBytes[];
  /** Layers, then the config. */
  readonly descriptors: readonly Descriptor[];
  /** The index that the name stands for here, where it is not what is pushed. */
  readonly index: Digest | null;
};

function configsOf({ manifest, parts }: ImageParts): Digest[] {
  return [manifest, ...parts].flatMap(({ bytes, mediaType }) => {
    const { kind, blobs } = manifestLinks(bytes, mediaType);
    return kind === 'index' ? [] : blobs.slice(0, 1).map(({ digest }) => digest);
  });
}

function taggedNames(store: Store, { registry, repository }: Reference): Reference[] {
  const names = listImageNames(store.database).map(({ reference }) => parseReference(reference));
  const found = names.filter(
    (each) => each.registry === registry && each.repository === repository && each.tag !== null,
  );
  if (found.length > 0) return found;
  throw new OnggiError('not-found', `push all tags of "${registry}/${repository}": no image has a name there`);
}

/** The index that the name stands for, when all of it is here; else, and for a platform, one image. */
async function readImage(store: Store, reference: Reference, { options, signal }: Job): Promise<ImageParts> {
  const name = canonicalName(reference);
  const image = imageByName(store.database, name);
  if (image === undefined) {
    throw new OnggiError(
      'not-found',
      `An image does not exist locally with the tag: ${familiarRepository(reference)}`,
      {
        hint: 'Give it that name with "onggi tag".',
      },
    );
  }
  const named = digestOfName(store.database, image.id, reference);
  const stored = named === null ? undefined : await storedIndex(store, named);
  if (stored?.complete && options.platform === undefined) {
    return { reference, manifest: stored.index, parts: stored.parts, descriptors: stored.blobs, index: null };
  }
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const other = platform && stored && storedForPlatform(store, stored, platform);
  if (other === undefined && platform !== undefined) checkPlatform(store, image.id, platform, name);
  const manifest = other ?? (await compressLayers(store, image, manifestOf(store, image, named), signal));
  const content = parseManifest(manifest.bytes, manifest.mediaType, `manifest of image "${name}"`);
  if (content.kind === 'index') throw new OnggiError('internal', `image "${name}": its manifest is an index`);
  const descriptors = [...content.layers, content.config];
  return { reference, manifest, parts: [], descriptors, index: stored?.index.digest ?? null };
}

function checkPlatform(store: Store, id: Digest, wanted: Platform, name: string): void {
  const what = `config of image "${name}"`;
  const { platform } = parseImageConfig(readBlob(store.layout, id, maxManifestSize), what).value;
  if (platformMatch(wanted, platform) > 0) return;
  const found = `image "${name}" is for platform "${formatPlatform(platform)}", not for "${formatPlatform(wanted)}"`;
  throw new OnggiError('not-found', found);
}

function distinct(descriptors: readonly Descriptor[]): Descriptor[] {
  return [...new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values()];
}

/** Other repositories of the registry whose images have the blob, so it is probably there. */
function mountSources(store: Store, { registry, repository }: Reference, digest: Digest): string[] {
  const names = namesWithBlob(store.database, digest).map(({ reference }) => parseReference(reference));
  const others = names.filter((each) => each.registry === registry && each.repository !== repository);
  return [...new Set(others.map((each) => each.repository))].slice(0, 3);
}

/** Side by side; the first failure ends the others. */
async function sendBlobs(
  store: Store,
  repository: Repository,
  blobs: readonly Descriptor[],
  sources: ReadonlyMap<Digest, readonly string[]>,
  { put, signal }: Job,
): Promise<void> {
  const stop = new AbortController();
  const inTurn = limited(parallelBlobs);
  let failure: { readonly error: unknown } | undefined;
  const send = async ({ digest, size }: Descriptor): Promise<void> => {
    const what = `blob "${digest}" of "${repository.registry}/${repository.name}"`;
    const given = await uploadBlob(repository, {
      digest,
      size,
      open: (offset) => storedBytes(store, digest, { offset, size }, what),
      mountFrom: sources.get(digest) ?? [],
      onProgress: (current) => put({ type: 'layer-progress', digest, current, total: size }),
      signal: AbortSignal.any([signal, stop.signal]),
    });
    if (given.how === 'exists') put({ type: 'layer-exists', digest });
    else if (given.how === 'mounted') put({ type: 'layer-mounted', digest, from: given.from });
    else put({ type: 'layer-done', digest });
  };
  const fail = (error: unknown): void => {
    failure ??= { error };
    stop.abort(error);
  };
  await Promise.all(blobs.map((blob) => inTurn(() => send(blob)).catch(fail)));
  if (failure !== undefined) throw failure.error;
}

async function* storedBytes(
  store: Store,
  digest: Digest,
  { offset, size }: { readonly offset: number; readonly size: number },
  what: string,
): AsyncGenerator<Uint8Array> {
  using file = openRegular(blobPath(store.layout, digest), what);
  yield* readRange(file.fd, offset, size - offset, what);
}

async function sendManifest(store: Store, repository: Repository, image: ImageParts, job: Job): Promise<void> {
  const { reference, manifest, index } = image;
  const { bytes, mediaType, digest } = manifest;
  const name = canonicalName(reference);
  const tag = reference.tag ?? 'latest';
  const what = `image "${name}"`;
  const { signal } = job;
  for (const part of image.parts) await putManifest(repository, { ...part, reference: part.digest, what, signal });
  await putManifest(repository, { reference: tag, mediaType, bytes, what, signal });
  // From now on the registry knows the image by this digest, which RepoDigests lists. An index is not given up for a part.
  if (index === null) {
    transaction(store.database, () => {
      const image = imageByName(store.database, name);
      if (image !== undefined) putImageName(store.database, { reference: name, imageId: image.id, digest });
    });
  }
  job.put({ type: 'pushed', tag, digest, size: bytes.length });
  if (index !== null && job.options.platform === undefined) job.put({ type: 'index-left-out', index, digest });
}
