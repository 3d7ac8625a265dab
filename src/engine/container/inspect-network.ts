/** NetworkSettings of the Engine API. Pure. */
import type { ContainerSummary, NetworkMode } from '../types.ts';
import { byKey, portBindings } from './inspect-config.ts';

export type NetworkFacts = {
  readonly name: string;
  readonly gateway: string;
  readonly prefixLength: number;
  readonly mac: string;
};

/** IPv6 and swarm: there is none of either. */
const noAddresses = {
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
} as const;

/**
 * @param exposed what the image or the user exposes: unpublished it stands there with nothing while the container runs, as
 *   in Docker
 */
export function networkSettings(
  { id, pid, address, ports }: ContainerSummary,
  mode: NetworkMode | string,
  network: NetworkFacts | null,
  exposed: readonly string[],
): Record<string, unknown> {
  const connected = network !== null && address !== null;
  const shown = connected ? Object.fromEntries(exposed.map((port) => [port, null])) : {};
  const name = network?.name ?? mode;
  const up = pid !== null && pid !== undefined;
  const endpoint = {
    EndpointID: up ? id : '',
    Gateway: connected ? network.gateway : '',
    IPAddress: connected ? address : '',
    IPPrefixLen: connected ? network.prefixLength : 0,
    MacAddress: connected ? network.mac : '',
    ...noAddresses,
  };
  return {
    Bridge: '',
    SandboxID: up ? id : '',
    SandboxKey: up ? `/proc/${pid}/ns/net` : '',
    Ports: byKey<unknown>({ ...shown, ...portBindings(ports) }),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    ...(mode.startsWith('container:') ? withoutEndpoint : endpoint),
    Networks: mode.startsWith('container:')
      ? {}
      : {
          [name]: {
            IPAMConfig: null,
            Links: null,
            Aliases: null,
            DriverOpts: null,
            GwPriority: 0,
            NetworkID: up ? name : '',
            ...endpoint,
            DNSNames: null,
          },
        },
  };
}

/** Of one that has the network of another container. */
const withoutEndpoint = {
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  MacAddress: '',
  ...noAddresses,
} as const;
