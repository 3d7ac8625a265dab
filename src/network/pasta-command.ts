/** The command line of pasta(1), which connects a network namespace of an ordinary user to the network. Pure. */
import type { PortMapping } from './port.ts';

/** What the container asks for names; pasta passes it on to the first server of the machine's resolv.conf. */
export const forwardedResolver = '169.254.1.1';

/**
 * Nothing of the machine's loopback is to be reached from inside: no port is forwarded that way, and the address of the
 * gateway is not made to mean the machine, though pasta does both by default.
 *
 * @param pid a process in the network namespace
 * @param pidFile written when the network is up
 */
export function pastaCommand(pid: number, pidFile: string, ports: readonly PortMapping[], mac?: string): string[] {
  const forward = (protocol: 'tcp' | 'udp', flag: string): string[] => {
    const own = ports.filter((port) => port.protocol === protocol);
    if (own.length === 0) return [flag, 'none'];
    return own.flatMap(({ hostIp, hostPort, containerPort }) => [flag, `${hostIp}/${hostPort}:${containerPort}`]);
  };
  return [
    ...(mac === undefined ? [] : ['--ns-mac-addr', mac]),
    ...['--config-net', '--quiet', '--ns-ifname', 'eth0', '--pid', pidFile],
    ...['--no-map-gw', '--tcp-ns', 'none', '--udp-ns', 'none', '--dns-forward', forwardedResolver],
    ...forward('tcp', '--tcp-ports'),
    ...forward('udp', '--udp-ports'),
    String(pid),
  ];
}
