/** Namespaces of a container: its own, the machine's, those of another container. Pure. */
import { OnggiError } from '../../errors.ts';
import type { NamespaceName } from '../../oci/runtime-spec.ts';
import type { ContainerOptions } from '../types.ts';

/** The container whose namespace a mode means. */
export function joinedOf(mode: string | undefined): string | undefined {
  return mode?.startsWith('container:') === true ? mode.slice('container:'.length) : undefined;
}

/** The containers that must run for this one to start, with what it wants of each. */
export function joinedContainers(
  options: Pick<ContainerOptions, 'network' | 'ipcMode' | 'pidMode' | 'utsMode' | 'userNamespace'>,
): { readonly kind: 'network' | 'IPC' | 'PID' | 'UTS' | 'USER'; readonly container: string }[] {
  const { network, ipcMode, pidMode, utsMode, userNamespace } = options;
  const modes = [
    ['network', network],
    ['IPC', ipcMode],
    ['PID', pidMode],
    ['UTS', utsMode],
    ['USER', typeof userNamespace === 'string' ? userNamespace : undefined],
  ] as const;
  return modes.flatMap(([kind, mode]) => {
    const container = joinedOf(mode);
    return container === undefined ? [] : [{ kind, container }];
  });
}

/** What a container can't have of its own when its network is another's (moby, runconfig). @throws OnggiError `invalid` */
export function checkJoining(options: ContainerOptions): void {
  const { network, links = [], dns, hostname } = options;
  const joined = joinedOf(network) !== undefined;
  const conflicts: readonly (readonly [boolean, string])[] = [
    [joined && (hostname ?? '') !== '', 'hostname and the network mode'],
    [joined && dns !== undefined, 'dns and the network mode'],
    [options.macAddress !== undefined && (network ?? 'bridge') !== 'bridge', 'mac-address and the network mode'],
    [
      (options.linkLocalAddresses ?? []).length > 0 && (network ?? 'bridge') !== 'bridge',
      'link-local-ip and the network mode',
    ],
    [joined && (options.extraHosts ?? []).length > 0, 'custom host-to-IP mapping and the network mode'],
    [
      joined && ((options.ports ?? []).length > 0 || options.publishAll === true),
      'port publishing and the container type network mode',
    ],
    [joined && (options.exposed ?? []).length > 0, 'port exposing and the container type network mode'],
    [joined && links.length > 0, "container type network can't be used with links"],
    [network === 'host' && links.length > 0, "host type networking can't be used with links"],
    [network === 'none' && links.length > 0, "links and the network mode 'none'"],
  ];
  for (const [found, what] of conflicts) if (found) throw new OnggiError('invalid', `conflicting options: ${what}`);
}

type Entry = { readonly type: NamespaceName; readonly path?: string };

const files: Readonly<Partial<Record<NamespaceName, string>>> = { network: 'net' };

/** None for the machine's own. @param joined first processes by ID of container */
export function namespace(
  type: NamespaceName,
  mode: string | undefined,
  joined: ReadonlyMap<string, number>,
): readonly Entry[] {
  if (mode === 'host') return [];
  const container = joinedOf(mode);
  if (container === undefined) return [{ type }];
  return [{ type, path: `/proc/${joined.get(container) ?? 0}/ns/${files[type] ?? type}` }];
}
