/** The ids of a new container: those of the machine, or of a user namespace of its own. Acts. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { type Guard, lock } from '../../kernel/lock.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { containerById, listContainers } from '../../store/container-row.ts';
import type { Store } from '../../store/store.ts';
import { autoMap, checkMaps, mapAll, type Range, rangesIn, rangesOf } from '../spec/id-ranges.ts';
import { joinedContainers, joinedOf } from '../spec/namespace.ts';
import type { AutoNamespace, IdMapLine, IdMaps, UserNamespaceMode } from '../types/user-namespace.ts';
import type { ContainerOptions } from '../types.ts';
import { containerOf } from './container.ts';

/** Whose lines in subuid(5) are for containers that ask for no range in particular: Podman's, Docker's and our own name. */
const autoOwners = ['containers', 'onggi'];
const remapOwners = ['dockremap', 'onggi', 'containers'];

/**
 * The options with the ids that they come to.
 * @throws OnggiError `unsupported` for what an ordinary user can't have, `not-found` without ranges, `exhausted`, `invalid`
 */
export async function resolveUserNamespace(store: Store, options: ContainerOptions): Promise<ContainerOptions> {
  const mode = options.userNamespace;
  const user = unprivileged();
  if (user !== undefined) {
    if (mode === undefined && !joinedContainers(options).some(({ container }) => idMapsOf(store, container)))
      return options;
    return (await import('./own-user-namespace.ts')).resolveOwnNamespace(store, options, user);
  }
  if (mode === undefined || mode === 'host') return options;
  if (options.privileged === true && mode !== undefined) {
    throw new OnggiError('invalid', 'conflicting options: privileged and a user namespace', {
      hint: 'Give --userns host, or leave --privileged out.',
    });
  }
  const idMaps = mapsFor(store, mode);
  checkMaps(idMaps);
  return { ...options, idMaps };
}

/** Whether this machine may have SELinux on. */
export function hasSelinux(): boolean {
  return existsSync('/sys/fs/selinux/enforce');
}

/** Null where nothing is chosen that nobody else may have: neither ids nor SELinux's categories. */
export async function lockIds(store: Store, { userNamespace: mode }: ContainerOptions): Promise<Guard | null> {
  if ((typeof mode !== 'object' || mode.kind !== 'auto') && !hasSelinux()) return null;
  return await lock(join(store.layout.locks, 'ids'), 'exclusive');
}

function mapsFor(store: Store, mode: Exclude<UserNamespaceMode, 'host'>): IdMaps {
  if (mode === 'remap') return { uids: mapAll(ranges('uid', remapOwners)), gids: mapAll(ranges('gid', remapOwners)) };
  if (typeof mode === 'string') return mapsOfContainer(store, joinedOf(mode) ?? '');
  switch (mode.kind) {
    case 'maps':
      return { uids: mode.uids, gids: mode.gids };
    case 'subordinate':
      return { uids: mapAll(ranges('uid', [mode.user])), gids: mapAll(ranges('gid', [mode.group])) };
    case 'auto':
      return autoMaps(store, mode);
    case 'keep-id':
    case 'nomap':
      throw new OnggiError('invalid', `user namespace "${mode.kind}": only an ordinary user can have it`, {
        hint: 'As root there is auto, remap, --uidmap and --subuidname.',
      });
  }
}

/** Of the one whose namespace it joins. */
function mapsOfContainer(store: Store, id: string): IdMaps {
  const maps = idMapsOf(store, id);
  if (maps !== undefined) return maps;
  const name = containerById(store.database, id)?.name ?? id;
  throw new OnggiError('conflict', `container "${name}" has no user namespace of its own`);
}

/** Of a container, where they are not the usual ones. */
export function idMapsOf(store: Store, id: string): IdMaps | undefined {
  const row = containerById(store.database, id);
  return row === undefined ? undefined : containerOf(store, row).options.idMaps;
}

/** Nobody else has them: what gets out of this container is nobody in all others. */
function autoMaps(store: Store, mode: AutoNamespace): IdMaps {
  const others = listContainers(store.database).flatMap((row) => containerOf(store, row).options.idMaps ?? []);
  return freeMaps({ uids: ranges('uid', autoOwners), gids: ranges('gid', autoOwners) }, others, mode);
}

type Ranges = { readonly uids: readonly Range[]; readonly gids: readonly Range[] };

/** Ids of the ranges that none of the others has. @param mode its lines as ids of the machine @throws OnggiError `exhausted` */
export function freeMaps(from: Ranges, others: readonly IdMaps[], { size, ...lines }: AutoNamespace): IdMaps {
  const map = (kind: 'uids' | 'gids'): IdMapLine[] => {
    const taken = others.flatMap((maps) => rangesIn(maps[kind]));
    return autoMap(from[kind], taken, { size, lines: lines[kind] ?? [] });
  };
  return { uids: map('uids'), gids: map('gids') };
}

function ranges(kind: 'uid' | 'gid', names: readonly string[]): Range[] {
  const file = `/etc/sub${kind}`;
  const found = rangesOf(readText(file), names);
  if (found.length > 0) return found;
  throw new OnggiError('not-found', `user namespace: no ids for "${names.join('", "')}" in ${file}`, {
    hint: `Add a line to it, such as "${names[0]}:1000000000:1000000".`,
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Missing is empty.
    return '';
  }
}
