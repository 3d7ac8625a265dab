/** IPv4 addresses and subnets, and their choice as functions of what is taken. Pure. */
import { OnggiError } from '../errors.ts';

/** An IPv4 address as a number of 32 bits, 0 to 2^32 - 1. */
export type Address = number;

export type Subnet = {
  /** Lowest address: all host bits are 0. */
  readonly base: Address;
  /** Bits of the network part, 0 to 32. */
  readonly prefixLength: number;
};

const octet = '(?:0|[1-9][0-9]{0,2})';
const grammar = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** @throws OnggiError `invalid`; octets with leading zeros are refused, because some read them as octal */
export function parseAddress(text: string): Address {
  const octets = text.split('.').map(Number);
  if (!grammar.test(text) || octets.some((value) => value > 255)) {
    throw new OnggiError('invalid', `address "${text.slice(0, 80)}": not an IPv4 address`);
  }
  return octets.reduce((address, value) => address * 256 + value, 0);
}

export function formatAddress(address: Address): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** Four bytes in network order. */
export function addressBytes(address: Address): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address);
  return bytes;
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}

/**
 * CIDR notation, "10.88.0.0/16".
 *
 * @throws OnggiError `invalid`, also for set host bits
 */
export function parseSubnet(text: string): Subnet {
  const [addressText = '', lengthText = '', ...rest] = text.split('/');
  const prefixLength = Number(lengthText);
  if (rest.length > 0 || !/^(?:0|[1-9][0-9]?)$/.test(lengthText) || prefixLength > 32) {
    throw new OnggiError('invalid', `subnet "${text.slice(0, 80)}": not ADDRESS/LENGTH`);
  }
  const base = parseAddress(addressText);
  const subnet = subnetOf(base, prefixLength);
  if (subnet.base !== base) {
    throw new OnggiError('invalid', `subnet "${text}": has host bits set`, { hint: `Use "${formatSubnet(subnet)}".` });
  }
  return subnet;
}

export function formatSubnet({ base, prefixLength }: Subnet): string {
  return `${formatAddress(base)}/${prefixLength}`;
}

/** The subnet of that size that holds the address. */
export function subnetOf(address: Address, prefixLength: number): Subnet {
  return { base: (address & maskOf(prefixLength)) >>> 0, prefixLength };
}

export function contains(subnet: Subnet, address: Address): boolean {
  return subnetOf(address, subnet.prefixLength).base === subnet.base;
}

export function overlaps(one: Subnet, other: Subnet): boolean {
  return one.prefixLength <= other.prefixLength ? contains(one, other.base) : contains(other, one.base);
}

/** The highest address of a subnet, its broadcast address. */
export function lastAddress({ base, prefixLength }: Subnet): Address {
  return (base | ~maskOf(prefixLength)) >>> 0;
}

/** The first address of a subnet that a host can have: the gateway's. */
export function gatewayOf(subnet: Subnet): string {
  return formatAddress(subnet.base + 1);
}

/**
 * The lowest free address. Lowest, not next: an address is free only once its lease is gone, and a dense range keeps
 * the search short.
 *
 * @param taken addresses in use, the gateway among them or not
 * @throws OnggiError `exhausted`
 */
export function chooseAddress(network: { subnet: string; gateway: string }, taken: Iterable<string>): string {
  const subnet = parseSubnet(network.subnet);
  const used = new Set<Address>([parseAddress(network.gateway)]);
  for (const address of taken) used.add(parseAddress(address));
  for (let address = subnet.base + 1; address < lastAddress(subnet); address++) {
    if (!used.has(address)) return formatAddress(address);
  }
  throw new OnggiError('exhausted', `address of subnet "${network.subnet}": all are taken`, {
    hint: 'Remove containers of this network, or use a larger subnet.',
  });
}

/**
 * Candidates for new networks: 10.88/16 to 10.127/16, then 192.168.128/24 and up. Private (RFC 1918), and apart from
 * Docker's first choices (172.17/16 and up) and those of home routers (192.168.0/24, 10.0.0/24).
 */
function* candidates(): Generator<Subnet> {
  for (let second = 88; second < 128; second++) yield parseSubnet(`10.${second}.0.0/16`);
  for (let third = 128; third < 256; third++) yield parseSubnet(`192.168.${third}.0/24`);
}

/**
 * A subnet for a new network.
 *
 * @param taken subnets of links, routes and other networks, in CIDR notation; "0.0.0.0/0" (a default route) takes none
 * @throws OnggiError `exhausted`
 */
export function chooseSubnet(taken: Iterable<string>): string {
  const used = [...taken].map(parseSubnet).filter(({ prefixLength }) => prefixLength > 0);
  for (const candidate of candidates()) {
    if (!used.some((subnet) => overlaps(subnet, candidate))) return formatSubnet(candidate);
  }
  throw new OnggiError('exhausted', 'subnet for a new network: all candidates overlap with links or routes', {
    hint: 'Remove unused networks.',
  });
}

/** A locally administered unicast MAC address that follows from the address, so that neighbours' caches stay true. */
export function macOf(address: string): Uint8Array {
  return Uint8Array.of(0x02, 0x6f, ...addressBytes(parseAddress(address)));
}

/**
 * "02:42:ac:11:00:02", also with dashes, as of one link: 48 bits, no multicast, not all zero.
 * @throws OnggiError `invalid`
 */
export function parseMac(text: string): Uint8Array {
  const bytes = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i.test(text)
    ? Uint8Array.from(text.split(/[:-]/), (pair) => Number.parseInt(pair, 16))
    : undefined;
  if (bytes !== undefined && ((bytes[0] ?? 0) & 1) === 0 && bytes.some((byte) => byte !== 0)) return bytes;
  throw new OnggiError('invalid', `${text} is not a valid mac address`, {
    hint: 'Write six pairs of digits, such as 02:42:ac:11:00:02, the first of them even.',
  });
}

export function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** The 16 bytes of "::1". @throws OnggiError `invalid` */
export function parseIpv6(text: string): Uint8Array {
  const url = `http://[${text}]/`;
  if (!URL.canParse(url)) throw new OnggiError('invalid', `"${text}" is no IPv6 address`);
  // The parser of URLs writes it as groups of hexadecimal digits, with one "::" at most.
  const [before = '', after] = new URL(url).hostname.slice(1, -1).split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [head, tail] = [groups(before), groups(after ?? '')];
  const all = after === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail];
  return Uint8Array.from(all.flatMap((group: number) => [group >> 8, group & 0xff]));
}

/** @throws OnggiError `invalid` for what is of neither 169.254.0.0/16 nor fe80::/10 */
export function checkLinkLocal(addresses: readonly string[]): void {
  for (const text of addresses) {
    if (!isLinkLocal(text)) throw new OnggiError('invalid', `invalid link-local IP address: ${text}`);
  }
}

function isLinkLocal(text: string): boolean {
  if (!text.includes(':'))
    return overlaps({ base: parseAddress(text), prefixLength: 32 }, parseSubnet('169.254.0.0/16'));
  const [first = 0, second = 0] = parseIpv6(text);
  return first === 0xfe && (second & 0xc0) === 0x80;
}
