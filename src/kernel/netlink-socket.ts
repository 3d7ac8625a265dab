/** Sockets to the kernel's network configuration (netlink(7)). They only carry bytes; `network/` builds and reads them. */
import { native } from './addon.ts';
import type { NetlinkStep } from './netlink-step.ts';

export type NetlinkProtocol = NetlinkStep['protocol'];

/** Speaks to the network namespace in which it was opened. */
export type NetlinkSocket = {
  /**
   * Sends one or more messages in one datagram and waits for all that they asked for. Refusals are among the replies.
   *
   * @returns datagrams, each of whole messages
   */
  transact(request: Uint8Array): Uint8Array[];
};

/** NETLINK_ROUTE and NETLINK_NETFILTER of <linux/netlink.h>. */
const protocols: Readonly<Record<NetlinkProtocol, number>> = { route: 0, netfilter: 12 };

const opened = new Map<NetlinkProtocol, NetlinkSocket>();

/**
 * The socket of this process, opened at the first call and kept; whoever needs one asks for it each time. While the kernel still frees deleted rules,
 * closing any netfilter socket waits for it, some 15 ms (nft_rcv_nl_event).
 */
export function netlinkSocket(protocol: NetlinkProtocol): NetlinkSocket {
  const found = opened.get(protocol);
  if (found !== undefined) return found;
  const fd = native(`open a netlink socket (${protocol})`, (calls) => calls.netlinkOpen(protocols[protocol]));
  const socket: NetlinkSocket = {
    transact(request) {
      try {
        return native(`netlink (${protocol})`, (calls) => calls.netlinkTransact(fd, request));
      } catch (error) {
        // Replies may still come, and would be taken for those to the next request.
        opened.delete(protocol);
        native(`close a netlink socket (${protocol})`, (calls) => calls.close(fd));
        throw error;
      }
    },
  };
  opened.set(protocol, socket);
  return socket;
}
