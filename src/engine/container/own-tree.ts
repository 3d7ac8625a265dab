/**
 * The file system of an ordinary user's container with other ids than the usual ones: a copy, because mounts that map ids are
 * for root. Acts.
 */
import { statSync } from 'node:fs';
import { toMachine } from '../../image/id-map.ts';
import type { TreePlace } from '../../image/tree-mark.ts';
import type { Unprivileged } from '../../kernel/subordinate-ids.ts';
import type { Digest } from '../../oci/digest.ts';
import { volumeDataPath } from '../../store/layout.ts';
import type { Context } from '../context.ts';
import { askMapped, type Gift } from '../mapped/ask.ts';
import type { IdMaps } from '../types/user-namespace.ts';
import type { ContainerOptions } from '../types.ts';
import { storePlace } from '../volume/real-source.ts';
import type { Container } from './container.ts';
import { accountOf } from './own-user-namespace.ts';

type Request = {
  readonly files: TreePlace;
  readonly image: Digest;
  /** Of a container, whose user gets a name in it. */
  readonly options?: ContainerOptions;
  readonly maps: IdMaps;
};

/** The caller has the lock that keeps the layers there. @throws OnggiError `unsupported` for an owner that has no id */
export function copyOwnTree(context: Context, user: Unprivileged, { files, image, options, maps }: Request): void {
  const account = options === undefined ? undefined : accountOf(options, user);
  askMapped(context, user, {
    op: 'snapshot',
    root: context.store.layout.root,
    place: { tree: files.tree, whole: files.whole },
    image,
    maps,
    ...(account !== undefined && { account }),
  });
}

/** What the engine keeps for the container becomes that of its root: the files of /etc, and volumes that nobody has used. */
export function giveOwnFiles(context: Context, user: Unprivileged, { files, options }: Container): void {
  if (options.idMaps === undefined) return;
  const root = toMachine(options.idMaps)({ uid: 0, gid: 0 });
  const gift = (path: string): Gift => ({ ...storePlace(path), deep: false, ...root });
  const etc = [files.hostname, files.hosts, files.resolv].map(gift);
  // Where the user is somebody, the volume is that one's, as with Podman.
  const isNobody = !options.idMaps.uids.some(({ hostId, size }) => user.uid >= hostId && user.uid < hostId + size);
  const fresh = (options.mounts ?? []).flatMap((mount) => {
    if (!isNobody || mount.type !== 'volume' || mount.name === undefined) return [];
    const data = volumeDataPath(context.store.layout, mount.name);
    return statSync(data).uid === user.uid ? [gift(data)] : [];
  });
  askMapped(context, user, { op: 'give', gifts: [...etc, ...fresh] });
}
