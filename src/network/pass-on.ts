/** Ports of IPv6 addresses, which a process of the shim passes on to a container that has none (native/shim/ports.h). Pure. */
import type { PortsStep } from '../kernel/ports-step.ts';
import { addressBytes, parseAddress, parseIpv6 } from './address.ts';
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
