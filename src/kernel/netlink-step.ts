/**
 * Netlink requests as data, to be sent by the shim or the init. Here rather than with the other steps, because the
 * network builds them and the runtime puts them into plans, and neither imports the other.
 */

/**
 * Netlink requests, each acknowledged before the next is sent, from the network namespace of the phase
 * (attach: the host's; init: the container's).
 */
export type NetlinkStep = {
  readonly op: 'netlink';
  readonly protocol: 'route' | 'netfilter';
  readonly messages: readonly NetlinkMessage[];
  readonly what: string;
};

export type NetlinkMessage = {
  readonly bytes: Uint8Array;
  /** Offsets in `bytes` of 32-bit fields that receive the host pid of the init; unknown until it exists. */
  readonly pidAt: readonly number[];
  /** In words, for `explain` and errors. */
  readonly what: string;
};
