/** Volumes of the store: made, found, removed. */

import { chmodSync, mkdirSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { randomHex } from '../../random.ts';
import { transaction } from '../../store/database.ts';
import { volumeDataPath, volumePath } from '../../store/layout.ts';
import { type ContentGuard, lockContent } from '../../store/lock.ts';
import type { Store } from '../../store/store.ts';
import { removeNamed } from '../../store/temporary.ts';
import {
  addContainerVolume,
  deleteVolume,
  ensureVolume,
  listVolumes,
  usedVolumes,
  type VolumeRow,
  volumeByName,
} from '../../store/volume-row.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { pruneNews, volumeNews } from '../event/news.ts';
import type { VolumeOptions, VolumeSummary } from '../types.ts';
import { checkVolumeOptions, type NeededVolume, parseVolumeName, type VolumeFacts } from './volume-mount.ts';

/** 64 hexadecimal digits, as Docker names them. */
export function newVolumeName(): string {
  return randomHex(32);
}

/** One of that name that is there already is what was asked for, as with Docker. @throws OnggiError `invalid` */
export async function createVolume({ store }: Context, options: VolumeOptions): Promise<VolumeSummary> {
  const name = options.name === undefined ? newVolumeName() : parseVolumeName(options.name);
  if (options.options !== undefined) checkVolumeOptions(options.options);
  using content = await lockContent(store.layout, 'shared');
  makeVolumeDirectory(store, name, content);
  const { row, made } = ensureVolume(store.database, rowOf(name, options, options.name === undefined));
  if (made) emit(store, volumeNews('create', name));
  return summaryOf(store, row, false);
}

/** Before the rows of a container and its volumes: a directory that no row names is garbage. */
export function makeVolumeDirectory(store: Store, name: string, _guard: ContentGuard): void {
  const path = volumeDataPath(store.layout, name);
  try {
    mkdirSync(volumePath(store.layout, name), { recursive: true, mode: 0o700 });
    if (mkdirSync(path, { recursive: true }) !== undefined) chmodSync(path, 0o755);
  } catch (error) {
    throw fromSystemError(error, `make the volume "${name}"`);
  }
}

/** Inside the transaction that makes the container's row. @returns names of those that were not there */
export function recordVolumes(store: Store, containerId: string, volumes: readonly NeededVolume[]): string[] {
  return volumes.flatMap(({ mount, anonymous }) => {
    const { made } = ensureVolume(store.database, rowOf(mount.name, mount, anonymous));
    addContainerVolume(store.database, containerId, mount.name);
    return made ? [mount.name] : [];
  });
}

function rowOf(name: string, { options, labels }: VolumeOptions, anonymous: boolean): VolumeRow {
  return {
    name,
    created: Date.now(),
    anonymous,
    labels: JSON.stringify(labels ?? {}),
    options: JSON.stringify(options ?? {}),
  };
}

export async function allVolumes({ store }: Context): Promise<VolumeSummary[]> {
  const used = usedVolumes(store.database);
  return listVolumes(store.database).map((row) => summaryOf(store, row, used.has(row.name)));
}

/** @throws OnggiError `not-found` */
export async function getVolume({ store }: Context, name: string): Promise<VolumeSummary> {
  const row = volumeByName(store.database, name);
  if (row === undefined) throw noSuchVolume(name);
  return summaryOf(store, row, usedVolumes(store.database).has(name));
}

/** @throws OnggiError `not-found`; `conflict` when a container has it */
export async function removeVolume({ store }: Context, name: string): Promise<void> {
  // Whoever makes a container with it holds the lock, too: its directory must not go between that one's two steps.
  using _ = await lockContent(store.layout, 'exclusive');
  if (!deleteVolume(store.database, name)) throw noSuchVolume(name);
  removeVolumeDirectory(store, name);
  emit(store, volumeNews('destroy', name));
}

/** Of a volume whose row is gone. */
export function removeVolumeDirectory(store: Store, name: string): void {
  removeNamed(store.layout, volumePath(store.layout, name));
}

/** `reclaimed` in bytes. */
export type PrunedVolume = VolumeSummary & { readonly reclaimed: number };

/** Removes the volumes that no container has and that match. */
export async function pruneVolumes(
  { store }: Context,
  matches: (volume: VolumeSummary) => boolean,
): Promise<PrunedVolume[]> {
  using _ = await lockContent(store.layout, 'exclusive');
  const removed = transaction(store.database, () => {
    const used = usedVolumes(store.database);
    const idle = listVolumes(store.database)
      .filter(({ name }) => !used.has(name))
      .map((row) => summaryOf(store, row, false))
      .filter(matches);
    for (const { name } of idle) deleteVolume(store.database, name);
    return idle;
  });
  const { treeSize } = await import('../../image/tree-size.ts');
  const pruned = removed.map((volume) => {
    const reclaimed = treeSize(volume.mountPoint);
    removeVolumeDirectory(store, volume.name);
    return { ...volume, reclaimed };
  });
  const total = pruned.reduce((sum, { reclaimed }) => sum + reclaimed, 0);
  emit(store, ...removed.map(({ name }) => volumeNews('destroy', name)), pruneNews('volume', total));
  return pruned;
}

/** What the start of a container has to know of a volume. @throws OnggiError `corrupt` when it is not there any more */
export function volumeFacts(store: Store, name: string): VolumeFacts {
  const row = volumeByName(store.database, name);
  if (row === undefined) throw new OnggiError('corrupt', `volume "${name}" of the container is gone`);
  return { path: volumeDataPath(store.layout, name), options: texts(row.options) };
}

function summaryOf(store: Store, row: VolumeRow, used: boolean): VolumeSummary {
  return {
    name: row.name,
    created: row.created,
    anonymous: row.anonymous,
    labels: texts(row.labels),
    options: texts(row.options),
    mountPoint: volumeDataPath(store.layout, row.name),
    used,
  };
}

function texts(json: string): Readonly<Record<string, string>> {
  return JSON.parse(json) as Record<string, string>;
}

function noSuchVolume(name: string): OnggiError {
  return new OnggiError('not-found', `get ${name}: no such volume`);
}
