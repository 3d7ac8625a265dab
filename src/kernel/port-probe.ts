/** Whether a port of this host can be had. */
import { errnoOf, fromSystemError } from '../errors.ts';
import { addon } from './addon.ts';

/**
 * What a server that listened there now would meet: `in-use`, or `no-address` when no link of this host has the
 * address, `denied` for a privileged port.
 */
export function probePort(
  protocol: 'tcp' | 'udp',
  address: string,
  port: number,
): 'free' | 'in-use' | 'no-address' | 'denied' {
  const calls = addon();
  try {
    calls.tryBind(protocol === 'udp', address, port);
    return 'free';
  } catch (error) {
    switch (errnoOf(error)) {
      case 'EADDRINUSE':
        return 'in-use';
      case 'EADDRNOTAVAIL':
        return 'no-address';
      case 'EACCES':
        return 'denied';
      default:
        throw fromSystemError(error, `bind ${address}:${port}/${protocol}`);
    }
  }
}

/** Whether this host has IPv6, at least for itself: the kernel may be without, and sysctl may forbid all addresses. */
export function hasIpv6(): boolean {
  try {
    addon().tryBind(false, '::1', 0);
    return true;
  } catch {
    return false;
  }
}
