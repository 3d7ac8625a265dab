/** Looking at images. */
import { OnggiError } from '../../errors.ts';
import { lookUpImage } from '../../image/find.ts';
import { readHistory } from '../../image/history.ts';
import { storageDriver } from '../../image/storage-driver.ts';
import type { Digest } from '../../oci/digest.ts';
import { maxManifestSize } from '../../oci/image-spec.ts';
import { formatPlatform } from '../../oci/platform.ts';
import { familiarName, parseReference, pinned } from '../../oci/reference.ts';
import { blobSize, readBlob } from '../../store/blob.ts';
import { countContainersByImage } from '../../store/container-row.ts';
import { blobsOfImage } from '../../store/image-blob-row.ts';
import {
  type ImageName,
  type ImageRow,
  imageById,
  listImageNames,
  listImages as listRows,
} from '../../store/image-row.ts';
import { layersOfImage } from '../../store/layer-row.ts';
import type { Store } from '../../store/store.ts';
import { emptyByKey, exposedPorts, orNull } from '../container/inspect-config.ts';
import type { Context } from '../context.ts';
import { healthRecord } from '../health/settings.ts';
import type { ImageSummary } from '../types.ts';
import type { HistoryEntry, ImageContent } from './images.ts';
import { readImageConfig } from './view.ts';

export async function listImages(context: Context): Promise<ImageSummary[]> {
  const { database } = context.store;
  const names = Map.groupBy(listImageNames(database), ({ imageId }) => imageId);
  const containers = countContainersByImage(database);
  return listRows(database).map(({ id, created, size }) => {
    // Parsed once: there may be thousands.
    const known = (names.get(id) ?? []).map(({ reference, digest }) => ({ parsed: parseReference(reference), digest }));
    return {
      id,
      names: known.map(({ parsed }) => familiarName(parsed)),
      digests: known.flatMap(({ parsed, digest }) => (digest === null ? [] : [familiarName(pinned(parsed, digest))])),
      created,
      size,
      containers: containers.get(id) ?? 0,
    };
  });
}

/** Newest first, as Docker has it; the id stands beside the newest step alone. */
export async function imageHistory(context: Context, ref: string, platform?: string): Promise<HistoryEntry[]> {
  const { image } = await lookedUp(context, ref, platform);
  const tags = listImageNames(context.store.database, image.id).map(familiar);
  return readHistory(context.store, image.id)
    .reverse()
    .map((step, index) => ({ ...step, id: index === 0 ? image.id : null, tags: index === 0 ? tags : [] }));
}

/** What `images --tree` shows below an image. */
export async function imageContent(context: Context, id: Digest): Promise<ImageContent> {
  const { store } = context;
  const image = imageById(store.database, id);
  if (image === undefined) throw new OnggiError('not-found', `No such image: ${id}`);
  const { platform } = readImageConfig(store, id).value;
  const layers = layersOfImage(store.database, id).flatMap(({ blob }) => blob ?? []);
  const blobs = new Set([id, image.manifest, ...layers, ...blobsOfImage(store.database, id)]);
  const bytes = [...blobs].reduce((sum, blob) => sum + (blobSize(store.layout, blob) ?? 0), 0);
  return { platform: formatPlatform(platform), contentSize: bytes };
}

/** @param platform of an index that came whole the image for it, with the names of the index too */
export async function inspectImage(context: Context, ref: string, platform?: string): Promise<Record<string, unknown>> {
  const { image, named } = await lookedUp(context, ref, platform);
  const ids = new Set([named.id, image.id]);
  const names = [...ids].flatMap((id) => listImageNames(context.store.database, id));
  const { value: config } = readImageConfig(context.store, image.id);
  const { process } = config;
  const { comment, author, dockerVersion, triggers } = wordsOf(context.store, image.id);
  const ports = exposedPorts({}, process);
  return {
    Id: image.id,
    RepoTags: names.filter(({ reference }) => parseReference(reference).tag !== null).map(familiar),
    RepoDigests: [...new Set(names.flatMap(digestName))],
    Parent: '',
    Comment: comment,
    Created: new Date(image.created).toISOString(),
    DockerVersion: dockerVersion,
    Author: author,
    Config: {
      User: process.user,
      ...(ports.length > 0 && { ExposedPorts: emptyByKey(ports) }),
      Env: process.env,
      Cmd: orNull(process.cmd),
      Entrypoint: orNull(process.entrypoint),
      Volumes: process.volumes.length === 0 ? null : emptyByKey(process.volumes),
      WorkingDir: process.workingDir,
      ...(triggers.length > 0 && { OnBuild: triggers }),
      Labels: process.labels,
      ...(process.health !== undefined && { Healthcheck: healthRecord(process.health) }),
      ...(process.stopSignal && { StopSignal: process.stopSignal }),
    },
    Architecture: config.platform.architecture,
    ...(config.platform.variant !== null && { Variant: config.platform.variant }),
    Os: config.platform.os,
    Size: image.size,
    GraphDriver: { Name: storageDriver(context.store, context.storageDriver), Data: null },
    RootFS: { Type: 'layers', Layers: config.diffIds },
  };
}

/** @returns with it the image that the name stands for */
async function lookedUp(
  { store }: Context,
  ref: string,
  platform: string | undefined,
): Promise<{ readonly image: ImageRow; readonly named: ImageRow }> {
  const found = lookUpImage(store.database, ref);
  const named = found.image;
  if (platform === undefined) return { image: named, named };
  const { imageForPlatform } = await import('./platform.ts');
  return { image: await imageForPlatform(store, found, ref, platform), named };
}

/**
 * What the config says for people and builds, and no container is made by; the comment of the last step where it has none
 * of its own, as in Docker.
 */
function wordsOf(store: Store, id: Digest) {
  const config: unknown = JSON.parse(readBlob(store.layout, id, maxManifestSize).toString());
  const word = (name: string): string => {
    const value: unknown = Reflect.get(Object(config), name);
    return typeof value === 'string' ? value : '';
  };
  const comment = word('comment') || (readHistory(store, id).at(-1)?.comment ?? '');
  const written: unknown = Reflect.get(Object(Reflect.get(Object(config), 'config')), 'OnBuild');
  const triggers = Array.isArray(written) ? written.filter((trigger) => typeof trigger === 'string') : [];
  return { comment, author: word('author'), dockerVersion: word('docker_version'), triggers };
}

function familiar({ reference }: ImageName): string {
  return familiarName(parseReference(reference));
}

function digestName({ reference, digest }: ImageName): string[] {
  return digest === null ? [] : [familiarName(pinned(parseReference(reference), digest))];
}
