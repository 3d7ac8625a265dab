/**
 * The nf_tables rules of a network, as messages. Pure.
 *
 * One table a bridge, so that everything goes with it. Published ports are elements of two maps: the lookup costs the
 * same with one port and with ten thousand, and an element carries its container's id as comment, by which any later
 * command finds it. No rule accepts forwarding, because an accept in one table does not outvote a drop in another.
 */
import { addressBytes, formatAddress, parseAddress, parseSubnet, type Subnet } from './address.ts';
import { bigEndian32, type Message, parseText, type ReceivedMessage } from './netlink-message.ts';
import { type Network, tableOf } from './network.ts';
import {
  destination,
  forThisHost,
  inputLink,
  inputLinkIn,
  linkNameBytes,
  masquerade,
  outputLink,
  outputLinkIn,
  type Range,
  redirectByMap,
  source,
  verdict,
  wasRedirected,
} from './nft-expression.ts';
import {
  batch,
  type Element,
  listElements,
  type MapOptions,
  newChain,
  newElements,
  newMap,
  newRule,
  newSet,
  newTable,
  parseElements,
} from './nftables.ts';
import { anyAddress, type HostPort, type PortMapping, type Protocol } from './port.ts';

/** Data types of nft(8), datatype.h: ipv4_addr 7, inet_proto 12, inet_service 13. */
const portKey = (12 << 6) | 13;
const endpointData = (7 << 6) | 13;

/** Ports published on all addresses, and those on one. */
export const maps = {
  any: { name: 'ports', id: 1, keyType: portKey, keyLength: 8, dataType: endpointData, dataLength: 8 },
  one: { name: 'ports-at', id: 2, keyType: (7 << 12) | portKey, keyLength: 12, dataType: endpointData, dataLength: 8 },
} as const satisfies Record<string, MapOptions>;

function rangeOf({ base, prefixLength }: Subnet): Range {
  const bits = prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
  return { base: bigEndian32(base), mask: bigEndian32(bits) };
}

const loopback = rangeOf(parseSubnet('127.0.0.0/8'));

/** Everything that a network needs of nf_tables, in one batch; refused with EEXIST when its table is there. */
export function networkRules({ bridge, subnet }: Network): Message[] {
  const table = tableOf(bridge);
  const own = rangeOf(parseSubnet(subnet));
  const rule = (chain: string, what: string, ...expressions: Parameters<typeof newRule>[2][number][]): Message =>
    newRule(table, chain, expressions, what);
  return batch([
    newTable(table),
    newChain(table, 'protect', { type: 'filter', hook: 'prerouting', priority: -300 }),
    newChain(table, 'prerouting', { type: 'nat', hook: 'prerouting', priority: -100 }),
    newChain(table, 'output', { type: 'nat', hook: 'output', priority: -100 }),
    newChain(table, 'postrouting', { type: 'nat', hook: 'postrouting', priority: 100 }),
    newChain(table, 'publish'),
    newMap(table, maps.any),
    newMap(table, maps.one),
    // The bridge routes 127.0.0.0/8 (route_localnet), so what is not from this host must not come in by it
    // (CVE-2020-8558), nor claim to be this host (CVE-2021-20199).
    rule(
      'protect',
      'drop packets to loopback from outside',
      ...inputLink('is not', 'lo'),
      ...destination(loopback),
      verdict('drop'),
    ),
    rule(
      'protect',
      'drop packets from loopback by the bridge',
      ...inputLink('is', bridge),
      ...source(loopback),
      verdict('drop'),
    ),
    // Neighbours and other networks reach a container by its published ports only, as with Docker since 28.
    rule(
      'protect',
      'drop packets to containers from outside',
      ...inputLink('is not', 'lo'),
      ...inputLink('is not', bridge),
      ...destination(own),
      verdict('drop'),
    ),
    rule('prerouting', 'published ports', ...forThisHost, verdict('jump', 'publish')),
    rule('output', 'published ports for this host', ...forThisHost, verdict('jump', 'publish')),
    rule('publish', 'ports of one address', ...redirectByMap(maps.one.name, maps.one.id, true)),
    rule('publish', 'ports of all addresses', ...redirectByMap(maps.any.name, maps.any.id, false)),
    // A container that reaches itself or its neighbour by a published port must be answered by way of this host.
    rule(
      'postrouting',
      'hide containers from each other',
      ...outputLink('is', bridge),
      ...source(own),
      ...wasRedirected,
      masquerade,
    ),
    rule('postrouting', 'hide loopback from containers', ...outputLink('is', bridge), ...source(loopback), masquerade),
    rule('postrouting', 'hide containers from the world', ...source(own), ...outputLink('is not', bridge), masquerade),
  ]);
}

const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };

/** Each part of a concatenation is padded to 32 bits. */
function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff, 0, 0);
}

function keyOf({ hostIp, hostPort, protocol }: HostPort): Uint8Array {
  const address = hostIp === anyAddress ? [] : addressBytes(parseAddress(hostIp));
  return Uint8Array.of(...address, protocolNumbers[protocol], 0, 0, 0, ...portBytes(hostPort));
}

function elementOf(port: PortMapping, containerId: string, address: string): Element {
  const data = Uint8Array.of(...addressBytes(parseAddress(address)), ...portBytes(port.containerPort));
  return { key: keyOf(port), data, comment: containerId };
}

export type Publication = { readonly containerId: string; readonly port: PortMapping; readonly address: string };

/** What an element of a map says; undefined for one that is not of onggi. */
export function parsePublication({ key, data, comment }: Element): Publication | undefined {
  const view = Buffer.from(key);
  const target = Buffer.from(data ?? []);
  const offset = key.length - 8;
  if ((offset !== 0 && offset !== 4) || target.length !== 8 || comment === '') return undefined;
  const protocol = view[offset] === protocolNumbers.udp ? 'udp' : 'tcp';
  const hostIp = offset === 0 ? anyAddress : formatAddress(view.readUInt32BE(0));
  const port = {
    hostIp,
    hostPort: view.readUInt16BE(offset + 4),
    protocol,
    containerPort: target.readUInt16BE(4),
  } as const;
  return { containerId: comment, port, address: formatAddress(target.readUInt32BE(0)) };
}

/** Redirects ports of this host to a container. Refused with EEXIST when one of them is taken in this network. */
export function publication(
  bridge: string,
  containerId: string,
  address: string,
  ports: readonly PortMapping[],
): Message[] {
  const table = tableOf(bridge);
  const of = (wanted: boolean): Element[] =>
    ports
      .filter(({ hostIp }) => (hostIp === anyAddress) === wanted)
      .map((port) => elementOf(port, containerId, address));
  const lists = [
    { map: maps.any.name, list: of(true) },
    { map: maps.one.name, list: of(false) },
  ];
  return batch(lists.flatMap(({ map, list }) => newElements(table, map, list)));
}

/** The table that `forwarding.ts` keeps while onggi lets this host forward. */
export const forwardingTable = 'onggi-forward';

export type LinkNames = readonly string[];

const linksSet = { name: 'links', id: 1, keyType: 41, keyLength: 16 } as const;

/** Links that were there before do not forward to each other. Refused with EEXIST when the table is there. */
export function forwardingRules(links: LinkNames): Message[] {
  const names = links.map((name) => ({ key: linkNameBytes(name), comment: '' }));
  return batch([
    newTable(forwardingTable),
    newChain(forwardingTable, 'forward', { type: 'filter', hook: 'forward', priority: 0 }),
    newSet(forwardingTable, linksSet),
    ...newElements(forwardingTable, linksSet.name, names),
    newRule(
      forwardingTable,
      'forward',
      [...inputLinkIn(linksSet.name, linksSet.id), ...outputLinkIn(linksSet.name, linksSet.id), verdict('drop')],
      'drop packets between links that did not forward before',
    ),
  ]);
}

export function linkNames(): Message {
  return listElements(forwardingTable, linksSet.name);
}

export function parseLinkNames(replies: readonly ReceivedMessage[]): LinkNames {
  return parseElements(replies).map(({ key }) => parseText(Buffer.from(key)));
}
