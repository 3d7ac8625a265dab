/** Namespaces of config.json as the way in which the init is spawned. Pure. */
import { OnggiError } from '../../errors.ts';
import type { IdMap, Linux, NamespaceName } from '../../oci/runtime-spec.ts';
import type { AttachStep, CgroupPlacement, NamespaceType, Spawn } from './steps.ts';

const types: Readonly<Record<NamespaceName, NamespaceType>> = {
  mount: 'mnt',
  pid: 'pid',
  network: 'net',
  uts: 'uts',
  ipc: 'ipc',
  cgroup: 'cgroup',
  user: 'user',
  time: 'time',
};

/** The words of config.json. */
export const namespaceNames: readonly string[] = Object.keys(types).sort();

/** Namespaces that the container does not share with the host, whether new or joined by path. */
export type Namespaces = ReadonlySet<NamespaceType>;

/** @throws OnggiError `invalid` */
export function namespacesOf(linux: Linux): Namespaces {
  const found = new Set<NamespaceType>();
  for (const { type } of linux.namespaces ?? []) {
    if (!Object.hasOwn(types, type)) throw new OnggiError('invalid', `namespace "${type}": no such type`);
    if (found.has(types[type])) throw new OnggiError('invalid', `namespace "${type}": given twice`);
    found.add(types[type]);
  }
  // Without it the mounts of the container would be the host's.
  if (!found.has('mnt')) throw new OnggiError('invalid', 'namespaces: a container needs one of type "mount"');
  return found;
}

/** @throws OnggiError `invalid` */
export function compileSpawn(linux: Linux, cgroups: CgroupPlacement, keepKeyring: boolean): Spawn {
  const namespaces: NamespaceType[] = [];
  const join: { type: NamespaceType; path: string }[] = [];
  for (const { type, path } of linux.namespaces ?? []) {
    if (path === undefined || path === '') namespaces.push(types[type]);
    else if (path.startsWith('/')) join.push({ type: types[type], path });
    else throw new OnggiError('invalid', `namespace "${type}": its path "${path}" is not absolute`);
  }
  return { kind: 'clone', namespaces, join, cgroups, timeOffsets: timeOffsets(linux, namespaces), keepKeyring };
}

function timeOffsets(linux: Linux, fresh: readonly NamespaceType[]): Extract<Spawn, { kind: 'clone' }>['timeOffsets'] {
  const offsets = Object.entries(linux.timeOffsets ?? {});
  if (offsets.length > 0 && !fresh.includes('time')) {
    throw new OnggiError('invalid', 'timeOffsets: they need a new namespace of type "time"');
  }
  return offsets.map(([clock, { secs = 0, nanosecs = 0 }]) => {
    if (clock !== 'monotonic' && clock !== 'boottime') {
      throw new OnggiError('invalid', `timeOffsets: no such clock "${clock}"`);
    }
    return { clock, secs: BigInt(secs), nanosecs };
  });
}

/** @throws OnggiError `invalid` when there are mappings without a new user namespace or the reverse */
export function compileIdMaps(linux: Linux): AttachStep[] {
  const uid = linux.uidMappings ?? [];
  const gid = linux.gidMappings ?? [];
  const user = linux.namespaces?.find((namespace) => namespace.type === 'user');
  const fresh = user !== undefined && (user.path === undefined || user.path === '');
  if (fresh !== (uid.length > 0 && gid.length > 0) || (!fresh && uid.length + gid.length > 0)) {
    throw new OnggiError('invalid', 'uidMappings and gidMappings: both go with a new namespace of type "user"');
  }
  if (!fresh) return [];
  return [{ op: 'id-map', uid: uid.map(mapping), gid: gid.map(mapping), setgroups: true }];
}

function mapping(map: IdMap): { containerId: number; hostId: number; size: number } {
  return { containerId: map.containerID, hostId: map.hostID, size: map.size };
}
