/** `-v …:U`: what is mounted is given to the container's user, all of it, at each start. Acts. */
import { OnggiError, unsupported } from '../../errors.ts';
import { toMachine } from '../../image/id-map.ts';
import { openDirectory } from '../../kernel/directory.ts';
import { isAlive, type ProcessIdentity } from '../../kernel/process-identity.ts';
import { mapsOf, unprivileged } from '../../kernel/user-namespace.ts';
import { volumeDataPath } from '../../store/layout.ts';
import type { Store } from '../../store/store.ts';
import { volumeByName } from '../../store/volume-row.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../context.ts';
import { type Owner, ownerInContainer } from '../copy/owner.ts';
import { localSide } from '../copy/side.ts';
import type { Gift } from '../mapped/ask.ts';
import type { ContainerOptions } from '../types.ts';
import { give } from './give-tree.ts';
import { openRealPlace, realPlace, realSource, storePlace } from './real-source.ts';
import { volumeFacts } from './volume.ts';
import { givenMounts } from './volume-mount.ts';

const deed = 'chowning';

/** @throws OnggiError `unsupported`, `denied` for what is not given away */
export function checkGiven(store: Store, options: Pick<ContainerOptions, 'mounts'>): void {
  for (const mount of givenMounts(options)) {
    if (mount.type === 'bind') realSource(mount.source, deed);
    else if (mount.name !== undefined && volumeByName(store.database, mount.name) !== undefined) {
      checkOwn(store, mount.name);
    }
    if (mount.type === 'volume' && Object.keys(mount.options ?? {}).length > 0) throw foreign(mount.name ?? '');
  }
}

/**
 * @param init of the container, whose mounts are made and which waits: its accounts are those of its image
 * @throws OnggiError `not-found` for a user that is in none of them, as `checkGiven`
 */
export async function giveMounts(context: Context, container: Container, init: ProcessIdentity): Promise<void> {
  const { store } = context;
  const gifts = giftsOf(store, container, await ownerOf(store, container, init));
  const user = unprivileged();
  if (user !== undefined) {
    (await import('../mapped/ask.ts')).askMapped(context, user, { op: 'give', gifts });
    return;
  }
  for (const gift of gifts) {
    using parent = openRealPlace(gift);
    give(parent, Buffer.from(gift.name), gift, gift.deep);
  }
}

function giftsOf(store: Store, { options }: Container, inside: Owner): Gift[] {
  const user = unprivileged();
  const maps = options.idMaps ?? (user === undefined ? undefined : mapsOf(user));
  const outside = maps === undefined ? inside : toMachine(maps)(inside);
  return givenMounts(options).map((mount): Gift => {
    if (mount.type === 'bind') {
      return { ...realPlace(realSource(mount.source, deed)), deep: true, ...outside };
    }
    const name = mount.name ?? '';
    checkOwn(store, name);
    // On the disk it has the ids of the inside, whoever has it; an ordinary user's volumes can't be shown with others.
    const owner = user === undefined ? inside : outside;
    return { ...storePlace(volumeDataPath(store.layout, name)), deep: true, ...owner };
  });
}

async function ownerOf(store: Store, container: Container, init: ProcessIdentity): Promise<Owner> {
  using root = openDirectory(`/proc/${init.pid}/root`);
  if (!isAlive(init)) {
    throw new OnggiError('conflict', `start "${container.row.name}": its first process has ended already`);
  }
  return (
    (await ownerInContainer(
      store,
      localSide(root, () => {}),
      container,
    )) ?? { uid: 0, gid: 0 }
  );
}

/** @throws OnggiError `unsupported` for a volume whose files are not those of its directory */
function checkOwn(store: Store, name: string): void {
  if (Object.keys(volumeFacts(store, name).options).length > 0) throw foreign(name);
}

function foreign(name: string): OnggiError {
  return unsupported(`"U" of volume "${name}", which mounts something else`, 'Use its mount options, such as uid=.');
}
