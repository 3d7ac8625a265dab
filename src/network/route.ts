/**
 * Messages of rtnetlink(7) for links, addresses and routes, and the reading of its dumps. Pure. Numbers are of
 * <linux/if_link.h>, <linux/rtnetlink.h>, <linux/if_addr.h>, <linux/if_bridge.h> and <linux/veth.h>.
 */
import { type Address, addressBytes, formatSubnet, lastAddress, type Subnet, subnetOf } from './address.ts';
import {
  type Attribute,
  attribute,
  flags,
  type Message,
  parseAttributes,
  parseText,
  type ReceivedMessage,
  text,
  u8,
  u32,
} from './netlink-message.ts';

const types = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  newRoute: 24,
  getRoute: 26,
  newNeighbour: 28,
  deleteNeighbour: 29,
};

const link = {
  ...{ address: 1, name: 3, mtu: 4, master: 10, linkInfo: 18, namespacePid: 19, alias: 20, familySpec: 26 },
  newIndex: 49,
};
const linkInfo = { kind: 1, data: 2, memberKind: 4, memberData: 5 };

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
const IFF_UP = 1;
/** IFNAMSIZ less the NUL. */
export const longestLinkName = 15;

/** struct ifinfomsg: family, type, index, flags, mask of flags to change. */
function linkHeader(index: number, up: boolean): Uint8Array {
  const header = Buffer.alloc(16);
  header.writeUInt8(AF_UNSPEC, 0);
  header.writeInt32LE(index, 4);
  if (up) {
    header.writeUInt32LE(IFF_UP, 8);
    header.writeUInt32LE(IFF_UP, 12);
  }
  return header;
}

/** A new bridge, up. `index` is asked for, so that later messages of the same datagram can name the link by it. */
export function newBridge(options: { name: string; index: number; mac: Uint8Array; mtu: number }): Message {
  return {
    type: types.newLink,
    flags: flags.ack | flags.create | flags.exclusive,
    header: linkHeader(options.index, true),
    attributes: [
      attribute(link.name, text(options.name)),
      // Without a fixed address a bridge takes the lowest of its ports', and changes it as they come and go.
      attribute(link.address, options.mac),
      attribute(link.mtu, u32(options.mtu)),
      attribute(link.linkInfo, [attribute(linkInfo.kind, text('bridge'))]),
    ],
    what: `create bridge "${options.name}"`,
  };
}

/** IPV4_DEVCONF_ROUTE_LOCALNET and IN6_ADDR_GEN_MODE_NONE, below their families. */
const routeLocalnet = 26;
const generateNoAddress = 1;

function familySpec(localnet: boolean): Attribute {
  // IFLA_INET6_ADDR_GEN_MODE: no link-local address, so nothing is reached around the rules for IPv4.
  const inet6 = attribute(AF_INET6, [attribute(8, u8(generateNoAddress))]);
  const inet = attribute(AF_INET, [attribute(1, [attribute(routeLocalnet, u32(1))])]);
  return attribute(link.familySpec, localnet ? [inet, inet6] : [inet6]);
}

/** Marks a bridge with its owner and sets how it treats addresses; see `familySpec`. */
export function configureBridge(index: number, alias: string): Message {
  return {
    type: types.setLink,
    flags: flags.ack,
    header: linkHeader(index, false),
    attributes: [attribute(link.alias, text(alias)), familySpec(true)],
    what: `mark bridge as of "${alias}"`,
  };
}

/** No IPv6 address by itself on a link inside a container, named by its name. */
export function withoutLinkLocal(name: string): Message {
  return {
    type: types.setLink,
    flags: flags.ack,
    header: linkHeader(0, false),
    attributes: [attribute(link.name, text(name)), familySpec(false)],
    what: `no link-local address on "${name}"`,
  };
}

export type VethOptions = {
  readonly name: string;
  readonly index: number;
  readonly alias: string;
  /** Index of the bridge. */
  readonly master: number;
  readonly mtu: number;
  readonly peer: { readonly name: string; readonly index: number; readonly mac: Uint8Array };
};

/** VETH_INFO_PEER */
const peerInfo = 1;

/** A veth pair: this end up and a port of the bridge, the peer in the namespace of a process not yet known. */
export function newVeth({ name, index, master, mtu, peer }: VethOptions): Message {
  const peerAttributes = [
    attribute(link.name, text(peer.name)),
    attribute(link.address, peer.mac),
    attribute(link.mtu, u32(mtu)),
    attribute(link.namespacePid, 'pid'),
  ];
  const data = [attribute(peerInfo, { header: linkHeader(peer.index, false), attributes: peerAttributes })];
  return {
    type: types.newLink,
    flags: flags.ack | flags.create | flags.exclusive,
    header: linkHeader(index, true),
    attributes: [
      attribute(link.name, text(name)),
      attribute(link.mtu, u32(mtu)),
      attribute(link.master, u32(master)),
      attribute(link.linkInfo, [attribute(linkInfo.kind, text('veth')), attribute(linkInfo.data, data)]),
    ],
    what: `create veth "${name}" with "${peer.name}" in the container`,
  };
}

/** IFLA_BRPORT_MODE: hairpin. */
const hairpinMode = 4;

/**
 * Marks a bridge port and lets it send back where a frame came from: with net.bridge.bridge-nf-call-iptables (other
 * engines set it) a container reaches its own published port that way.
 */
export function configurePort(index: number, alias: string): Message {
  return {
    type: types.newLink,
    flags: flags.ack,
    header: linkHeader(index, false),
    attributes: [
      attribute(link.alias, text(alias)),
      attribute(link.linkInfo, [
        attribute(linkInfo.memberKind, text('bridge')),
        attribute(linkInfo.memberData, [attribute(hairpinMode, u8(1))]),
      ]),
    ],
    what: `mark bridge port as of "${alias}"`,
  };
}

/** Brings a link up, by index or by name. */
export function linkUp(which: { index: number } | { name: string }): Message {
  const byName = 'name' in which;
  return {
    type: types.newLink,
    flags: flags.ack,
    header: linkHeader(byName ? 0 : which.index, true),
    attributes: byName ? [attribute(link.name, text(which.name))] : [],
    what: `bring link ${byName ? `"${which.name}"` : which.index} up`,
  };
}

/** Hands a link over to the network namespace of a process not yet known. @param index that it gets there */
export function moveLink({ index: from, name }: Link, index: number, rename: string | null): Message {
  return {
    type: types.setLink,
    flags: flags.ack,
    header: linkHeader(from, false),
    attributes: [
      attribute(link.namespacePid, 'pid'),
      attribute(link.newIndex, u32(index)),
      ...(rename === null ? [] : [attribute(link.name, text(rename))]),
    ],
    what: `move network device "${name}" into the container${rename === null ? '' : ` as "${rename}"`}`,
  };
}

export function deleteLink(index: number, name: string): Message {
  return {
    type: types.deleteLink,
    flags: flags.ack,
    header: linkHeader(index, false),
    attributes: [],
    what: `delete link "${name}"`,
  };
}

/** IFLA_EXT_MASK with RTEXT_FILTER_SKIP_STATS: the reply is half as long. */
const extendedMask = attribute(29, u32(8));

export function getLink(name: string): Message {
  return {
    type: types.getLink,
    flags: 0,
    header: linkHeader(0, false),
    attributes: [attribute(link.name, text(name)), extendedMask],
    what: `look at link "${name}"`,
  };
}

export function listLinks(): Message {
  return {
    type: types.getLink,
    flags: flags.dump,
    header: linkHeader(0, false),
    attributes: [extendedMask],
    what: 'list links',
  };
}

const address = { address: 1, local: 2, broadcast: 4 };

/** struct ifaddrmsg: family, prefix length, flags, scope, index. */
export function newAddress(index: number, host: Address, prefixLength: number): Message {
  const header = Buffer.alloc(8);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(prefixLength, 1);
  header.writeUInt32LE(index, 4);
  const broadcast = lastAddress(subnetOf(host, prefixLength));
  return {
    type: types.newAddress,
    flags: flags.ack | flags.create | flags.exclusive,
    header,
    attributes: [
      attribute(address.local, addressBytes(host)),
      attribute(address.address, addressBytes(host)),
      attribute(address.broadcast, addressBytes(broadcast)),
    ],
    what: `give link ${index} address "${formatSubnet({ base: host, prefixLength })}"`,
  };
}

/** RT_SCOPE_LINK */
const scopeLink = 253;
/** IFA_F_NODAD: it is there at once, without a second in which others are asked for it. */
const withoutDetection = 0x02;

/** @param host of fe80::/10, 16 bytes */
export function newLinkLocal(index: number, host: Uint8Array): Message {
  const header = Buffer.alloc(8);
  header.writeUInt8(AF_INET6, 0);
  header.writeUInt8(64, 1);
  header.writeUInt8(withoutDetection, 2);
  header.writeUInt8(scopeLink, 3);
  header.writeUInt32LE(index, 4);
  return {
    type: types.newAddress,
    flags: flags.ack | flags.create | flags.exclusive,
    header,
    attributes: [attribute(address.local, host), attribute(address.address, host)],
    what: `give link ${index} a link-local IPv6 address`,
  };
}

const neighbour = { destination: 1, linkAddress: 2 };
/** NUD_STALE: right as far as anybody knows, asked for again when it is used. */
const stale = 0x04;

/** struct ndmsg: family, index, state, flags, type. */
function neighbourHeader(index: number, state: number): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(AF_INET, 0);
  header.writeInt32LE(index, 4);
  header.writeUInt16LE(state, 8);
  return header;
}

/** Who has an address now, for a link that may remember another one. */
export function newNeighbour(index: number, host: Address, mac: Uint8Array): Message {
  return {
    type: types.newNeighbour,
    flags: flags.ack | flags.create | flags.replace,
    header: neighbourHeader(index, stale),
    attributes: [attribute(neighbour.destination, addressBytes(host)), attribute(neighbour.linkAddress, mac)],
    what: `tell link ${index} who has its address`,
  };
}

export function deleteNeighbour(index: number, host: Address): Message {
  return {
    type: types.deleteNeighbour,
    flags: flags.ack,
    header: neighbourHeader(index, 0),
    attributes: [attribute(neighbour.destination, addressBytes(host))],
    what: `have link ${index} forget who had an address`,
  };
}

const route = { destination: 1, output: 4, gateway: 5 };
const mainTable = 254;
const unicast = 1;

/** struct rtmsg: family, lengths, tos, table, protocol, scope, type, flags. */
function routeHeader(): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(AF_INET, 0);
  return header;
}

export function newDefaultRoute(gateway: Address): Message {
  const header = routeHeader();
  header.writeUInt8(mainTable, 4);
  header.writeUInt8(3, 5); // RTPROT_BOOT, as `ip route add` says
  header.writeUInt8(0, 6); // RT_SCOPE_UNIVERSE
  header.writeUInt8(unicast, 7);
  return {
    type: types.newRoute,
    flags: flags.ack | flags.create | flags.exclusive,
    header,
    attributes: [attribute(route.gateway, addressBytes(gateway))],
    what: `route by "${formatSubnet({ base: gateway, prefixLength: 32 })}"`,
  };
}

/** IPv4 routes of all tables. */
export function listRoutes(): Message {
  return { type: types.getRoute, flags: flags.dump, header: routeHeader(), attributes: [], what: 'list routes' };
}

export type Link = {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** "" without. */
  readonly alias: string;
  /** "bridge", "veth"; "" for physical links. */
  readonly kind: string;
  /** Index of the bridge that it is a port of, 0 without. */
  readonly master: number;
};

function number(bytes: Buffer | undefined): number {
  return bytes === undefined || bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
}

/** Links among the replies of `getLink` and `listLinks`. */
export function parseLinks(replies: readonly ReceivedMessage[]): Link[] {
  return replies
    .filter(({ type, payload }) => type === types.newLink && payload.length >= 16)
    .map(({ payload }) => {
      const found = parseAttributes(payload, 16);
      const word = (type: number, from = found): string => parseText(from.get(type) ?? Buffer.alloc(0));
      const info = found.get(link.linkInfo);
      return {
        index: payload.readInt32LE(4),
        name: word(link.name),
        mtu: number(found.get(link.mtu)),
        alias: word(link.alias),
        kind: info === undefined ? '' : word(linkInfo.kind, parseAttributes(info)),
        master: number(found.get(link.master)),
      };
    });
}

export type Route = {
  /** The default route is 0.0.0.0/0. */
  readonly destination: Subnet;
  /** Index of the link it leads to, 0 without. */
  readonly output: number;
  readonly table: number;
};

/** Unicast routes among the replies of `listRoutes`; those of the local table are of single addresses. */
export function parseRoutes(replies: readonly ReceivedMessage[]): Route[] {
  return replies
    .filter(({ type, payload }) => type === types.newRoute && payload.length >= 12 && payload[7] === unicast)
    .map(({ payload }) => {
      const found = parseAttributes(payload, 12);
      const destination = found.get(route.destination);
      const base = destination === undefined ? 0 : destination.readUInt32BE(0);
      return {
        destination: subnetOf(base, payload.readUInt8(1)),
        output: number(found.get(route.output)),
        table: payload.readUInt8(4),
      };
    });
}

export const mainRouteTable = mainTable;
