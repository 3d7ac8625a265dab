/** The ids of an ordinary user's container that are not the usual ones (Podman's --userns without root). Acts. */
import { OnggiError } from '../../errors.ts';
import type { Unprivileged } from '../../kernel/subordinate-ids.ts';
import { mapsOf, nameOfUser } from '../../kernel/user-namespace.ts';
import { listContainers } from '../../store/container-row.ts';
import type { Store } from '../../store/store.ts';
import type { Account } from '../mapped/ask.ts';
import { checkMaps } from '../spec/id-ranges.ts';
import { joinedContainers } from '../spec/namespace.ts';
import { keepIdMaps, noMaps, ownMaps, subordinateRanges } from '../spec/user-maps.ts';
import type { AutoNamespace, IdMaps } from '../types/user-namespace.ts';
import type { ContainerOptions } from '../types.ts';
import { containerOf } from './container.ts';
import { freeMaps, idMapsOf } from './user-namespace.ts';

/**
 * The options with the ids that they come to; without, where these are the usual ones.
 * @throws OnggiError `unsupported`, `not-found` without subordinate ids, `exhausted`, `invalid`, `conflict`
 */
export function resolveOwnNamespace(store: Store, options: ContainerOptions, user: Unprivileged): ContainerOptions {
  const { userNamespace: mode, rootfs } = options;
  const joined = joinedContainers(options).map(({ container }) => container);
  // Without privileges, what belongs to a user namespace is shared with it.
  const idMaps = joined.length > 0 ? mapsOfJoined(store, joined, mode) : mapsFor(store, mode, user);
  const named = withUser(options, user);
  if (idMaps === undefined) return named;
  checkMaps(idMaps);
  if (rootfs?.overlay === true || rootfs?.mapped === true) {
    throw new OnggiError('unsupported', '--rootfs DIR:O or :idmap with other ids: mounts that map ids are for root', {
      hint: 'Leave --userns out, or take a directory whose files have the ids already.',
    });
  }
  return { ...named, idMaps };
}

function mapsOfJoined(
  store: Store,
  joined: readonly string[],
  mode: ContainerOptions['userNamespace'],
): IdMaps | undefined {
  const [first, ...others] = joined.map((id) => idMapsOf(store, id));
  if (typeof mode === 'object' || others.some((maps) => JSON.stringify(maps) !== JSON.stringify(first))) {
    throw new OnggiError('conflict', 'a container that shares namespaces of another one has its user namespace, too', {
      hint: 'Leave --userns out, and share namespaces of containers with the same ids.',
    });
  }
  return first;
}

/** Undefined for the usual ones. */
function mapsFor(store: Store, mode: ContainerOptions['userNamespace'], user: Unprivileged): IdMaps | undefined {
  if (mode === undefined || mode === 'host') return undefined;
  const own = mapsOf(user);
  if (typeof mode === 'object') {
    switch (mode.kind) {
      case 'keep-id': {
        const ids = insideIds(mode, user);
        return ids.uid === 0 && ids.gid === 0 ? undefined : keepIdMaps(own, ids);
      }
      case 'nomap':
        return noMaps(own);
      case 'maps':
        return ownMaps(own, mode);
      case 'auto':
        return autoMaps(store, own, mode);
      case 'subordinate':
    }
  }
  throw new OnggiError('unsupported', `user namespace "${typeof mode === 'object' ? mode.kind : mode}" without root`, {
    hint: 'There are keep-id[:uid=N,gid=N], nomap, auto[:size=N], --uidmap and container:NAME.',
  });
}

/** Those of other containers made the same way are not for this one; the rest of the user's containers has them all. */
function autoMaps(store: Store, own: IdMaps, mode: AutoNamespace): IdMaps {
  const others = listContainers(store.database)
    .map((row) => containerOf(store, row).options)
    .filter(({ userNamespace: mode }) => typeof mode === 'object' && mode.kind === 'auto');
  const from = { uids: subordinateRanges(own.uids, 'uid'), gids: subordinateRanges(own.gids, 'gid') };
  return freeMaps(
    from,
    others.flatMap(({ idMaps }) => idMaps ?? []),
    { ...mode, ...ownMaps(own, { uids: mode.uids ?? [], gids: mode.gids ?? [] }) },
  );
}

type Ids = { readonly uid: number; readonly gid: number };

function insideIds(mode: { readonly uid?: number; readonly gid?: number }, user: Unprivileged): Ids {
  return { uid: mode.uid ?? user.uid, gid: mode.gid ?? user.gid };
}

/** With keep-id the process is the user's, too, whatever the image says. */
function withUser(options: ContainerOptions, user: Unprivileged): ContainerOptions {
  const { userNamespace: mode } = options;
  if (typeof mode !== 'object' || mode.kind !== 'keep-id' || (options.user ?? '') !== '') return options;
  const { uid, gid } = insideIds(mode, user);
  return { ...options, user: `${uid}:${gid}` };
}

/** The lines that passwd and group of the image get for the user, as with Podman. */
export function accountOf(
  { userNamespace: mode, workingDir }: ContainerOptions,
  user: Unprivileged,
): Account | undefined {
  if (typeof mode !== 'object' || mode.kind !== 'keep-id') return undefined;
  const { uid, gid } = insideIds(mode, user);
  const home = workingDir !== undefined && /^\/[^:\n]*$/.test(workingDir) ? workingDir : '/';
  if (mode.uid !== undefined || mode.gid !== undefined) {
    return { name: `${uid}`, group: `${gid}`, uid, gid, comment: 'container user', home };
  }
  const name = nameOfUser(user) ?? '';
  // What would end a field or a line of passwd(5) is no name.
  return /^[a-z_][a-z0-9_.-]*$/i.test(name) ? { name, group: name, uid, gid, comment: '', home } : undefined;
}
