/** The link between a container and its bridge, as steps of a plan. Pure. */
import type { NetlinkMessage, NetlinkStep } from '../kernel/netlink-step.ts';
import { macOf, parseAddress, parseIpv6, parseSubnet } from './address.ts';
import { encodeMessages, type Message } from './netlink-message.ts';
import { aliasOf, type Bridge, type Network } from './network.ts';
import {
  configurePort,
  linkUp,
  newAddress,
  newDefaultRoute,
  newLinkLocal,
  newNeighbour,
  newVeth,
  withoutLinkLocal,
} from './route.ts';

export type Endpoint = {
  readonly containerId: string;
  readonly address: string;
  /** Absent: the one that follows from the address. */
  readonly mac?: Uint8Array;
  /** Of 169.254.0.0/16 and fe80::/10. */
  readonly linkLocal?: readonly string[];
  /** At least 18 hexadecimal digits, new for each start: the kernel removes the links of the last one in its own time. */
  readonly nonce: string;
};

export const containerLink = 'eth0';

/**
 * Index of the link inside. Asked for, so that its address can be given in the same datagram; above those that the
 * kernel hands out by itself in a new namespace (lo and up to nine tunnels).
 */
const containerIndex = 16;

/** Indices asked for on the host lie far above those that the kernel counts up to. */
export function highIndex(nonce: string): number {
  return 0x40000000 + Number.parseInt(nonce.slice(-7), 16);
}

/** One datagram: the kernel works through its messages and acknowledges each. */
function oneRequest(messages: readonly Message[], what: string): NetlinkMessage {
  return { ...encodeMessages(messages), what: messages.length === 1 ? (messages[0]?.what ?? what) : what };
}

/**
 * `attach` runs on the host while the init waits, `init` in the container after it. The veth pair comes to be with
 * one end in the container, so no name is ever taken twice on the host, and it goes when the container's namespace does.
 */
export function vethSteps(
  network: Network,
  bridge: Bridge,
  endpoint: Endpoint,
): { attach: NetlinkStep; init: NetlinkStep } {
  const index = highIndex(endpoint.nonce);
  const name = `veth${endpoint.nonce.slice(0, 11)}`;
  const alias = aliasOf(endpoint.containerId);
  const peer = { name: containerLink, index: containerIndex, mac: endpoint.mac ?? macOf(endpoint.address) };
  const outside = [
    newVeth({ name, index, alias, master: bridge.index, mtu: bridge.mtu, peer }),
    configurePort(index, alias),
    // Others with this address had another one.
    ...(endpoint.mac === undefined ? [] : [newNeighbour(bridge.index, parseAddress(endpoint.address), endpoint.mac)]),
  ];
  const inside = [
    linkUp({ index: 1 }),
    withoutLinkLocal(containerLink),
    linkUp({ name: containerLink }),
    newAddress(containerIndex, parseAddress(endpoint.address), parseSubnet(network.subnet).prefixLength),
    ...(endpoint.linkLocal ?? []).map(linkLocalAddress),
    newDefaultRoute(parseAddress(network.gateway)),
  ];
  const address = `${endpoint.address}/${parseSubnet(network.subnet).prefixLength}`;
  return {
    attach: step(
      [
        oneRequest(
          outside,
          `veth "${name}" on bridge "${network.bridge}", its peer "${containerLink}" in the container`,
        ),
      ],
      `connect to network "${network.name}"`,
    ),
    init: step(
      [oneRequest(inside, `lo up, "${containerLink}" up with ${address}, route by ${network.gateway}`)],
      `configure network "${network.name}"`,
    ),
  };
}

function linkLocalAddress(text: string): Message {
  if (text.includes(':')) return newLinkLocal(containerIndex, parseIpv6(text));
  return newAddress(containerIndex, parseAddress(text), 16);
}

function step(messages: readonly NetlinkMessage[], what: string): NetlinkStep {
  return { op: 'netlink', protocol: 'route', messages, what };
}

/** A new network namespace with nothing but a working loopback (`--network none`). */
export function loopbackStep(): NetlinkStep {
  return step([oneRequest([linkUp({ index: 1 })], 'lo up')], 'configure loopback');
}
