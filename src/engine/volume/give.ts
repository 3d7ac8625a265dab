/** `-v …:U`: what is mounted is given to the container's user, all of it, at each start. Acts. */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix } from 'node:path';
import { errnoOf, fromSystemError, OnggiError, unsupported } from '../../errors.ts';
import { toMachine } from '../../image/id-map.ts';
import { type Directory, openDirectory, openEntryDirectory } from '../../kernel/directory.ts';
import { listEntries, setEntryOwner } from '../../kernel/directory-entry.ts';
import { entryFacts } from '../../kernel/entry-facts.ts';
import { isAlive, type ProcessIdentity } from '../../kernel/process-identity.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { volumePath } from '../../store/layout.ts';
import type { Store } from '../../store/store.ts';
import { volumeByName } from '../../store/volume-row.ts';
import type { Container } from '../container/container.ts';
import { type Owner, ownerInContainer } from '../copy/owner.ts';
import { localSide } from '../copy/side.ts';
import type { BindMount, ContainerOptions } from '../types.ts';
import { checkNotSystem } from './system-path.ts';
import { volumeFacts } from './volume.ts';
import { givenMounts } from './volume-mount.ts';

/** Each level is a descriptor that is held. */
const depthMax = 500;

/** @throws OnggiError `unsupported`, `denied` for what is not given away */
export function checkGiven(store: Store, options: Pick<ContainerOptions, 'mounts'>): void {
  for (const mount of givenMounts(options)) {
    if (unprivileged() !== undefined) {
      throw unsupported('"U" of a mount for an ordinary user', 'Use "onggi unshare chown -R …".');
    }
    if (mount.type === 'bind') realSource(mount);
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
export async function giveMounts(store: Store, container: Container, init: ProcessIdentity): Promise<void> {
  const inside = await ownerOf(store, container, init);
  const { idMaps } = container.options;
  for (const mount of givenMounts(container.options)) {
    if (mount.type === 'bind') {
      const source = realSource(mount);
      using parent = openDirectory(posix.dirname(source));
      give(parent, Buffer.from(posix.basename(source)), idMaps === undefined ? inside : toMachine(idMaps)(inside));
    } else {
      const name = mount.name ?? '';
      checkOwn(store, name);
      // On the disk it has the ids of the inside, whoever has it.
      using parent = openDirectory(volumePath(store.layout, name));
      give(parent, Buffer.from('_data'), inside);
    }
  }
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

/** Where the source is, which may not be there yet. */
function realSource({ source }: BindMount): string {
  const path = resolved(source);
  checkNotSystem(path, homedir());
  return path;
}

function resolved(source: string): string {
  try {
    return realpathSync(source);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return posix.resolve(source);
    throw fromSystemError(error, `look at "${source}"`);
  }
}

/** @throws OnggiError `unsupported` for a volume whose files are not those of its directory */
function checkOwn(store: Store, name: string): void {
  if (Object.keys(volumeFacts(store, name).options).length > 0) throw foreign(name);
}

function foreign(name: string): OnggiError {
  return unsupported(`"U" of volume "${name}", which mounts something else`, 'Use its mount options, such as uid=.');
}

/** Links themselves, not what they lead to. Others may change the tree meanwhile: what has gone is passed over. */
function give(parent: Directory, name: Buffer, owner: Owner, depth = 0): void {
  if (depth > depthMax) {
    throw new OnggiError('exhausted', `"U" of a mount: it has directories more than ${depthMax} deep`, {
      hint: 'Leave "U" out, and use chown -R on the host.',
    });
  }
  try {
    const facts = entryFacts(parent, name);
    if (facts === undefined) return;
    if (facts.uid !== owner.uid || facts.gid !== owner.gid) setEntryOwner(parent, name, owner.uid, owner.gid);
    if (facts.kind !== 'directory') return;
    using directory = openEntryDirectory(parent, name);
    for (const entry of listEntries(directory)) give(directory, entry, owner, depth + 1);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}
