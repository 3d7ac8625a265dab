/** Namespaces of `run` and `create`: the container's own, the machine's, those of another container; and links. Pure. */
import type { ContainerOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { list, single, type Values } from '../definition.ts';
import { parseJoining, parseLink } from '../value/namespace.ts';
import { parseNetwork } from '../value/network.ts';
import { oneOf } from '../value/number.ts';

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
  network: single('network', parseNetwork, 'Network: bridge, host, none or container:NAME', {
    aliases: ['net'],
    shown: 'bridge',
  }),
  pid: single(
    'string',
    parseJoining('PID mode', ['host', 'private']),
    'PID namespace: host for that of the machine, or container:NAME',
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
): Pick<ContainerOptions, 'cgroupnsMode' | 'ipcMode' | 'links' | 'network' | 'pidMode' | 'utsMode'> {
  const { cgroupns, ipc, link, network } = flags;
  const [pid, uts] = [own(flags.pid), own(flags.uts)];
  if (uts !== undefined && hostname !== undefined) {
    throw new OnggiError('invalid', 'conflicting options: hostname and the UTS mode');
  }
  return {
    ...(network !== undefined && { network }),
    ...(pid !== undefined && { pidMode: pid }),
    ...(ipc !== undefined && { ipcMode: ipc }),
    ...(uts !== undefined && { utsMode: uts }),
    ...(cgroupns !== undefined && { cgroupnsMode: cgroupns }),
    ...(link.length > 0 && { links: link }),
  };
}

/** Podman's word for what a container has without a word. */
function own<T extends string>(mode: T | undefined): Exclude<T, 'private'> | undefined {
  return mode === 'private' ? undefined : (mode as Exclude<T, 'private'> | undefined);
}
