/** Published ports: which exclude each other, and the choice of a free one. Pure. */
import { OnggiError } from '../errors.ts';

export type Protocol = 'tcp' | 'udp';

/** A port of the host; `hostIp` "0.0.0.0" is every IPv4 address of the host, "::" every IPv6 address. */
export type HostPort = { readonly hostIp: string; readonly hostPort: number; readonly protocol: Protocol };

export type PortMapping = HostPort & { readonly containerPort: number };

export const anyAddress = '0.0.0.0';
export const anyAddress6 = '::';

/** Who names no address means all of them, of both families. */
export function hostAddresses(hostIp: string, hasIpv6: () => boolean): readonly string[] {
  if (hostIp !== '') return [hostIp];
  return hasIpv6() ? [anyAddress, anyAddress6] : [anyAddress];
}

/** Rules redirect IPv4 within the kernel; the rest is passed on by a process of the shim. */
export function isIpv6({ hostIp }: Pick<HostPort, 'hostIp'>): boolean {
  return hostIp.includes(':');
}

/** Whether both can't be published at once: the same port on the same address, or on all of them. */
export function collides(one: HostPort, other: HostPort): boolean {
  return (
    one.protocol === other.protocol &&
    one.hostPort === other.hostPort &&
    isIpv6(one) === isIpv6(other) &&
    (one.hostIp === other.hostIp || isAny(one) || isAny(other))
  );
}

function isAny({ hostIp }: HostPort): boolean {
  return hostIp === anyAddress || hostIp === anyAddress6;
}

export function formatHostPort(port: HostPort): string {
  return `${formatEndpoint(port)}/${port.protocol}`;
}

/** "[::]:80" */
export function formatEndpoint({ hostIp, hostPort }: Pick<HostPort, 'hostIp' | 'hostPort'>): string {
  return `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${hostPort}`;
}

/** @throws OnggiError `conflict` (in Docker's words) when something of `taken` is in the way */
export function checkFree(port: HostPort, taken: Iterable<HostPort>): void {
  for (const other of taken) {
    if (!collides(port, other)) continue;
    throw new OnggiError('conflict', `Bind for ${formatEndpoint(port)} failed: port is already allocated`, {
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
