/** Images out of an archive into the store. */
import { OnggiError } from '../../errors.ts';
import type { LayerEvent } from '../../image/stage-layers.ts';
import type { Digest } from '../../oci/digest.ts';
import { isIndexType } from '../../oci/image-spec.ts';
import { choosePlatform, formatPlatform, hostPlatform, type Platform, parsePlatform } from '../../oci/platform.ts';
import { canonicalName, familiarName, pinned, type Reference } from '../../oci/reference.ts';
import { transaction } from '../../store/database.ts';
import { putImageName } from '../../store/image-row.ts';
import type { Store } from '../../store/store.ts';
import { removeAbandoned } from '../../store/temporary.ts';
import { openArchive } from '../../transport/archive-open.ts';
import { type ArchivedImage, archivedImages } from '../../transport/archived-images.ts';
import { copyImage } from '../../transport/copy.ts';
import { blobsOf, indexTree } from '../../transport/index-tree.ts';
import { indexFile } from '../../transport/oci-layout.ts';
import { storeDestination } from '../../transport/store-end.ts';
import type { ImageSource, ManifestBytes } from '../../transport/types.ts';
import type { Context } from '../context.ts';

export type LoadOptions = {
  /** Which one of an image that has several; default this machine's. */
  readonly platform?: string;
  readonly onEvent?: (event: LayerEvent) => void;
  readonly signal?: AbortSignal;
};

export type LoadedImage = {
  readonly id: Digest;
  /** Familiar names; empty for an image without one. */
  readonly names: readonly string[];
};

/**
 * Of an image of several platforms all that the archive has, unless one is asked for: the name stands for that of this
 * machine, the others have names by digest, as after a pull.
 * @param path of an archive as `docker save`, `podman save` or Skopeo write it, plain or compressed; "/dev/stdin"
 * @throws OnggiError `not-found`, `invalid`, `corrupt`, `unsupported`, `exhausted`, `denied` (by the policy of this
 *   machine), `cancelled`; the image that it came to is not registered, those before it are
 */
export async function* loadImages(
  { store }: Context,
  path: string,
  options: LoadOptions = {},
): AsyncGenerator<LoadedImage> {
  const { temporary } = store.layout;
  removeAbandoned(store.layout);
  using files = await openArchive(path, temporary, options.signal);
  const { enforcePathPolicy } = await import('../signature/policy.ts');
  const transport = files.size(indexFile) === undefined ? 'docker-archive' : 'oci-archive';
  enforcePathPolicy(transport, path, { environment: process.env });
  for (const image of await archivedImages(files)) {
    const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
    const { id, digest } = await loadImage(store, image, wanted, options);
    const { references } = image;
    nameAll(store, id, digest, references);
    yield { id, names: references.map(familiarName) };
  }
}

type Loaded = { readonly id: Digest; readonly digest: Digest };

async function loadImage(
  store: Store,
  { references, source }: ArchivedImage,
  wanted: Platform | undefined,
  { onEvent, signal }: LoadOptions,
): Promise<Loaded> {
  const [reference = null] = references;
  const top = await source.manifest(undefined, signal);
  if (isIndexType(top.mediaType)) {
    const loaded = await loadIndex(store, { source, top, reference, wanted, onEvent, signal });
    if (loaded !== undefined) return loaded;
  }
  let id: Digest | undefined;
  await using destination = storeDestination(store, reference, (image) => {
    id = image.id;
  });
  const { source: digest } = await copyImage(source, destination, {
    instances: 'system',
    platform: wanted ?? hostPlatform(),
    temporary: store.layout.temporary,
    signal,
    ...(onEvent !== undefined && { onEvent }),
  });
  if (id === undefined) throw new OnggiError('internal', 'an image without an id');
  return { id, digest };
}

type IndexLoad = {
  readonly onEvent: LoadOptions['onEvent'] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly source: ImageSource;
  readonly top: ManifestBytes;
  readonly reference: Reference | null;
  readonly wanted: Platform | undefined;
};

/** @returns undefined when no image of the index says its platform. @throws OnggiError `not-found` */
async function loadIndex(store: Store, load: IndexLoad): Promise<Loaded | undefined> {
  const { source, top, reference, wanted, onEvent = () => {}, signal } = load;
  const tree = await indexTree(source, top, { partial: true, signal });
  if (tree.images.length === 0) return undefined;
  const present: ((typeof tree.images)[number] & { readonly manifest: ManifestBytes })[] = [];
  for (const entry of tree.images) {
    const manifest = await manifestIn(source, entry, signal);
    if (manifest !== undefined) present.push({ ...entry, manifest });
  }
  const chosen = choosePlatform(wanted ?? hostPlatform(), present) ?? (wanted === undefined ? present[0] : undefined);
  if (chosen === undefined) throw notThere(source.name, wanted, present);
  const others = wanted === undefined && reference !== null ? present.filter((entry) => entry !== chosen) : [];
  const open = (descriptor: Parameters<ImageSource['blob']>[0], stop?: AbortSignal) => source.blob(descriptor, stop);
  for (const { digest, manifest } of others) {
    if (reference === null) continue;
    await using destination = storeDestination(store, pinned(reference, digest));
    await destination.putImage?.({ manifest, named: digest, open, onEvent }, signal);
  }
  let id: Digest | undefined;
  await using destination = storeDestination(store, reference, (image) => {
    id = image.id;
  });
  const beside = { manifests: [...tree.indexes, ...tree.others], blobs: blobsOf(tree.others) };
  await destination.putImage?.({ manifest: chosen.manifest, named: top.digest, beside, open, onEvent }, signal);
  return id === undefined ? undefined : { id, digest: top.digest };
}

function notThere(
  name: string,
  wanted: Platform | undefined,
  present: readonly { readonly platform: Platform | null }[],
): OnggiError {
  const list = present.flatMap(({ platform }) => (platform === null ? [] : [`"${formatPlatform(platform)}"`]));
  const asked = wanted === undefined ? 'of its index' : `for platform "${formatPlatform(wanted)}"`;
  return new OnggiError('not-found', `${name}: no image ${asked} is in the archive`, {
    hint: list.length === 0 ? 'It has the index alone.' : `It has ${list.slice(0, 20).join(', ')}.`,
  });
}

async function manifestIn(source: ImageSource, ...ask: Parameters<ImageSource['manifest']>) {
  try {
    return await source.manifest(...ask);
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

function nameAll(store: Store, imageId: Digest, digest: Digest, references: readonly Reference[]): void {
  if (references.length === 0) return;
  transaction(store.database, () => {
    for (const reference of references) {
      putImageName(store.database, { reference: canonicalName(reference), imageId, digest });
    }
  });
}
