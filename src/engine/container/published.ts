/** `--publish-all`: which ports are published besides those that were named. Pure. */
import { unsupported } from '../../errors.ts';
import type { PortMapping } from '../types.ts';

/**
 * @param exposed "80/tcp"
 * @throws OnggiError `unsupported` for a port of SCTP
 */
export function otherPorts(named: readonly PortMapping[], exposed: readonly string[]): PortMapping[] {
  const taken = new Set(named.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  return exposed
    .filter((port) => !taken.has(port))
    .map((port) => {
      const [number = '', protocol] = port.split('/');
      if (protocol !== 'tcp' && protocol !== 'udp') throw unsupported(`publishing the port ${port}`);
      return { hostIp: '', hostPort: 0, containerPort: Number(number), protocol };
    });
}
