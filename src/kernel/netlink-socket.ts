/** Sockets to the kernel's network configuration (netlink(7)). They only carry bytes; `network/` builds and reads them. */
import { native } from './addon.ts';
import { ownDescriptor } from './descriptor.ts';
import type { NetlinkStep } from './netlink-step.ts';

export type NetlinkProtocol = NetlinkStep['protocol'];

/** Speaks to the network namespace in which it was opened. Whoever opened it disposes of it. */
export type NetlinkSocket = Disposable & {
  /**
   * Sends one or more messages in one datagram and waits for all that they asked for. Refusals are among the replies.
   *
   * @returns datagrams, each of whole messages
   */
  transact(request: Uint8Array): Uint8Array[];
};

/** NETLINK_ROUTE and NETLINK_NETFILTER of <linux/netlink.h>. */
const protocols: Readonly<Record<NetlinkProtocol, number>> = { route: 0, netfilter: 12 };

export function openNetlink(protocol: NetlinkProtocol): NetlinkSocket {
  const socket = native(`open a netlink socket (${protocol})`, (calls) =>
    ownDescriptor(calls.netlinkOpen(protocols[protocol])),
  );
  return {
    transact: (request) => native(`netlink (${protocol})`, (calls) => calls.netlinkTransact(socket.fd, request)),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}
