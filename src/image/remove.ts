/**
 * Removing names and images, with Docker's rules (`docker rmi`): a name that is not the last one is only taken away;
 * the last name takes the image along, unless containers use it. Rows go first, files afterwards.
 */
import { statSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { formatPlatform, parsePlatform, platformMatch } from '../oci/platform.ts';
import { canonicalName, familiarName, parseReference, pinned, type Reference } from '../oci/reference.ts';
import { type ContainerRow, containersOfImage } from '../store/container-row.ts';
import { syncDatabase, transaction } from '../store/database.ts';
import { blobsOfImage } from '../store/image-blob-row.ts';
import {
  deleteImage,
  deleteImageName,
  forgottenImages,
  hideImage,
  type ImageName,
  type ImageRow,
  isBlobNamed,
  listImageNames,
  putImageName,
} from '../store/image-row.ts';
import { deleteUnusedLayers, type LayerRow } from '../store/layer-row.ts';
import { blobPath, layerPath } from '../store/layout.ts';
import { lockContent } from '../store/lock.ts';
import type { Store } from '../store/store.ts';
import { removeNamed } from '../store/temporary.ts';
import { readImageConfig } from './config.ts';
import { lookUpImage } from './find.ts';
import { noteFreed } from './layer-directory.ts';
import { removeTreeOf } from './snapshot-tree.ts';

/** In the order in which Docker prints them. */
export type RemovedImage = {
  /** Familiar names. */
  readonly untagged: readonly string[];
  /** The image by its id, then its layers by their chain ids, topmost first. */
  readonly deleted: readonly Digest[];
  /** Bytes that its layers and blobs took. */
  readonly reclaimed: number;
};

export type RemoveOptions = {
  /** Also when only stopped containers use it; they keep working until they are removed. */
  readonly force?: boolean;
  /** By id also when it has names in several repositories; not when containers use it. */
  readonly allNames?: boolean;
  /** "linux/arm64": only if it is for this platform. */
  readonly platform?: string;
};

type Rows = {
  readonly removed: RemovedImage;
  readonly images: ImageRow[];
  readonly layers: LayerRow[];
  /** What the images held beside their layers. */
  readonly held: readonly Digest[];
};

/**
 * @param wanted a name, or an id or its beginning: by id all names go
 * @throws OnggiError `not-found` (also for another platform); `conflict` (a container uses it, several repositories name it)
 */
export async function removeImage(store: Store, wanted: string, options: RemoveOptions = {}): Promise<RemovedImage> {
  if (options.platform !== undefined) checkPlatform(store, wanted, options.platform);
  const rows = transaction(store.database, () => removeRows(store, wanted, options));
  return { ...rows.removed, reclaimed: await removeFiles(store, rows) };
}

/** An image here is for one platform. */
function checkPlatform(store: Store, wanted: string, platform: string): void {
  const { image } = lookUpImage(store.database, wanted);
  const found = readImageConfig(store, image.id).value.platform;
  if (platformMatch(parsePlatform(platform), found) > 0) return;
  throw new OnggiError('not-found', `image "${wanted}" is for platform "${formatPlatform(found)}", not "${platform}"`);
}

/**
 * Images that were force-removed and whose last container is gone. Cheap when there are none; whoever removes a
 * container calls it.
 */
export async function removeForgottenImages(store: Store): Promise<void> {
  if (forgottenImages(store.database).length === 0) return;
  const rows = transaction(store.database, () => {
    const images = forgottenImages(store.database);
    const held = images.flatMap(({ id }) => blobsOfImage(store.database, id));
    for (const image of images) deleteImage(store.database, image.id);
    return { removed: nothing, images, layers: deleteUnusedLayers(store.database), held };
  });
  await removeFiles(store, rows);
}

const nothing: RemovedImage = { untagged: [], deleted: [], reclaimed: 0 };

function removeRows(store: Store, wanted: string, { force = false, allNames = false }: RemoveOptions): Rows {
  const { image, reference } = lookUpImage(store.database, wanted);
  const names = listImageNames(store.database, image.id);
  if (reference !== null && forgetDigest(store, names, reference)) return nameless([familiarName(reference)]);
  if (reference !== null && names.length > 1) {
    const removed = deleteImageName(store.database, canonicalName(reference));
    return nameless(removed === undefined ? [] : untaggedNames([removed], names));
  }
  checkRepositories(image, names, force || allNames);
  const users = containersOfImage(store.database, image.id);
  checkUsers(image, users, reference, force);
  const untagged = untaggedNames(names, names);
  if (users.length > 0) {
    hideImage(store.database, image.id, Date.now());
    return { removed: { untagged, deleted: [image.id], reclaimed: 0 }, images: [], layers: [], held: [] };
  }
  const held = blobsOfImage(store.database, image.id);
  deleteImage(store.database, image.id);
  const layers = deleteUnusedLayers(store.database);
  const deleted = [image.id, ...layers.map(({ chainId }) => chainId)];
  return { removed: { untagged, deleted, reclaimed: 0 }, images: [image], layers, held };
}

/** The image stays. */
function nameless(untagged: readonly string[]): Rows {
  return { removed: { untagged, deleted: [], reclaimed: 0 }, images: [], layers: [], held: [] };
}

/**
 * `rmi name@digest` of what has a tag there, too: the tag stays and is known by no digest.
 * @returns whether there is one
 */
function forgetDigest(store: Store, names: readonly ImageName[], reference: Reference): boolean {
  if (reference.digest === null) return false;
  const same = names.filter((name) => {
    const each = parseReference(name.reference);
    return name.digest === reference.digest && repositoryName(each) === repositoryName(reference);
  });
  const tagged = same.filter((name) => parseReference(name.reference).tag !== null);
  if (tagged.length === 0) return false;
  for (const name of tagged) putImageName(store.database, { ...name, digest: null });
  deleteImageName(store.database, canonicalName(reference));
  return true;
}

/** As Docker tells them: the names, and of a repository that has none left what it was known by there. */
function untaggedNames(removed: readonly ImageName[], before: readonly ImageName[]): string[] {
  const repositoryOf = (name: ImageName): string => repositoryName(parseReference(name.reference));
  const left = new Set(before.filter((name) => !removed.includes(name)).map(repositoryOf));
  const gone = removed.filter((name) => !left.has(repositoryOf(name)));
  const digests = gone.flatMap(({ reference, digest }) =>
    digest === null ? [] : [familiarName(pinned(parseReference(reference), digest))],
  );
  return [...new Set([...removed.map(({ reference }) => familiarName(parseReference(reference))), ...digests])];
}

function repositoryName({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}

function checkRepositories(image: ImageRow, names: readonly ImageName[], force: boolean): void {
  const repositories = new Set(names.map((name) => repositoryName(parseReference(name.reference))));
  if (force || repositories.size <= 1) return;
  throw new OnggiError(
    'conflict',
    `conflict: unable to delete ${short(image.id)} (must be forced) - image is referenced in multiple repositories`,
  );
}

function checkUsers(
  image: ImageRow,
  users: readonly ContainerRow[],
  reference: Reference | null,
  force: boolean,
): void {
  const running = users.find((user) => user.state === 'running' || user.state === 'starting');
  const user = running ?? users[0];
  if (user === undefined || (force && running === undefined)) return;
  const id = user.id.slice(0, 12);
  const can = running === undefined ? 'must be forced' : 'cannot be forced';
  const message =
    reference === null || running !== undefined
      ? `unable to delete ${short(image.id)} (${can}) - image is being used by ${running ? 'running' : 'stopped'} container ${id}`
      : `unable to remove repository reference "${familiarName(reference)}" (must force) - container ${id} is using its referenced image ${short(image.id)}`;
  throw new OnggiError('conflict', `conflict: ${message}`, {
    hint: running === undefined ? 'Remove the container, or use --force.' : 'Stop and remove the container first.',
  });
}

function short(id: Digest): string {
  return id.slice(7, 19);
}

/**
 * Files of rows that are gone. Blobs can have several owners and come back at any moment, so they are looked up again
 * under the lock that publishers share; layer directories have one row and a name of their own.
 * @returns bytes that they took
 */
async function removeFiles(store: Store, rows: Rows): Promise<number> {
  if (rows.images.length === 0 && rows.layers.length === 0) return 0;
  // Else a power cut could bring the rows back without their files.
  syncDatabase(store.database);
  let reclaimed = 0;
  noteFreed(
    store.database,
    rows.layers.map(({ directory }) => layerPath(store.layout, directory)),
  );
  for (const layer of rows.layers) {
    removeTreeOf(store.layout, layer.directory);
    if (removeNamed(store.layout, layerPath(store.layout, layer.directory))) reclaimed += layer.size;
  }
  const blobs = [
    ...rows.images.flatMap((image) => [image.id, image.manifest]),
    ...rows.layers.flatMap((layer) => (layer.blob === null ? [] : [layer.blob])),
    ...rows.held,
  ];
  using _ = await lockContent(store.layout, 'exclusive');
  for (const blob of new Set(blobs)) {
    const path = blobPath(store.layout, blob);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || isBlobNamed(store.database, blob)) continue;
    if (removeNamed(store.layout, path)) reclaimed += found.size;
  }
  return reclaimed;
}
