/** Published ports in the kernel: elements of the maps of `rules.ts`. */
import { readFileSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { type NetlinkSocket, netlinkSocket } from '../kernel/netlink-socket.ts';
import { probePort } from '../kernel/port-probe.ts';
import { randomBelow } from '../random.ts';
import { type Network, tableOf } from './network.ts';
import {
  batch,
  deleteElements,
  type Element,
  listElements,
  listTables,
  parseElements,
  parseTables,
} from './nftables.ts';
import {
  anyAddress,
  choosePort,
  collides,
  formatEndpoint,
  formatHostPort,
  type HostPort,
  isIpv6,
  type PortMapping,
  type PortRange,
  parsePortRange,
} from './port.ts';
import { maps, type Publication, parsePublication, publication } from './rules.ts';
import { exchange } from './transaction.ts';

export type { Publication } from './rules.ts';

/**
 * Redirects IPv4 ports of this host to a container, all or none. `ensureBridge` comes first.
 *
 * @throws OnggiError `conflict` when another container of this network has one of them
 */
export function publishPorts(
  network: Network,
  containerId: string,
  address: string,
  ports: readonly PortMapping[],
): void {
  const own = ports.filter((port) => !isIpv6(port));
  if (own.length === 0) return;
  const netfilter = netlinkSocket('netfilter');
  const [refusal] = exchange(netfilter, publication(network.bridge, containerId, address, own)).refused;
  if (refusal === undefined) return;
  if (refusal.errno !== 'EEXIST') throw refusal.error;
  const words = own.map(formatHostPort).join(', ');
  throw new OnggiError('conflict', `publish ${words}: port is already allocated`, { cause: refusal.error });
}

/** Takes back all ports of a container. Idempotent; a network without rules has none. */
export function unpublishPorts(network: Network, containerId: string): void {
  const table = tableOf(network.bridge);
  const netfilter = netlinkSocket('netfilter');
  const deletions = Object.values(maps).flatMap(({ name }) => {
    const own = elementsOf(netfilter, table, name).filter(({ comment }) => comment === containerId);
    return deleteElements(
      table,
      name,
      own.map(({ key }) => key),
    );
  });
  if (deletions.length === 0) return;
  const [refusal] = exchange(netfilter, batch(deletions)).refused;
  // A batch is all or nothing: somebody else was faster with a part, or the table has gone.
  if (refusal?.errno === 'ENOENT') unpublishPorts(network, containerId);
  else if (refusal !== undefined) throw refusal.error;
}

function elementsOf(netfilter: NetlinkSocket, table: string, map: string): Element[] {
  const { replies, refused } = exchange(netfilter, [listElements(table, map)]);
  const [refusal] = refused;
  if (refusal === undefined) return parseElements(replies);
  if (refusal.errno === 'ENOENT') return [];
  throw refusal.error;
}

/** What is published in a network, for reconciling it with the store. */
export function publishedPorts({ bridge }: Pick<Network, 'bridge'>): Publication[] {
  const netfilter = netlinkSocket('netfilter');
  const table = tableOf(bridge);
  return Object.values(maps)
    .flatMap((map) => elementsOf(netfilter, table, map.name))
    .flatMap((element) => parsePublication(element) ?? []);
}

/** Ids of containers that have published ports in a network. */
export function publishedContainers(network: Network): Set<string> {
  return new Set(publishedPorts(network).map(({ containerId }) => containerId));
}

/** A port that another store of this host publishes. */
export type ForeignPort = HostPort & { readonly bridge: string };

/** What other stores publish: their rules and ours are asked for the same packets, and nobody listens on a socket. */
export function foreignPorts(ownBridge: string): ForeignPort[] {
  return bridgesWithRules()
    .filter((bridge) => bridge !== ownBridge)
    .flatMap((bridge) => publishedPorts({ bridge }).map(({ port }) => ({ ...port, bridge })));
}

/** @throws OnggiError `conflict` (in Docker's words) when another store has the port */
export function checkForeign(port: HostPort, foreign: readonly ForeignPort[]): void {
  const other = foreign.find((each) => collides(port, each));
  if (other === undefined) return;
  throw new OnggiError('conflict', `Bind for ${formatEndpoint(port)} failed: port is already allocated`, {
    hint: `A container of another store (--root), on the bridge "${other.bridge}", publishes this port.`,
  });
}

/**
 * What a process of this host would stand in the way of. The store keeps containers apart (`checkFree`).
 *
 * @throws OnggiError `conflict` (in Docker's words) when a process listens there, `invalid` when this host does not
 *   have the address, `denied` when it may not be bound
 */
export function checkHostPort(port: HostPort): void {
  const found = probePort(port.protocol, port.hostIp, port.hostPort);
  if (found === 'free') return;
  const tried = `failed to bind host port ${formatHostPort(port)}`;
  if (found === 'denied') throw new OnggiError('denied', `${tried}: permission denied`, { hint: lowPortHint });
  if (found === 'no-address') throw new OnggiError('invalid', `${tried}: cannot assign requested address`);
  throw new OnggiError('conflict', `${tried}: address already in use`, {
    hint: 'A program of this host has the port. Stop it, or publish another port.',
  });
}

const lowPortHint =
  'Publish a port from 1024 up, or have root lower net.ipv4.ip_unprivileged_port_start (ip-sysctl.rst).';

/**
 * A free port for a mapping that does not name one: neither leased (`taken`) nor listened on.
 * @param hostIps at all of which it is to be free
 * @param range of which it takes the first one; absent: any port
 * @throws OnggiError `exhausted`
 */
export function chooseHostPort(
  protocol: HostPort['protocol'],
  hostIps: readonly string[],
  taken: readonly HostPort[],
  range?: PortRange,
): number {
  const [hostIp = anyAddress] = hostIps;
  const wanted = { protocol, hostIp };
  const isFree = ({ hostPort }: HostPort): boolean =>
    hostIps.every((each) => {
      const port = { protocol, hostIp: each, hostPort };
      return !taken.some((other) => collides(port, other)) && probePort(protocol, each, hostPort) === 'free';
    });
  if (range !== undefined) return choosePort(wanted, range, taken, isFree, 0);
  return choosePort(wanted, readPortRange(), taken, isFree, randomBelow(2 ** 32) / 2 ** 32);
}

const rangePath = '/proc/sys/net/ipv4/ip_local_port_range';

function readPortRange(): PortRange {
  try {
    return parsePortRange(readFileSync(rangePath, 'latin1'));
  } catch (error) {
    throw fromSystemError(error, `read "${rangePath}"`);
  }
}

/** Bridges that have a table of rules, of whatever store: what a crash may have left without a link. */
export function bridgesWithRules(): string[] {
  const netfilter = netlinkSocket('netfilter');
  const prefix = tableOf('');
  return parseTables(exchange(netfilter, [listTables()]).replies)
    .filter((table) => table.startsWith(prefix))
    .map((table) => table.slice(prefix.length));
}
