/** Looking at images. */
import { OnggiError } from '../errors.ts';
import { findImage } from '../image/find.ts';
import { familiarName, parseReference, pinned } from '../oci/reference.ts';
import { countContainersByImage } from '../store/container-row.ts';
import { type ImageName, listImageNames, listImages as listRows } from '../store/image-row.ts';
import type { Context } from './context.ts';
import { readImageConfig } from './image-view.ts';
import { emptyByKey, exposedPorts, orNull } from './inspect-config.ts';
import type { ImageSummary } from './types.ts';

export async function listImages(context: Context): Promise<ImageSummary[]> {
  const { database } = context.store;
  const names = Map.groupBy(listImageNames(database), ({ imageId }) => imageId);
  const containers = countContainersByImage(database);
  return listRows(database).map(({ id, created, size }) => ({
    id,
    names: (names.get(id) ?? []).map(familiar),
    created,
    size,
    containers: containers.get(id) ?? 0,
  }));
}

export async function imageExists(context: Context, ref: string): Promise<boolean> {
  try {
    findImage(context.store, ref);
    return true;
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return false;
    throw error;
  }
}

export async function inspectImage(context: Context, ref: string): Promise<Record<string, unknown>> {
  const image = findImage(context.store, ref);
  const names = listImageNames(context.store.database, image.id);
  const { value: config } = readImageConfig(context.store, image.id);
  const { process } = config;
  const ports = exposedPorts(process);
  return {
    Id: image.id,
    RepoTags: names.map(familiar),
    RepoDigests: names.flatMap(digestName),
    Parent: '',
    Created: new Date(image.created).toISOString(),
    Config: {
      User: process.user,
      ...(ports.length > 0 && { ExposedPorts: emptyByKey(ports) }),
      Env: process.env,
      Cmd: orNull(process.cmd),
      Entrypoint: orNull(process.entrypoint),
      Volumes: process.volumes.length === 0 ? null : emptyByKey(process.volumes),
      WorkingDir: process.workingDir,
      Labels: process.labels,
      ...(process.stopSignal !== '' && { StopSignal: process.stopSignal }),
    },
    Architecture: config.platform.architecture,
    Os: config.platform.os,
    Size: image.size,
    GraphDriver: { Name: 'overlay2', Data: null },
    RootFS: { Type: 'layers', Layers: config.diffIds },
  };
}

function familiar({ reference }: ImageName): string {
  return familiarName(parseReference(reference));
}

function digestName({ reference, digest }: ImageName): string[] {
  return digest === null ? [] : [familiarName(pinned(parseReference(reference), digest))];
}
