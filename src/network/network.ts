/** What a bridge network is. Pure. */
import { OnggiError } from '../errors.ts';
import { contains, parseAddress, parseSubnet } from './address.ts';

export type Network = {
  readonly name: string;
  /** Name of the bridge link. It and its table of rules are all that a network is to the kernel. */
  readonly bridge: string;
  /** CIDR notation. */
  readonly subnet: string;
  /** The bridge's own address. */
  readonly gateway: string;
  /** Identity of the store; a bridge of another owner is never touched. */
  readonly owner: string;
};

/** A bridge as the kernel has it. */
export type Bridge = { readonly index: number; readonly mtu: number };

/** Bridges of onggi begin so; rules that are about all of them rely on it. */
export const bridgePrefix = 'onggi';

const bridgeName = new RegExp(`^${bridgePrefix}[a-z0-9_-]{1,10}$`);

/** Longest IFLA_IFALIAS is 255 bytes. */
const longestOwner = 200;

/**
 * @throws OnggiError `invalid` for a bridge name that is not of onggi, a gateway outside the subnet, or a subnet too
 *   small for a container
 */
export function checkNetwork({ name, bridge, subnet, gateway, owner }: Network): void {
  const problem = (found: string): OnggiError => new OnggiError('invalid', `network "${name}": ${found}`);
  if (!bridgeName.test(bridge)) throw problem(`bridge "${bridge}" is not "${bridgePrefix}" and 1 to 10 of a-z 0-9 _ -`);
  const parsed = parseSubnet(subnet);
  if (parsed.prefixLength < 8 || parsed.prefixLength > 30) throw problem(`subnet "${subnet}" is not /8 to /30`);
  if (!contains(parsed, parseAddress(gateway))) throw problem(`gateway "${gateway}" is not in subnet "${subnet}"`);
  if (owner === '' || Buffer.byteLength(owner) > longestOwner) throw problem(`owner "${owner}" is not 1 to 200 bytes`);
}

/** The alias that marks links as of this owner. */
export function aliasOf(owner: string): string {
  return `onggi:${owner}`;
}

/** The table of nf_tables rules of a bridge. */
export function tableOf(bridge: string): string {
  return `onggi-${bridge}`;
}

/**
 * A name for a new bridge.
 *
 * @param taken names of links, and bridges of networks that have none at the moment
 */
export function chooseBridge(taken: Iterable<string>): string {
  const used = new Set(taken);
  let number = 0;
  while (used.has(`${bridgePrefix}${number}`)) number++;
  return `${bridgePrefix}${number}`;
}
