/** Namespaces of config.json as the way in which the init is spawned. Pure. */
import { OnggiError } from '../../errors.ts';
import type { Unprivileged } from '../../kernel/subordinate-ids.ts';
import type { IdMap, Linux, NamespaceName } from '../../oci/runtime-spec.ts';
import { keyringOf } from './keeper-request.ts';
import type { AttachStep, CgroupPlacement, IdMapping, NamespaceType, Spawn } from './steps.ts';

const types: ReadonlyMap<string, NamespaceType> = new Map<NamespaceName, NamespaceType>([
  ['mount', 'mnt'],
  ['pid', 'pid'],
  ['network', 'net'],
  ['uts', 'uts'],
  ['ipc', 'ipc'],
  ['cgroup', 'cgroup'],
  ['user', 'user'],
  ['time', 'time'],
]);

/** The words of config.json. */
export const namespaceNames: readonly string[] = [...types.keys()].sort();

/** Namespaces that the container does not share with the host, whether new or joined by path. */
export type Namespaces = ReadonlySet<NamespaceType>;

/** @throws OnggiError `invalid` */
export function namespacesOf(linux: Linux): Namespaces {
  const found = new Set<NamespaceType>();
  (linux.namespaces ?? []).forEach(({ type }, index) => {
    const kind = kindOf(type, index);
    if (found.has(kind)) throw new OnggiError('invalid', `${typeField(index)}: "${type}" is given twice`);
    found.add(kind);
  });
  // Without it the mounts of the container would be the host's.
  if (!found.has('mnt')) throw new OnggiError('invalid', 'linux.namespaces: a container needs one of type "mount"');
  return found;
}

function kindOf(type: string, index: number): NamespaceType {
  const kind = types.get(type);
  if (kind === undefined) throw new OnggiError('invalid', `${typeField(index)}: there is no namespace "${type}"`);
  return kind;
}

function typeField(index: number): string {
  return `linux.namespaces[${index}].type`;
}

/**
 * @param changed namespaces whose parameters the plan sets: they must not turn out to be the host's
 * @throws OnggiError `invalid`
 */
export function compileSpawn(
  linux: Linux,
  cgroups: CgroupPlacement,
  changed: Namespaces,
  keyring: Spawn['keyring'],
): Spawn {
  const namespaces: NamespaceType[] = [];
  const join: { type: NamespaceType; path: string; foreign?: boolean }[] = [];
  (linux.namespaces ?? []).forEach(({ type, path }, index) => {
    const kind = kindOf(type, index);
    if (path === undefined || path === '') namespaces.push(kind);
    else if (path.startsWith('/')) join.push({ type: kind, path, ...(changed.has(kind) && { foreign: true }) });
    else throw new OnggiError('invalid', `linux.namespaces[${index}].path: "${path}" is not absolute`);
  });
  return {
    kind: 'clone',
    namespaces,
    join,
    cgroups,
    timeOffsets: timeOffsets(linux, namespaces),
    ...keyringOf(keyring),
  };
}

function timeOffsets(linux: Linux, fresh: readonly NamespaceType[]): Extract<Spawn, { kind: 'clone' }>['timeOffsets'] {
  const offsets = Object.entries(linux.timeOffsets ?? {});
  if (offsets.length > 0 && !fresh.includes('time')) {
    throw new OnggiError('invalid', 'linux.timeOffsets: they need a new namespace of type "time"');
  }
  return offsets.map(([clock, { secs = 0, nanosecs = 0 }]) => {
    if (clock !== 'monotonic' && clock !== 'boottime') {
      throw new OnggiError('invalid', `linux.timeOffsets: no such clock "${clock}"`);
    }
    return { clock, secs: BigInt(secs), nanosecs };
  });
}

/**
 * An ordinary user may map its own ids and no others, its group only when setgroups(2) is denied for good
 * (user_namespaces(7)); other ids are mapped by newuidmap and newgidmap.
 *
 * A user namespace that is joined has its maps already; engines repeat them there, which says nothing new.
 *
 * @throws OnggiError `invalid` when there are maps without a user namespace or the reverse, or lines that overlap,
 *   `denied` or `unsupported` where an ordinary user can't have what is asked
 */
export function compileIdMaps(linux: Linux, unprivileged?: Unprivileged): AttachStep[] {
  const [user] = (linux.namespaces ?? []).filter((namespace) => namespace.type === 'user');
  if (user === undefined && unprivileged === undefined && !linux.uidMappings && !linux.gidMappings) return [];
  const uid = idMap('linux.uidMappings', linux.uidMappings ?? []);
  const gid = idMap('linux.gidMappings', linux.gidMappings ?? []);
  if (user?.path !== undefined && user.path !== '') return [];
  const both = uid.length > 0 && gid.length > 0;
  if ((user !== undefined) !== both || (user === undefined && uid.length + gid.length > 0)) {
    throw new OnggiError(
      'invalid',
      'linux.uidMappings and linux.gidMappings: both go with a new namespace of type "user"',
    );
  }
  if (unprivileged !== undefined && user === undefined) {
    throw new OnggiError('denied', 'linux.namespaces: without privileges a container needs one of type "user"', {
      hint: 'Add it with uidMappings and gidMappings, as "onggi-runtime spec --rootless" does, or run this as root.',
    });
  }
  if (unprivileged !== undefined && Object.keys(linux.timeOffsets ?? {}).length > 0) {
    throw new OnggiError('denied', 'linux.timeOffsets: the offsets of clocks are for root to set', {
      hint: 'Leave them out, or run this as root.',
    });
  }
  if (!both) return [];
  const step = { op: 'id-map', uid, gid, setgroups: true } as const;
  return [unprivileged === undefined ? step : { ...step, ...mappedBy(uid, gid, unprivileged) }];
}

function mappedBy(
  uid: readonly IdMapping[],
  gid: readonly IdMapping[],
  { uid: user, gid: group, helpers }: Unprivileged,
) {
  const isOwn = (maps: readonly IdMapping[], id: number): boolean =>
    maps.length === 1 && maps[0]?.size === 1 && maps[0].hostId === id;
  const [ownUser, ownGroup] = [isOwn(uid, user), isOwn(gid, group)];
  if (helpers === null && !(ownUser && ownGroup)) {
    throw new OnggiError(
      'unsupported',
      'linux.uidMappings, linux.gidMappings: other ids than your own need newuidmap and newgidmap',
      {
        hint: `Install them (Debian: package "uidmap"), or map only user ${user} and group ${group}, each with size 1.`,
      },
    );
  }
  return {
    setgroups: !ownGroup,
    helpers: { uid: ownUser ? null : (helpers?.uid ?? null), gid: ownGroup ? null : (helpers?.gid ?? null) },
  };
}

/** Lines as the kernel takes them: within 32 bits, no id of either side twice (user_namespaces(7)). */
export function idMap(field: string, maps: readonly IdMap[]): IdMapping[] {
  // Most containers have none.
  if (maps.length === 0) return [];
  for (const [index, map] of maps.entries()) {
    if (Math.max(map.containerID, map.hostID) + map.size > 0xffff_ffff) {
      throw new OnggiError('invalid', `${field}[${index}]: "${lineOf(map)}" reaches beyond the ids that there are`);
    }
    for (const earlier of maps.slice(0, index)) {
      if (
        overlap(map.containerID, earlier.containerID, map, earlier) ||
        overlap(map.hostID, earlier.hostID, map, earlier)
      ) {
        throw new OnggiError('invalid', `${field}[${index}]: "${lineOf(map)}" overlaps with "${lineOf(earlier)}"`);
      }
    }
  }
  return maps.map((map) => ({ containerId: map.containerID, hostId: map.hostID, size: map.size }));
}

function overlap(first: number, second: number, one: IdMap, other: IdMap): boolean {
  return first < second + other.size && second < first + one.size;
}

function lineOf(map: IdMap): string {
  return `${map.containerID} ${map.hostID} ${map.size}`;
}
