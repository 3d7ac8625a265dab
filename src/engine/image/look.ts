/** Images where they are, without bringing them into the store: what Skopeo's inspect, list-tags, delete and layers do. */
import { OnggiError, unsupported } from '../../errors.ts';
import { removeImage } from '../../image/remove.ts';
import type { Digest } from '../../oci/digest.ts';
import { type Descriptor, maxManifestSize } from '../../oci/image-spec.ts';
import { hostPlatform, parsePlatform } from '../../oci/platform.ts';
import { familiarRepository } from '../../oci/reference.ts';
import { parseManifest } from '../../registry/manifest.ts';
import { findManifest } from '../../registry/manifest-fetch.ts';
import { deleteManifest } from '../../registry/manifest-push.ts';
import { listTags } from '../../registry/tags.ts';
import { type Address, parseAddress } from '../../transport/address.ts';
import { chooseImage } from '../../transport/copy.ts';
import { openSource } from '../../transport/open.ts';
import type { ImageSource, ManifestBytes } from '../../transport/types.ts';
import { verifyBytes } from '../../transport/verify.ts';
import type { Context } from '../context.ts';
import { type RegistryOptions, repositoryOf } from '../registry/registry-access.ts';
import { around, temporaryOf } from './copy.ts';

export type LookOptions = {
  /** Of an image that has several; default this machine's. */
  readonly platform?: string;
  readonly source?: RegistryOptions;
  readonly signal?: AbortSignal;
};

export type SeenImage = {
  /** Of the index or manifest that the name stands for, and its bytes. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly manifest: Uint8Array;
  /** The image of the platform. */
  readonly image: {
    readonly config: Uint8Array;
    readonly layers: readonly Descriptor[];
  };
  /** "docker.io/library/alpine" of a registry, else null. */
  readonly repository: string | null;
};

/** @param manifestOnly looks at no image of an index: then `image` is empty */
export async function seeImage(
  context: Context,
  address: string,
  options: LookOptions & { readonly manifestOnly?: boolean } = {},
): Promise<SeenImage> {
  const { signal } = options;
  const parsed = parseAddress(address, process.cwd());
  await using source = await openAt(context, parsed, options);
  const top = await source.manifest(undefined, signal);
  const repository =
    parsed.transport === 'docker' ? `${parsed.reference.registry}/${parsed.reference.repository}` : null;
  const seen = { digest: top.digest, mediaType: top.mediaType, manifest: top.bytes, repository };
  if (options.manifestOnly === true) return { ...seen, image: { config: new Uint8Array(), layers: [] } };
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  const { manifest: chosen } = await chooseImage({ source, platform, signal }, top);
  return { ...seen, image: await imageOf(source, chosen, signal) };
}

async function openAt(context: Context, address: Address, options: LookOptions): Promise<ImageSource> {
  const temporary = temporaryOf(context, [address]);
  return await openSource(address, around(context, temporary, options.source, options.signal));
}

async function imageOf(source: ImageSource, manifest: ManifestBytes, signal: AbortSignal | undefined) {
  const content = parseManifest(manifest.bytes, manifest.mediaType, source.name);
  if (content.kind === 'index') throw new OnggiError('internal', `${source.name}: an index`);
  return { config: await smallBlob(source, content.config, signal), layers: content.layers };
}

/** @throws OnggiError `corrupt` over the limit of manifests */
async function smallBlob(source: ImageSource, descriptor: Descriptor, signal: AbortSignal | undefined) {
  const what = `blob "${descriptor.digest}" of ${source.name}`;
  if (descriptor.size > maxManifestSize) throw new OnggiError('corrupt', `${what}: over ${maxManifestSize} bytes`);
  const pieces: Uint8Array[] = [];
  for await (const piece of source.blob(descriptor, signal)) pieces.push(piece);
  return verifyBytes(Buffer.concat(pieces), descriptor, what);
}

/** Tags of the repository in a registry, or names in an archive. @param address "docker://alpine" */
export async function tagsAt(context: Context, address: string, options: LookOptions = {}): Promise<SeenTags> {
  const parsed = parseAddress(address, process.cwd());
  const { signal } = options;
  if (parsed.transport === 'docker-archive') {
    const { archivedImages } = await import('../../transport/archived-images.ts');
    const { openArchive } = await import('../../transport/archive-open.ts');
    using files = await openArchive(parsed.path, temporaryOf(context, [parsed]), signal);
    const { familiarName } = await import('../../oci/reference.ts');
    const images = await archivedImages(files);
    return { repository: null, tags: images.flatMap(({ references }) => references.map(familiarName)) };
  }
  if (parsed.transport !== 'docker') throw unsupported(`list of tags of "${parsed.transport}:"`);
  const { reference } = parsed;
  const repository = await repositoryOf(reference, 'pull', options.source ?? {});
  const tags: string[] = [];
  for await (const tag of listTags(repository, { signal })) tags.push(tag);
  return { repository: `${reference.registry}/${reference.repository}`, tags };
}

export type SeenTags = { readonly repository: string | null; readonly tags: readonly string[] };

/** Removes an image where it is: from a registry by its digest, with all tags; from the store by its name. */
export async function removeAt(context: Context, address: string, options: LookOptions = {}): Promise<void> {
  const parsed = parseAddress(address, process.cwd());
  if (parsed.transport === 'onggi') {
    await removeImage(context.store, parsed.name);
    return;
  }
  if (parsed.transport !== 'docker') throw unsupported(`deletion from "${parsed.transport}:"`, 'Remove the file.');
  const { reference } = parsed;
  const { signal } = options;
  const repository = await repositoryOf(reference, 'delete', options.source ?? {});
  const what = `image "${familiarRepository(reference)}:${reference.tag ?? reference.digest}"`;
  const wanted = reference.digest ?? (await digestAt(repository, reference.tag ?? 'latest', what, signal));
  if (await deleteManifest(repository, wanted, signal)) return;
  throw new OnggiError('not-found', `${what}: not there`);
}

async function digestAt(
  repository: Awaited<ReturnType<typeof repositoryOf>>,
  reference: string,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const found = await findManifest(repository, { reference, what, signal });
  if (found === undefined) throw new OnggiError('not-found', `${what}: not there`);
  if (found.digest !== null) return found.digest;
  const { fetchManifestBytes } = await import('../../registry/manifest-fetch.ts');
  return (await fetchManifestBytes(repository, { reference, what, signal })).digest;
}

/** Writes layers as they are into a `dir:`. @param digests null: all, with the config and the manifest */
export async function layersAt(
  context: Context,
  address: string,
  directory: string,
  digests: readonly string[],
  options: LookOptions = {},
): Promise<void> {
  const { copyImage } = await import('../../transport/copy.ts');
  const { openDestination } = await import('../../transport/open.ts');
  const parsed = parseAddress(address, process.cwd());
  const temporary = temporaryOf(context, [parsed]);
  const { signal } = options;
  await using source = await openAt(context, parsed, options);
  await using destination = await openDestination(
    { transport: 'dir', path: directory },
    around(context, temporary, undefined, signal),
  );
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  if (digests.length === 0) {
    await copyImage(source, destination, { instances: 'system', platform, temporary, signal });
    return;
  }
  const top = await source.manifest(undefined, signal);
  const { manifest: chosen } = await chooseImage({ source, platform, signal }, top);
  const { layers } = await imageOf(source, chosen, signal);
  for (const wanted of digests) {
    const layer = layers.find(({ digest }) => digest === wanted || digest === `sha256:${wanted}`);
    if (layer === undefined) throw new OnggiError('not-found', `${source.name}: no layer "${wanted.slice(0, 160)}"`);
    await destination.putBlob(layer, () => source.blob(layer, signal), signal);
  }
}
