/** The files by which a container finds names: resolv.conf(5) and hosts(5). Pure. */

import { forwardedResolver } from './pasta-command.ts';

/** Where systemd-resolved keeps the servers that it asks itself; /etc/resolv.conf then names only 127.0.0.53. */
export const resolvedPath = '/run/systemd/resolve/resolv.conf';

/** Used when the host names no server that a container can reach, as Docker does. */
export const publicServers: readonly string[] = ['8.8.8.8', '8.8.4.4'];

const serverLine = /^\s*nameserver\s+(\S+)/;

function servers(text: string): string[] {
  return text.split('\n').flatMap((line) => serverLine.exec(line)?.[1] ?? []);
}

/**
 * A container has a loopback of its own, and bridge networks have no IPv6: such servers can't be reached from inside.
 */
function isReachable(server: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(server) && !server.startsWith('127.') && server !== '0.0.0.0';
}

export type ResolverFile = {
  readonly content: string;
  /** The host named no usable server: these are public ones. */
  readonly fallback: boolean;
};

/**
 * resolv.conf for a container on a bridge: search domains and options of the host, and those of its servers that can
 * be reached.
 *
 * @param host content of /etc/resolv.conf, "" if it is missing
 * @param resolved content of `resolvedPath`, taken instead where /etc/resolv.conf names only a local resolver
 */
export function resolverFile(host: string, resolved: string | undefined): ResolverFile {
  const named = servers(host);
  const onlyLocal = named.length > 0 && !named.some(isReachable);
  const source = onlyLocal && resolved !== undefined ? resolved : host;
  const usable = servers(source).filter(isReachable);
  const fallback = usable.length === 0;
  const rest = source
    .split('\n')
    .filter((line) => !serverLine.test(line) && !/^\s*(?:[#;].*)?$/.test(line))
    .map((line) => line.trimEnd());
  const lines = [...(fallback ? publicServers : usable).map((server) => `nameserver ${server}`), ...rest];
  return { content: `${lines.join('\n')}\n`, fallback };
}

/** As `resolverFile`, with the one server by which pasta passes questions on. */
export function forwardedFile(host: string): string {
  return resolverFile(`nameserver ${forwardedResolver}\n${host.replace(/^\s*nameserver\s.*$/gm, '')}`, undefined)
    .content;
}

/** The addresses that every hosts file begins with, Docker's among them. */
const standardHosts = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/**
 * /etc/hosts of a container, with its short name beside a full one.
 * @param address null where it has none of its own. @param extra lines that come before its own, as with Docker
 */
export function hostsFile(hostname: string, domainname: string, address: string | null, extra = ''): string {
  if (address === null) return standardHosts + extra;
  const full = domainname === '' ? hostname : `${hostname}.${domainname}`;
  const [short = ''] = full.split('.', 1);
  return `${standardHosts}${extra}${address}\t${short === full ? full : `${full} ${short}`}\n`;
}

/** Lines for what `--add-host` names. @param gateway what "host-gateway" stands for */
export function extraHosts(
  hosts: readonly { readonly name: string; readonly address: string }[],
  gateway: string,
): string {
  return hosts.map(({ name, address }) => `${address === 'host-gateway' ? gateway : address}\t${name}\n`).join('');
}

export type ResolverChange = {
  readonly servers?: readonly string[];
  readonly search?: readonly string[];
  readonly options?: readonly string[];
};

/** resolv.conf with servers, search domains or options replaced by those that are asked for; "." is no search domain. */
export function changedResolver(
  text: string,
  { servers: named = [], search = [], options = [] }: ResolverChange,
): string {
  if (named.length + search.length + options.length === 0) return text;
  const replaced = [
    ...(named.length > 0 ? ['nameserver'] : []),
    ...(search.length > 0 ? ['search', 'domain'] : []),
    ...(options.length > 0 ? ['options'] : []),
  ];
  const kept = text.split('\n').filter((line) => line !== '' && !replaced.includes(line.trim().split(/\s+/)[0] ?? ''));
  const domains = search.filter((domain) => domain !== '.');
  return `${[
    ...named.map((server) => `nameserver ${server}`),
    ...kept,
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ].join('\n')}\n`;
}
