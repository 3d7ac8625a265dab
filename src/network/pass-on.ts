/** Ports of IPv6 addresses, which a process of the shim passes on to a container that has none (native/shim/ports.h). Pure. */
import { OnggiError } from '../errors.ts';
import type { PortsStep } from '../kernel/ports-step.ts';
import { addressBytes, parseAddress } from './address.ts';
import { anyAddress, formatHostPort, isIpv6, type PortMapping } from './port.ts';

const loopback = '127.0.0.1';

/**
 * @param ports all of a container
 * @param address of the container; null where pasta publishes its IPv4 ports, to which the others are then passed on
 */
export function portsStep(ports: readonly PortMapping[], address: string | null): PortsStep[] {
  const own = ports.filter((port) => (address === null ? passedOn(port, ports) : isIpv6(port)));
  if (own.length === 0) return [];
  const step = own.map((port) => ({
    datagrams: port.protocol === 'udp',
    address: parseIpv6(port.hostIp),
    port: port.hostPort,
    target: addressBytes(parseAddress(address ?? loopback)),
    targetPort: address === null ? port.hostPort : port.containerPort,
    what: formatHostPort(port),
  }));
  return [{ op: 'ports', ports: step }];
}

/** Whether the shim passes this port of an ordinary user's container on: it is published on all of IPv4, too. */
export function passedOn(port: PortMapping, ports: readonly PortMapping[]): boolean {
  const { protocol, hostPort, containerPort } = port;
  const isTwin = (other: PortMapping): boolean =>
    other.hostIp === anyAddress &&
    other.protocol === protocol &&
    other.hostPort === hostPort &&
    other.containerPort === containerPort;
  return isIpv6(port) && ports.some(isTwin);
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
