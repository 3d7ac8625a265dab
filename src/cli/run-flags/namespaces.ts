/** Namespaces of `run` and `create`: the container's own, the machine's, those of another container; and links. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { asIs, list, single, type Values } from '../definition.ts';
import { parseJoining, parseLink } from '../value/namespace.ts';
import {
  type AskedPlace,
  checkPlace,
  chosenNetwork,
  parseAddressOf,
  parseLinkLocal,
  parseMacAddress,
  parseNetwork,
} from '../value/network.ts';
import { oneOf } from '../value/number.ts';
import { parseIdMap, parseUserNamespace } from '../value/user-namespace.ts';

export const namespaceFlags = {
  cgroupns: single('string', oneOf('cgroup namespace', ['private', 'host']), 'Cgroup namespace: private or host', {
    shown: 'private',
    emptyIsAbsent: true,
  }),
  ipc: single(
    'string',
    parseJoining('IPC mode', ['private', 'host', 'none', 'shareable']),
    'IPC namespace: private, shareable, host, container:NAME, or none for no /dev/shm',
    { shown: 'private', emptyIsAbsent: true },
  ),
  ip: single('string', parseAddressOf(4), 'IPv4 address in a network of the user: there are none', {
    emptyIsAbsent: true,
  }),
  ip6: single('string', parseAddressOf(6), 'IPv6 address in a network of the user: there are none', {
    emptyIsAbsent: true,
  }),
  'link-local-ip': list('list', parseLinkLocal, 'Have this address too on its link: 169.254.1.1'),
  link: list('list', parseLink, 'Know another container by name: NAME[:ALIAS]'),
  'mac-address': single('string', parseMacAddress, 'MAC address of its link: 02:42:ac:11:00:02', {
    emptyIsAbsent: true,
  }),
  network: list('network', parseNetwork, 'Network: bridge (default), host, none or container:NAME', {
    aliases: ['net'],
  }),
  'network-alias': list('list', asIs, 'Name in a network of the user: there are none', { aliases: ['net-alias'] }),
  pid: single(
    'string',
    parseJoining('PID mode', ['host', 'private']),
    'PID namespace: host for that of the machine, or container:NAME',
    { emptyIsAbsent: true },
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
    { emptyIsAbsent: true },
  ),
} as const;

type NamespaceFlags = Values<typeof namespaceFlags>;

/** @throws OnggiError `invalid` */
export function namespaceOptions(
  flags: NamespaceFlags,
  hostname: string | undefined,
): Pick<
  ContainerOptions,
  | 'cgroupnsMode'
  | 'ipcMode'
  | 'linkLocalAddresses'
  | 'links'
  | 'macAddress'
  | 'network'
  | 'pidMode'
  | 'userNamespace'
  | 'utsMode'
> {
  const { cgroupns, ipc, link } = flags;
  const network = chosenNetwork(flags.network);
  const place = placeOf(flags);
  checkPlace(place);
  // On no link of its own it is discarded, as in Docker.
  const linkLocal = (network ?? 'bridge') === 'bridge' ? place.linkLocal : [];
  const [pid, uts] = [own(flags.pid), own(flags.uts)];
  if (uts !== undefined && hostname !== undefined) {
    throw new OnggiError('invalid', 'conflicting options: hostname and the UTS mode');
  }
  return {
    ...(network !== undefined && { network }),
    ...(place.mac !== undefined && { macAddress: place.mac }),
    ...(linkLocal.length > 0 && { linkLocalAddresses: linkLocal }),
    ...(pid !== undefined && { pidMode: pid }),
    ...(ipc !== undefined && { ipcMode: ipc }),
    ...(uts !== undefined && { utsMode: uts }),
    ...(cgroupns !== undefined && { cgroupnsMode: cgroupns }),
    ...(link.length > 0 && { links: link }),
    ...userNamespaceOf(flags),
  };
}

/** What the flags say, and what `--network` does. @throws OnggiError `invalid` where both do */
function placeOf(flags: NamespaceFlags): AskedPlace {
  const [network] = flags.network;
  const { ip, ip6, 'network-alias': aliases, 'link-local-ip': linkLocal, 'mac-address': mac } = flags;
  const addresses = [ip, ip6].filter((address) => address !== undefined);
  const conflicts: readonly (readonly [boolean, string])[] = [
    [aliases.length > 0 && (network?.aliases.length ?? 0) > 0, '--network-alias and per-network alias'],
    [addresses.length > 0 && (network?.addresses.length ?? 0) > 0, '--ip and per-network IP address'],
    [
      linkLocal.length > 0 && (network?.linkLocal.length ?? 0) > 0,
      '--link-local-ip and per-network link-local IP addresses',
    ],
    [mac !== undefined && network?.mac !== undefined, '--mac-address and per-network MAC address'],
  ];
  for (const [found, what] of conflicts) {
    if (found) throw new OnggiError('invalid', `conflicting options: cannot specify both ${what}`);
  }
  const chosen = mac ?? network?.mac;
  return {
    aliases: [...aliases, ...(network?.aliases ?? [])],
    addresses: [...addresses, ...(network?.addresses ?? [])],
    linkLocal: [...linkLocal, ...(network?.linkLocal ?? [])],
    ...(chosen !== undefined && { mac: chosen }),
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
