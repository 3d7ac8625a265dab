/**
 * Owners of the files of containers in user namespaces. Where mounts can map ids, files have the ids of the image on the
 * disk, as everywhere; else they are a copy with the ids that those stand for.
 */
import { release } from 'node:os';
import { OnggiError } from '../errors.ts';
import { canMapMount } from '../kernel/overlay-probe.ts';
import type { IdRange } from '../kernel/subordinate-ids.ts';
import type { Store } from '../store/store.ts';
import type { StorageDriver } from './storage-driver.ts';
import type { OwnerMap } from './tree-copy.ts';

/** Lines of the maps of a user namespace (user_namespaces(7)). */
export type UserMaps = { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] };

/** Whether the root file system of a container can be mounted with its ids mapped. A millisecond. */
export function canMapIds(store: Store, driver: StorageDriver): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  // Overlayfs takes such layers since 5.19.
  if (driver === 'overlay2' && (major < 5 || (major === 5 && minor < 19))) return false;
  return canMapMount(store.layout.containers);
}

/** From the owners of the image to ids of the machine. @throws OnggiError `unsupported` where the maps have no such id */
export function toMachine({ uids, gids }: UserMaps): OwnerMap {
  return ({ uid, gid }) => ({
    uid: convert(uids, uid, 'user', 'containerId', 'hostId'),
    gid: convert(gids, gid, 'group', 'containerId', 'hostId'),
  });
}

/** The reverse. */
export function fromMachine({ uids, gids }: UserMaps): OwnerMap {
  return ({ uid, gid }) => ({
    uid: convert(uids, uid, 'user', 'hostId', 'containerId'),
    gid: convert(gids, gid, 'group', 'hostId', 'containerId'),
  });
}

type Side = 'containerId' | 'hostId';

function convert(map: readonly IdRange[], id: number, kind: 'user' | 'group', from: Side, to: Side): number {
  const range = map.find((each) => id >= each[from] && id < each[from] + each.size);
  if (range !== undefined) return range[to] + (id - range[from]);
  const where = from === 'containerId' ? 'the image has' : 'the container has';
  throw new OnggiError('unsupported', `${where} a file of ${kind} ${id}, which the user namespace does not map`, {
    hint: 'Use a user namespace with more ids.',
  });
}
