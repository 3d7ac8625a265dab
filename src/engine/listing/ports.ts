/** Ports as `ps` shows them. Pure. */
import type { PortMapping } from '../types.ts';

/** One without a host address is listened on and not published. */
export type ShownPort = Pick<PortMapping, 'containerPort'> & {
  readonly protocol: string;
  readonly hostIp?: string;
  readonly hostPort?: number;
};

/** "80/tcp". */
export function isExposedPort(port: string): boolean {
  return /^[0-9]{1,5}\/(tcp|udp|sctp)$/.test(port);
}

/** What is published, and of what is exposed the rest; records of former releases may have anything there. */
export function shownPorts(published: readonly PortMapping[], exposed: readonly string[]): ShownPort[] {
  const taken = new Set(published.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  const rest = exposed
    .filter((port) => !taken.has(port) && isExposedPort(port))
    .map((port) => {
      const [number = '', protocol = ''] = port.split('/');
      return { containerPort: Number(number), protocol };
    });
  return [...published, ...rest];
}

/**
 * "80/tcp, 0.0.0.0:8000-8002->8000-8002/tcp, 127.0.0.1:53->5353/udp": ports that keep their number are joined to ranges
 * and come first, as Docker's client has it (docker/cli, formatter/container.go, DisplayablePorts).
 */
export function portsText(ports: readonly ShownPort[]): string {
  const closed: string[] = [];
  const moved: string[] = [];
  const open = new Map<string, { first: number; last: number }>();
  for (const { hostIp, hostPort, containerPort, protocol } of ports.toSorted(byPort)) {
    if (hostIp !== undefined && hostPort !== containerPort) {
      moved.push(`${hostText(hostIp)}:${hostPort}->${containerPort}/${protocol}`);
      continue;
    }
    const key = hostIp === undefined ? protocol : `${hostText(hostIp)}/${protocol}`;
    const range = open.get(key);
    if (range?.last === containerPort - 1) {
      range.last = containerPort;
      continue;
    }
    if (range !== undefined) closed.push(rangeText(key, range));
    // The order is that in which an address was first met.
    open.set(key, { first: containerPort, last: containerPort });
  }
  return [...closed, ...[...open].map(([key, range]) => rangeText(key, range)), ...moved].join(', ');
}

function rangeText(key: string, { first, last }: { readonly first: number; readonly last: number }): string {
  const at = key.lastIndexOf('/');
  const range = first === last ? `${first}` : `${first}-${last}`;
  return at < 0 ? `${range}/${key}` : `${key.slice(0, at)}:${range}->${range}/${key.slice(at + 1)}`;
}

/** An address as it stands before a port. */
export function hostText(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function byPort(a: ShownPort, b: ShownPort): number {
  return (
    a.containerPort - b.containerPort ||
    compare(a.hostIp ?? '', b.hostIp ?? '') ||
    (a.hostPort ?? 0) - (b.hostPort ?? 0) ||
    compare(a.protocol, b.protocol)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
