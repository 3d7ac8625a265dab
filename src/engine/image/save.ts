/** Images out of the store into one archive, and out of an archive into the store. */
import { OnggiError } from '../../errors.ts';
import { readImageConfig } from '../../image/config.ts';
import { lookUpImage } from '../../image/find.ts';
import type { LayerEvent } from '../../image/stage-layers.ts';
import type { Digest } from '../../oci/digest.ts';
import { formatPlatform, hostPlatform, type Platform, parsePlatform, platformMatch } from '../../oci/platform.ts';
import { canonicalName, familiarName, parseReference, type Reference } from '../../oci/reference.ts';
import { transaction } from '../../store/database.ts';
import type { ImageRow } from '../../store/image-row.ts';
import { listImageNames, putImageName } from '../../store/image-row.ts';
import type { Store } from '../../store/store.ts';
import { removeAbandoned } from '../../store/temporary.ts';
import { openArchive } from '../../transport/archive-open.ts';
import { type ArchiveTarget, archiveSink } from '../../transport/archive-sink.ts';
import { archivedImages } from '../../transport/archived-images.ts';
import { copyImage } from '../../transport/copy.ts';
import { finishLayout, type LayoutWriter, layoutDestination } from '../../transport/oci-destination.ts';
import { imageSource, storeDestination } from '../../transport/store-end.ts';
import type { Context } from '../context.ts';

export type SaveOptions = {
  /** Fails for an image of another platform. */
  readonly platform?: string;
  readonly onEvent?: (event: LayerEvent) => void;
  readonly signal?: AbortSignal;
};

/**
 * One archive that `docker load`, `podman load` and readers of OCI layouts understand. The layers are the blobs as they
 * came, so their digests hold.
 * @param refs names, ids or beginnings of ids; a name without a tag stands for all tags of its repository
 * @returns ids of the images
 * @throws OnggiError `not-found`, `corrupt`, `exhausted`, `cancelled`; then a path has no new file
 */
export async function saveImages(
  { store }: Context,
  refs: readonly string[],
  target: ArchiveTarget,
  options: SaveOptions = {},
): Promise<Digest[]> {
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const images = imagesOf(store, refs);
  for (const { image } of images) if (wanted !== undefined) checkPlatform(store, image, wanted);
  await using sink = await archiveSink(target);
  const writer: LayoutWriter = { sink, entries: [], items: [] };
  for (const { image, references } of images) {
    await using source = imageSource(store, image, `image "${image.id}"`);
    const name = `image "${image.id}" into ${sink.what}`;
    await using destination = layoutDestination(writer, { kind: 'docker', references }, name);
    const { onEvent, signal } = options;
    await copyImage(source, destination, {
      instances: 'all',
      platform: hostPlatform(),
      temporary: store.layout.temporary,
      ...(onEvent !== undefined && { onEvent }),
      signal,
    });
  }
  await finishLayout(writer);
  return images.map(({ image }) => image.id);
}

type Named = { readonly image: ImageRow; readonly references: readonly Reference[] };

/** Each image once, with all names under which it was asked for. */
function imagesOf(store: Store, refs: readonly string[]): Named[] {
  const found = new Map<Digest, { image: ImageRow; references: Map<string, Reference> }>();
  const add = (image: ImageRow, reference: Reference | null): void => {
    const known = found.get(image.id) ?? { image, references: new Map<string, Reference>() };
    if (reference !== null) known.references.set(canonicalName(reference), reference);
    found.set(image.id, known);
  };
  for (const ref of refs) {
    const all = allTags(store, ref);
    for (const { image, reference } of all) add(image, reference);
    if (all.length > 0) continue;
    const { image, reference } = lookUpImage(store.database, ref);
    add(image, reference?.tag === null ? null : reference);
  }
  return [...found.values()].map(({ image, references }) => ({ image, references: [...references.values()] }));
}

/** `docker save busybox` saves every tag of the repository that is here. */
function allTags(store: Store, ref: string): { image: ImageRow; reference: Reference }[] {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(ref) || ref.includes('@') || ref.indexOf(':', ref.lastIndexOf('/') + 1) !== -1) {
    return [];
  }
  const { registry, repository } = parseReference(ref);
  return listImageNames(store.database).flatMap(({ reference: name }) => {
    const reference = parseReference(name);
    if (reference.registry !== registry || reference.repository !== repository || reference.tag === null) return [];
    return [{ image: lookUpImage(store.database, name).image, reference }];
  });
}

function checkPlatform(store: Store, image: ImageRow, wanted: Platform): void {
  const { platform } = readImageConfig(store, image.id).value;
  if (platformMatch(wanted, platform) > 0) return;
  const found = `image "${image.id}" is for platform "${formatPlatform(platform)}"`;
  throw new OnggiError('not-found', `${found}, not for "${formatPlatform(wanted)}"`);
}

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
 * @param path of an archive as `docker save`, `podman save` or Skopeo write it, plain or compressed; "/dev/stdin"
 * @throws OnggiError `not-found`, `invalid`, `corrupt`, `unsupported`, `exhausted`, `cancelled`; the image that it came
 *   to is not registered, those before it are
 */
export async function* loadImages(
  { store }: Context,
  path: string,
  options: LoadOptions = {},
): AsyncGenerator<LoadedImage> {
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  const { temporary } = store.layout;
  const { signal } = options;
  removeAbandoned(store.layout);
  using files = await openArchive(path, temporary, signal);
  for (const { references, source } of await archivedImages(files)) {
    const [first = null, ...others] = references;
    let id: Digest | undefined;
    await using destination = storeDestination(store, first, (image) => {
      id = image.id;
    });
    const { onEvent } = options;
    const copy = {
      instances: 'system',
      platform,
      temporary,
      signal,
      ...(onEvent !== undefined && { onEvent }),
    } as const;
    const { source: digest } = await copyImage(source, destination, copy);
    if (id === undefined) throw new OnggiError('internal', 'an image without an id');
    name(store, id, digest, others);
    yield { id, names: references.map(familiarName) };
  }
}

function name(store: Store, imageId: Digest, digest: Digest, references: readonly Reference[]): void {
  if (references.length === 0) return;
  transaction(store.database, () => {
    for (const reference of references) {
      putImageName(store.database, { reference: canonicalName(reference), imageId, digest });
    }
  });
}
