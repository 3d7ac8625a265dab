/** Published ports: which exclude each other, and the choice of a free one. Pure. */
import { OnggiError } from '../errors.ts';

export type Protocol = 'tcp' | 'udp';

/** A port of the host; `hostIp` "0.0.0.0" is every address of the host. */
export type HostPort = { readonly hostIp: string; readonly hostPort: number; readonly protocol: Protocol };

export type PortMapping = HostPort & { readonly containerPort: number };

export const anyAddress = '0.0.0.0';

/** Whether both can't be published at once: the same port on the same address, or on all of them. */
export function collides(one: HostPort, other: HostPort): boolean {
  return (
    one.protocol === other.protocol &&
    one.hostPort === other.hostPort &&
    (one.hostIp === other.hostIp || one.hostIp === anyAddress || other.hostIp === anyAddress)
  );
}

export function formatHostPort({ hostIp, hostPort, protocol }: HostPort): string {
  return `${hostIp}:${hostPort}/${protocol}`;
}

/** @throws OnggiError `conflict` (in Docker's words) when something of `taken` is in the way */
export function checkFree(port: HostPort, taken: Iterable<HostPort>): void {
  for (const other of taken) {
    if (!collides(port, other)) continue;
    throw new OnggiError('conflict', `Bind for ${port.hostIp}:${port.hostPort} failed: port is already allocated`, {
      hint: 'Stop the container that publishes this port, or publish another one.',
    });
  }
}

/** Inclusive bounds, as in net.ipv4.ip_local_port_range. */
export type PortRange = { readonly low: number; readonly high: number };

/**
 * A free port for a mapping without host port: the first one that is free from a random place on, around the range.
 *
 * @param isFree asks the host (a bind), after `taken` has been looked at
 * @param random 0 (inclusive) to 1
 * @throws OnggiError `exhausted`
 */
export function choosePort(
  wanted: Omit<HostPort, 'hostPort'>,
  range: PortRange,
  taken: readonly HostPort[],
  isFree: (port: HostPort) => boolean,
  random: number,
): number {
  const size = range.high - range.low + 1;
  const first = Math.floor(random * size);
  for (let step = 0; step < size; step++) {
    const port: HostPort = { ...wanted, hostPort: range.low + ((first + step) % size) };
    if (!taken.some((other) => collides(port, other)) && isFree(port)) return port.hostPort;
  }
  throw new OnggiError(
    'exhausted',
    `free ${wanted.protocol} port on ${wanted.hostIp}: all from ${range.low} to ${range.high} are taken`,
  );
}

/** The content of /proc/sys/net/ipv4/ip_local_port_range. */
export function parsePortRange(text: string): PortRange {
  const [low = Number.NaN, high = Number.NaN] = text.trim().split(/\s+/).map(Number);
  if (!(Number.isInteger(low) && Number.isInteger(high) && low >= 1 && high <= 65535 && low <= high)) {
    throw new OnggiError('corrupt', `port range "${text.trim()}": not two ports`);
  }
  return { low, high };
}
