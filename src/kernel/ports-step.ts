/**
 * Ports that a process beside the shim passes on, as data. Here rather than with the other steps for the reason that
 * netlink-step.ts gives: the network builds it and the runtime puts it into plans.
 */

/**
 * Of the shim: a process that takes what comes to ports of this host's IPv6 addresses and passes it on to IPv4 addresses,
 * until the container ends.
 */
export type PortsStep = {
  readonly op: 'ports';
  readonly ports: readonly {
    readonly datagrams: boolean;
    /** 16 bytes. */
    readonly address: Uint8Array;
    readonly port: number;
    /** 4 bytes. */
    readonly target: Uint8Array;
    readonly targetPort: number;
    /** "[::]:80/tcp". */
    readonly what: string;
  }[];
};
