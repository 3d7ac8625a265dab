/** Images out of the store into one archive. */
import { OnggiError } from '../../errors.ts';
import { readImageConfig } from '../../image/config.ts';
import { digestOfName, lookUpImage } from '../../image/find.ts';
import type { LayerEvent } from '../../image/stage-layers.ts';
import type { Digest } from '../../oci/digest.ts';
import { formatPlatform, hostPlatform, type Platform, parsePlatform, platformMatch } from '../../oci/platform.ts';
import { canonicalName, parseReference, type Reference } from '../../oci/reference.ts';
import type { ImageRow } from '../../store/image-row.ts';
import { listImageNames } from '../../store/image-row.ts';
import type { Store } from '../../store/store.ts';
import { type ArchiveTarget, archiveSink } from '../../transport/archive-sink.ts';
import { copyImage } from '../../transport/copy.ts';
import { finishLayout, type LayoutWriter, layoutDestination } from '../../transport/oci-destination.ts';
import { imageSource, manifestOf } from '../../transport/store-end.ts';
import { storedForPlatform, storedIndex } from '../../transport/stored-index.ts';
import type { ImageSource, ManifestBytes } from '../../transport/types.ts';
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
  const images: Chosen[] = [];
  for (const named of imagesOf(store, refs)) images.push(await chosenOf(store, named, wanted));
  await using sink = await archiveSink(target);
  const writer: LayoutWriter = { sink, entries: [], items: [] };
  for (const { image, references, source: open, single } of images) {
    await using source = await open();
    const name = `image "${image.id}" into ${sink.what}`;
    await using destination = layoutDestination(writer, { kind: 'docker', references, single }, name);
    const { onEvent, signal } = options;
    await copyImage(source, destination, {
      instances: 'all',
      partial: true,
      platform: hostPlatform(),
      temporary: store.layout.temporary,
      ...(onEvent !== undefined && { onEvent }),
      signal,
    });
  }
  await finishLayout(writer);
  return images.map(({ image }) => image.id);
}

type Named = {
  readonly image: ImageRow;
  readonly references: readonly Reference[];
  /** The index or manifest that they stand for. */
  readonly digest: Digest | null;
};

type Chosen = Pick<Named, 'image' | 'references'> & {
  readonly source: () => Promise<ImageSource>;
  /** For readers of manifest.json, which knows no index. */
  readonly single: ManifestBytes;
};

/** The index with what is here of it; for a platform one image. @throws OnggiError `not-found` */
async function chosenOf(store: Store, named: Named, platform: Platform | undefined): Promise<Chosen> {
  const { image, references, digest } = named;
  const name = `image "${image.id}"`;
  const own = manifestOf(store, image, digest);
  if (platform === undefined) {
    const source = () => imageSource(store, image, name, { named: digest, whole: 'partial' });
    return { image, references, source, single: own };
  }
  const stored = digest === null ? undefined : await storedIndex(store, digest);
  const other = stored === undefined ? undefined : storedForPlatform(store, stored, platform);
  if (other === undefined) checkPlatform(store, image, platform);
  const single = other ?? own;
  return { image, references, source: () => imageSource(store, image, name, { manifest: single }), single };
}

/** Each image once, with all names under which it was asked for and that stand for the same. */
function imagesOf(store: Store, refs: readonly string[]): Named[] {
  const found = new Map<string, Named & { readonly references: Reference[] }>();
  const add = (image: ImageRow, reference: Reference | null): void => {
    const digest = reference === null ? null : digestOfName(store.database, image.id, reference);
    const key = `${image.id} ${digest}`;
    const known = found.get(key) ?? { image, digest, references: [] };
    found.set(key, known);
    if (reference === null || reference.tag === null) return;
    if (known.references.every((other) => canonicalName(other) !== canonicalName(reference))) {
      known.references.push(reference);
    }
  };
  for (const ref of refs) {
    const all = allTags(store, ref);
    for (const { image, reference } of all) add(image, reference);
    if (all.length > 0) continue;
    const { image, reference } = lookUpImage(store.database, ref);
    add(image, reference);
  }
  return [...found.values()];
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
