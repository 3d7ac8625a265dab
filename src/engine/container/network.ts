/**
 * A container's place in its network: the leases (rows) that say what it has, the bridge and rules that follow from
 * them. The bridge stands as long as somebody has a lease on it, and a moment longer (idle-network.ts): leases are taken
 * before it is made and given back before it is removed, and both happen under the network's lock.
 */
import { join } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { type Guard, lock } from '../../kernel/lock.ts';
import type { NetlinkStep } from '../../kernel/netlink-step.ts';
import { hasIpv6 } from '../../kernel/port-probe.ts';
import type { PortsStep } from '../../kernel/ports-step.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import {
  chooseAddress,
  chooseSubnet,
  formatMac,
  gatewayOf,
  macOf,
  overlaps,
  parseMac,
  parseSubnet,
} from '../../network/address.ts';
import { ensureBridge, forgetNeighbour, readHostNetworks } from '../../network/bridge.ts';
import { chooseBridge, type Network } from '../../network/network.ts';
import { checkFree, hostAddresses, isIpv6, type PortRange } from '../../network/port.ts';
import {
  checkForeign,
  checkHostPort,
  chooseHostPort,
  type ForeignPort,
  foreignPorts,
  publishPorts,
  unpublishPorts,
} from '../../network/publish.ts';
import { loopbackStep, vethSteps } from '../../network/veth.ts';
import { type ContainerRow, hasProcess, listContainers } from '../../store/container-row.ts';
import {
  activateNetwork,
  addressesOfContainer,
  insertNetwork,
  isNetworkActive,
  listAddressLeases,
  listNetworks,
  listPortLeases,
  moveNetwork,
  type NetworkRow,
  networkByName,
  portsOfContainer,
  takeAddress,
  takePort,
} from '../../store/network-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { joinedOf } from '../spec/namespace.ts';
import type { PortMapping } from '../types.ts';
import type { Container } from './container.ts';
import type { NetworkFacts } from './inspect.ts';

/** The network of `--network bridge`. */
const defaultName = 'bridge';

/** Where the machine answers to one that is on its network, or has none. */
export const loopback = '127.0.0.1';

export type ContainerNetwork = {
  /** What passes on to it what comes by IPv6. */
  readonly prepare?: readonly PortsStep[];
  readonly attach: readonly NetlinkStep[];
  readonly init: readonly NetlinkStep[];
  readonly address: string | null;
  /** What "host-gateway" is for it. */
  readonly gateway: string;
};

export function networkFacts(network: NetworkRow, address: string, mac?: string): NetworkFacts {
  return {
    name: network.name,
    gateway: network.gateway,
    prefixLength: parseSubnet(network.subnet).prefixLength,
    mac: mac ?? formatMac(macOf(address)),
  };
}

/**
 * The default network, made at its first use with a subnet and a bridge name that nothing on this host has. While its
 * bridge does not stand, another store or program may have taken either: then it moves.
 */
export function ensureDefaultNetwork(store: Store): NetworkRow {
  const found = networkByName(store.database, defaultName);
  if (found !== undefined && (isNetworkActive(store.database, defaultName) || isFree(found))) return found;
  const place = freePlace(store);
  if (found !== undefined) {
    moveNetwork(store.database, defaultName, place);
  } else {
    try {
      insertNetwork(store.database, { name: defaultName, ...place, owner: 'onggi', created: Date.now() });
    } catch (error) {
      // Another process may have been faster: its choice counts.
      if (networkByName(store.database, defaultName) === undefined) throw error;
    }
  }
  return networkRow(store, defaultName);
}

function isFree({ bridge, subnet }: NetworkRow): boolean {
  const host = readHostNetworks();
  const own = parseSubnet(subnet);
  return !host.links.includes(bridge) && !host.subnets.some((other) => overlaps(parseSubnet(other), own));
}

function freePlace(store: Store): Pick<NetworkRow, 'bridge' | 'subnet' | 'gateway'> {
  const host = readHostNetworks();
  const others = listNetworks(store.database).filter(({ name }) => name !== defaultName);
  const subnet = chooseSubnet([...host.subnets, ...others.map((network) => network.subnet)]);
  const bridge = chooseBridge([...host.links, ...others.map((network) => network.bridge)]);
  return { bridge, subnet, gateway: gatewayOf(parseSubnet(subnet)) };
}

/**
 * Takes address and ports for a container; within the caller's transaction.
 * @throws OnggiError `exhausted` (addresses), `conflict` (a port is published or used already)
 */
export function takeLeases(store: Store, { id }: ContainerRow, name: string, ports: readonly PortMapping[]): void {
  const { database } = store;
  // As it is now: from here on it stays in its place.
  const network = networkRow(store, name);
  const taken = listAddressLeases(database, network.name).map(({ address }) => address);
  activateNetwork(database, network.name);
  takeAddress(database, { network: network.name, address: chooseAddress(network, taken), containerId: id });
  takePorts(store, id, ports, ports.length === 0 ? [] : foreignPorts(network.bridge));
}

/**
 * Takes ports for a container; within the caller's transaction.
 * @param foreign what others publish by rules
 * @throws OnggiError `conflict` (a port is published or used already), `denied`
 */
export function takePorts(
  { database }: Store,
  containerId: string,
  ports: readonly PortMapping[],
  foreign: readonly ForeignPort[],
): void {
  // Those that must have one port come before those that may have another.
  for (const mapping of ports.toSorted((a, b) => Number(isChosen(a)) - Number(isChosen(b)))) {
    const leased = listPortLeases(database);
    const { containerPort, protocol } = mapping;
    const hostIps = hostAddresses(mapping.hostIp, hasIpv6);
    const hostPort = isChosen(mapping)
      ? chooseHostPort(protocol, hostIps, [...leased, ...foreign], rangeOf(mapping))
      : mapping.hostPort;
    for (const hostIp of hostIps) {
      const port = { hostIp, hostPort, containerPort, protocol };
      checkFree(port, leased);
      checkForeign(port, foreign);
      if (!isChosen(mapping)) checkHostPort(port);
      takePort(database, { ...port, containerId });
    }
  }
}

function isChosen({ hostPort, lastHostPort }: PortMapping): boolean {
  return hostPort === 0 || lastHostPort !== undefined;
}

function rangeOf({ hostPort, lastHostPort }: PortMapping): PortRange | undefined {
  return lastHostPort === undefined ? undefined : { low: hostPort, high: lastHostPort };
}

/** Steps that connect a container; its bridge stands when this returns. */
export async function connectNetwork(context: Context, container: Container): Promise<ContainerNetwork> {
  const { row, options } = container;
  if (row.networkMode === 'host' || joinedOf(row.networkMode) !== undefined) {
    return { attach: [], init: [], address: null, gateway: loopback };
  }
  const [lease] = addressesOfContainer(context.store.database, row.id);
  const passed = await passedOn(context.store, container, lease?.address ?? null);
  if (row.networkName === null || lease === undefined)
    return { ...passed, attach: [], init: [loopbackStep()], address: null, gateway: loopback };
  const network = networkOf(context.store, row.networkName);
  using _held = await lockNetwork(context.store, row.networkName);
  const bridge = ensureBridge(network);
  for (const warning of bridge.warnings) context.warn(warning);
  if (bridge.rulesMade) republish(context.store, network);
  const nonce = container.start?.nonce ?? row.id;
  const { attach, init } = vethSteps(network, bridge, {
    containerId: row.id,
    address: lease.address,
    nonce,
    ...(options.macAddress !== undefined && { mac: parseMac(options.macAddress) }),
    ...(options.linkLocalAddresses !== undefined && { linkLocal: options.linkLocalAddresses }),
  });
  return { ...passed, attach: [attach], init: [init], address: lease.address, gateway: network.gateway };
}

/** @param address null: pasta publishes its IPv4 ports */
async function passedOn(
  { database }: Store,
  { row, options }: Container,
  address: string | null,
): Promise<Pick<ContainerNetwork, 'prepare'>> {
  // Most publish nothing, and are not looked up.
  if ((options.ports ?? []).length === 0 && options.publishAll !== true) return {};
  const ports = portsOfContainer(database, row.id);
  if (!ports.some(isIpv6)) return {};
  const { portsStep } = await import('../../network/pass-on.ts');
  return { prepare: portsStep(ports, address) };
}

/** Somebody flushed the rules, or the machine was started anew: containers that run get their ports back. */
function republish(store: Store, network: Network): void {
  for (const row of listContainers(store.database, ['running', 'starting'])) {
    const { id, networkName } = row;
    if (networkName === network.name && hasProcess(row)) publishLeases(store, network, id);
  }
}

function publishLeases(store: Store, network: Network, id: string): void {
  const [lease] = addressesOfContainer(store.database, id);
  const ports = portsOfContainer(store.database, id);
  if (lease === undefined || ports.length === 0) return;
  publishPorts(network, id, lease.address, ports);
}

/** Opens the container's published ports to the world. */
export function publish(store: Store, { row }: Container): void {
  if (row.networkName !== null) publishLeases(store, networkOf(store, row.networkName), row.id);
}

/**
 * Closes the ports of a container that has ended. Its leases must be there still, so that nobody gets its address or
 * ports before.
 */
export function unpublish(store: Store, { row, options }: Container): void {
  if (row.networkName !== null && options.macAddress !== undefined) {
    const [lease] = addressesOfContainer(store.database, row.id);
    if (lease !== undefined) forgetNeighbour(networkOf(store, row.networkName), lease.address);
  }
  if (row.networkName === null || portsOfContainer(store.database, row.id).length === 0) return;
  unpublishPorts(networkOf(store, row.networkName), row.id);
}

/** Whether pasta(1) connects it: the network of an ordinary user's container that asks for none in particular. */
export function usesPasta({ row }: Container): boolean {
  return row.networkMode === 'bridge' && row.networkName === null && unprivileged() !== undefined;
}

/** The container's network is up and its ports are open when this returns. @throws OnggiError `unavailable` */
export async function connectPasta({ database }: Store, { id, files, options }: Container, pid: number): Promise<void> {
  const { startPasta } = await import('../../network/pasta.ts');
  const ports = portsOfContainer(database, id);
  const { passedOn: isPassedOn } = await import('../../network/pass-on.ts');
  startPasta(
    pid,
    files.pasta,
    ports.filter((port) => !isPassedOn(port, ports)),
    options.macAddress,
  );
}

export function lockNetwork(store: Store, name: string): Promise<Guard> {
  return lock(join(store.layout.locks, `network-${name}`), 'exclusive');
}

export function networkOf(store: Store, name: string): Network {
  const { bridge, subnet, gateway } = networkRow(store, name);
  return { name, bridge, subnet, gateway, owner: store.layout.root };
}

/** @throws OnggiError `not-found` */
function networkRow(store: Store, name: string): NetworkRow {
  const row = networkByName(store.database, name);
  if (row === undefined) throw new OnggiError('not-found', `No such network: ${name}`);
  return row;
}
