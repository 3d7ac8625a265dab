/** Namespaces of `run` and `create`: the container's own, the machine's, those of another container; and links. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { asIs, list, single, type Values } from '../definition.ts';
import { parseJoining, parseLink } from '../value/namespace.ts';
import { parseMacAddress, parseNetwork } from '../value/network.ts';
import { oneOf } from '../value/number.ts';
import { parseIdMap, parseUserNamespace } from '../value/user-namespace.ts';

export const namespaceFlags = {
  cgroupns: single('string', oneOf('cgroup namespace', ['private', 'host']), 'Cgroup namespace: private or host', {
    shown: 'private',
  }),
  ipc: single(
    'string',
    parseJoining('IPC mode', ['private', 'host', 'none', 'shareable']),
    'IPC namespace: private, shareable, host, container:NAME, or none for no /dev/shm',
    { shown: 'private' },
  ),
  link: list('list', parseLink, 'Know another container by name: NAME[:ALIAS]'),
  'mac-address': single('string', parseMacAddress, 'MAC address of its link: 02:42:ac:11:00:02'),
  network: single('network', parseNetwork, 'Network: bridge, host, none or container:NAME', {
    aliases: ['net'],
    shown: 'bridge',
  }),
  pid: single(
    'string',
    parseJoining('PID mode', ['host', 'private']),
    'PID namespace: host for that of the machine, or container:NAME',
  ),
  gidmap: list('list', parseIdMap, 'Ids of groups in a user namespace of its own: CONTAINER:HOST:SIZE'),
  subgidname: single('string', asIs, 'Name whose ids in /etc/subgid the container gets'),
  subuidname: single('string', asIs, 'Name whose ids in /etc/subuid the container gets'),
  uidmap: list('list', parseIdMap, 'Ids of users in a user namespace of its own: CONTAINER:HOST:SIZE'),
  userns: single(
    'string',
    parseUserNamespace,
    'User namespace: host, remap, auto[:size=N], keep-id[:uid=N,gid=N], nomap or container:NAME',
    { shown: 'host' },
  ),
  uts: single(
    'string',
    parseJoining('UTS mode', ['host', 'private']),
    'UTS namespace: host for that of the machine, or container:NAME',
  ),
} as const;

type NamespaceFlags = Values<typeof namespaceFlags>;

/** @throws OnggiError `invalid` */
export function namespaceOptions(
  flags: NamespaceFlags,
  hostname: string | undefined,
): Pick<
  ContainerOptions,
  'cgroupnsMode' | 'ipcMode' | 'links' | 'macAddress' | 'network' | 'pidMode' | 'userNamespace' | 'utsMode'
> {
  const { cgroupns, ipc, link, network } = flags;
  const [pid, uts] = [own(flags.pid), own(flags.uts)];
  if (uts !== undefined && hostname !== undefined) {
    throw new OnggiError('invalid', 'conflicting options: hostname and the UTS mode');
  }
  return {
    ...(network !== undefined && { network }),
    ...(flags['mac-address'] !== undefined && { macAddress: flags['mac-address'] }),
    ...(pid !== undefined && { pidMode: pid }),
    ...(ipc !== undefined && { ipcMode: ipc }),
    ...(uts !== undefined && { utsMode: uts }),
    ...(cgroupns !== undefined && { cgroupnsMode: cgroupns }),
    ...(link.length > 0 && { links: link }),
    ...userNamespaceOf(flags),
  };
}

/** @throws OnggiError `invalid` */
function userNamespaceOf(flags: NamespaceFlags): Pick<ContainerOptions, 'userNamespace'> {
  const { uidmap, gidmap, subuidname, subgidname, userns } = flags;
  const mapped = uidmap.length + gidmap.length > 0;
  const named = subuidname !== undefined || subgidname !== undefined;
  if ((mapped || named) && userns !== undefined && userns !== 'private') {
    throw new OnggiError('invalid', 'conflicting options: --userns and maps of ids');
  }
  if (mapped && named) throw new OnggiError('invalid', 'conflicting options: --uidmap or --gidmap and names of ranges');
  // One of a pair stands for both.
  if (mapped) {
    const uids = uidmap.length > 0 ? uidmap : gidmap;
    return { userNamespace: { kind: 'maps', uids, gids: gidmap.length > 0 ? gidmap : uidmap } };
  }
  if (named) {
    const user = subuidname ?? subgidname ?? '';
    return { userNamespace: { kind: 'subordinate', user, group: subgidname ?? user } };
  }
  if (userns === 'private') {
    throw new OnggiError('invalid', '--userns private: it needs --uidmap and --gidmap, or --subuidname');
  }
  return userns === undefined ? {} : { userNamespace: userns };
}

/** Podman's word for what a container has without a word. */
function own<T extends string>(mode: T | undefined): Exclude<T, 'private'> | undefined {
  return mode === 'private' ? undefined : (mode as Exclude<T, 'private'> | undefined);
}
