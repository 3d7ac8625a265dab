/** Binds whose ids are mapped (config.md, "idmap"), and the ranges that crun takes behind the word. Pure. */
import { OnggiError } from '../../errors.ts';
import type { IdMap, Mount } from '../../oci/runtime-spec.ts';
import type { MountOptions } from './mount-options.ts';
import { idMap } from './namespaces.ts';
import type { BindMapping } from './steps.ts';

/** The maps of the container's user namespace; empty without one, or when it is joined. */
export type ContainerMaps = { readonly uid: readonly IdMap[]; readonly gid: readonly IdMap[] };

/**
 * Maps alone ask for a mapping as the words do; the words alone mean the maps of the container.
 *
 * @param userNamespace the container has one of its own, new or joined
 * @returns null for a mount whose ids stay as they are
 * @throws OnggiError `invalid`
 */
export function idMapping(
  mount: Mount,
  target: string,
  options: MountOptions,
  userNamespace: boolean,
  container: ContainerMaps,
): BindMapping | null {
  const fields = mount.uidMappings !== undefined || mount.gidMappings !== undefined;
  if (options.idMap === 'no' && !fields) return null;
  const ranges = options.idRanges === '' ? null : parseRanges(target, options.idRanges, container);
  if (ranges !== null && fields) {
    throw new OnggiError(
      'invalid',
      `mount "${target}": ids are mapped by an option and by uidMappings and gidMappings`,
      { hint: 'Leave one of the two out.' },
    );
  }
  const uid = idMap(`mount "${target}": uidMappings`, ranges?.uid ?? mount.uidMappings ?? []);
  const gid = idMap(`mount "${target}": gidMappings`, ranges?.gid ?? mount.gidMappings ?? []);
  if (uid.length > 0 !== gid.length > 0) {
    throw new OnggiError('invalid', `mount "${target}": uidMappings and gidMappings go together`);
  }
  const recursive = options.idMap === 'recursive';
  if (uid.length > 0) return { maps: { uid, gid }, recursive };
  if (options.idMap === 'no') return null;
  if (!userNamespace) {
    throw new OnggiError('invalid', `mount "${target}": it has no uidMappings and the container no user namespace`);
  }
  return { maps: null, recursive };
}

/** Of crun(1): "uids=FROM-TO-SIZE[#...];gids=...", where TO is an id of the container's behind an "@". */
function parseRanges(target: string, text: string, container: ContainerMaps): { uid: IdMap[]; gid: IdMap[] } {
  const found: { uid: IdMap[]; gid: IdMap[] } = { uid: [], gid: [] };
  for (const part of text.split(';')) {
    const [, kind, list = ''] = /^([ug]id)s=(.+)$/s.exec(part) ?? [];
    if (kind !== 'uid' && kind !== 'gid') throw noRange(target, part);
    for (const range of list.split('#')) found[kind].push(parseRange(target, range, container[kind]));
  }
  return found;
}

function parseRange(target: string, range: string, container: readonly IdMap[]): IdMap {
  const [, relative, from, to, length] = /^(@?)(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(range) ?? [];
  const size = Number(length ?? 0);
  if (size === 0) throw noRange(target, range);
  const map = { containerID: Number(from), hostID: Number(to), size };
  if (relative === '') return map;
  const within = container.find(
    ({ containerID, size: all }) => map.hostID >= containerID && map.hostID + size <= containerID + all,
  );
  if (within === undefined) {
    throw new OnggiError(
      'invalid',
      `mount "${target}": "${range}" goes beyond linux.uidMappings or linux.gidMappings`,
      {
        hint: 'Behind an "@" the second number is an id of the container\'s; without it, one of the machine\'s.',
      },
    );
  }
  return { ...map, hostID: within.hostID + map.hostID - within.containerID };
}

function noRange(target: string, text: string): OnggiError {
  return new OnggiError('invalid', `mount "${target}": "${text}" maps no ids`, {
    hint: 'Write idmap=uids=FROM-TO-SIZE#FROM-TO-SIZE;gids=FROM-TO-SIZE, or "idmap" for the maps of the container.',
  });
}
