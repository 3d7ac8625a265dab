/** Bridges in the kernel: made when a container needs them, removed with their rules when none does. */

import { OnggiError } from '../errors.ts';
import { type NetlinkSocket, netlinkSocket } from '../kernel/netlink-socket.ts';
import { randomHex } from '../random.ts';
import { formatSubnet, macOf, parseAddress, parseSubnet } from './address.ts';
import { allowForwarding, forwardingObstacles, stopForwarding } from './forwarding.ts';
import { aliasOf, type Bridge, checkNetwork, type Network, tableOf } from './network.ts';
import { batch, deleteTable, getTable } from './nftables.ts';
import {
  configureBridge,
  deleteLink,
  deleteNeighbour,
  getLink,
  type Link,
  listLinks,
  listRoutes,
  newAddress,
  newBridge,
  parseLinks,
  parseRoutes,
} from './route.ts';
import { networkRules } from './rules.ts';
import { exchange, type Refused, transact } from './transaction.ts';
import { highIndex } from './veth.ts';

export type EnsuredBridge = Bridge & {
  /** The rules were missing and are there again, without ports: those of running containers must be published anew. */
  readonly rulesMade: boolean;
  /** What keeps the network from working as it should, in words for the user. */
  readonly warnings: readonly string[];
};

/**
 * Makes the bridge with its address and rules, and lets this host forward, as far as they are not there. Idempotent;
 * two processes may do it at once.
 *
 * @throws OnggiError `conflict` when a link of that name is not this owner's; `denied` without CAP_NET_ADMIN
 */
export function ensureBridge(network: Network): EnsuredBridge {
  checkNetwork(network);
  const route = netlinkSocket('route');
  const found = ownLink(route, network);
  // Rules first: there is no moment in which the bridge stands unprotected.
  const rulesMade = ensureRules(network);
  const link = found ?? makeLink(route, network);
  const forwarding = allowForwarding();
  const warnings = found === undefined || rulesMade ? [...forwarding, ...forwardingObstacles()] : forwarding;
  return { index: link.index, mtu: link.mtu, rulesMade, warnings };
}

/**
 * Removes the bridge and its rules, and what lets this host forward, if no other bridge needs it. Idempotent; a bridge
 * of another owner stays, with its rules. Containers that are connected lose their network.
 */
export function removeBridge(network: Network): void {
  checkNetwork(network);
  const route = netlinkSocket('route');
  const link = linkByName(route, network.bridge);
  if (link !== undefined && !isOwn(link, network)) return;
  const netfilter = netlinkSocket('netfilter');
  // Rules first, though the bridge then stands without for a moment: nothing is connected to it any more, and while
  // it is unregistered (30 ms) the kernel gets to free them.
  ignore(exchange(netfilter, batch([deleteTable(tableOf(network.bridge))])).refused, 'ENOENT');
  if (link !== undefined) ignore(exchange(route, [deleteLink(link.index, link.name)]).refused, 'ENODEV');
  stopForwarding(route);
}

/** Of a container that had a MAC address of its own: the next one with its address has another. Idempotent. */
export function forgetNeighbour(network: Network, address: string): void {
  const route = netlinkSocket('route');
  const link = linkByName(route, network.bridge);
  if (link === undefined) return;
  const { refused } = exchange(route, [deleteNeighbour(link.index, parseAddress(address))]);
  ignore(refused, 'ENOENT');
}

function ignore(refused: readonly Refused[], errno: string): void {
  const other = refused.find((refusal) => refusal.errno !== errno);
  if (other !== undefined) throw other.error;
}

function linkByName(route: NetlinkSocket, name: string): Link | undefined {
  const { replies, refused } = exchange(route, [getLink(name)]);
  ignore(refused, 'ENODEV');
  return parseLinks(replies)[0];
}

function isOwn(link: Link, { owner }: Network): boolean {
  return link.kind === 'bridge' && link.alias === aliasOf(owner);
}

function ownLink(route: NetlinkSocket, network: Network): Link | undefined {
  const link = linkByName(route, network.bridge);
  if (link === undefined || isOwn(link, network)) return link;
  throw new OnggiError(
    'conflict',
    `bridge "${network.bridge}": a link of that name is not of this store ("${link.alias}")`,
    {
      hint: 'Another store or program made it. Let the network have another bridge.',
    },
  );
}

/** @returns whether they were made now */
function ensureRules(network: Network): boolean {
  const netfilter = netlinkSocket('netfilter');
  const { refused } = exchange(netfilter, [getTable(tableOf(network.bridge))]);
  ignore(refused, 'ENOENT');
  if (refused.length === 0) return false;
  const made = exchange(netfilter, networkRules(network)).refused;
  // Somebody was faster: their batch holds all, as ours would have.
  ignore(made, 'EEXIST');
  return made.length === 0;
}

/** Hardware allows more, but a container's packets leave by the uplink, and no router tells of a smaller MTU there. */
const usualMtu = 1500;

function makeLink(route: NetlinkSocket, network: Network): Link {
  const index = highIndex(randomHex(9));
  const mtu = uplinkMtu(route);
  const gateway = parseAddress(network.gateway);
  const { refused } = exchange(route, [
    newBridge({ name: network.bridge, index, mac: macOf(network.gateway), mtu }),
    // By index: when the name was taken in between, these find nothing and touch nobody's link.
    configureBridge(index, aliasOf(network.owner)),
    newAddress(index, gateway, parseSubnet(network.subnet).prefixLength),
  ]);
  const [first] = refused;
  if (first === undefined)
    return { index, mtu, name: network.bridge, alias: aliasOf(network.owner), kind: 'bridge', master: 0 };
  const other = first.errno === 'EEXIST' ? ownLink(route, network) : undefined;
  if (other === undefined) throw first.error;
  return other;
}

/** The smallest MTU of the links that default routes lead to. */
function uplinkMtu(route: NetlinkSocket): number {
  const uplinks = parseRoutes(transact(route, [listRoutes()])).filter(
    ({ destination }) => destination.prefixLength === 0,
  );
  if (uplinks.length === 0) return usualMtu;
  const links = parseLinks(transact(route, [listLinks()]));
  const mtus = links.filter(({ index }) => uplinks.some(({ output }) => output === index)).map(({ mtu }) => mtu);
  return Math.min(usualMtu, ...mtus);
}

export type HostNetworks = {
  /** Names of all links. */
  readonly links: readonly string[];
  /** Subnets that routes lead to, in CIDR notation; no default route. */
  readonly subnets: readonly string[];
};

/** What is taken on this host, for the choice of a subnet and of a bridge's name. */
export function readHostNetworks(): HostNetworks {
  const route = netlinkSocket('route');
  const links = parseLinks(transact(route, [listLinks()])).map(({ name }) => name);
  const routes = parseRoutes(transact(route, [listRoutes()]));
  const subnets = routes.map(({ destination }) => destination).filter(({ prefixLength }) => prefixLength > 0);
  return { links, subnets: [...new Set(subnets.map(formatSubnet))] };
}
