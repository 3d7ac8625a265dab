/**
 * The proxy for an address, by the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Docker reads them (package
 * golang.org/x/net/http/httpproxy). Pure.
 */
import { OnggiError, unsupported } from '../errors.ts';
import { isLoopback } from './host.ts';
import { inNetwork } from './ip-network.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * This machine itself is never asked through a proxy.
 * @returns "http://user:password@proxy:3128"; null for a direct connection
 * @throws OnggiError `invalid`, `unsupported` (SOCKS); it never quotes the address, which can hold a password
 */
export function proxyFor(url: URL, environment: Environment): string | null {
  if (isLoopback(url)) return null;
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = environment[name] || environment[name.toLowerCase()];
  if (text === undefined || text === '' || isExcluded(url, environment)) return null;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy === undefined || proxy.hostname === '') {
    throw new OnggiError('invalid', `environment variable ${name}: not the address of a proxy`);
  }
  if (proxy.protocol === 'http:' || proxy.protocol === 'https:') return proxy.href;
  throw unsupported(`a proxy of kind "${proxy.protocol.slice(0, -1)}" in ${name}`, 'Name one of http or https.');
}

/** Entries are hosts with all below them, ".domain" without itself, addresses, networks; each may end in a port. */
function isExcluded(url: URL, environment: Environment): boolean {
  const list = environment['NO_PROXY'] || environment['no_proxy'] || '';
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*' || inNetwork(host, entry)) return true;
      const [, name = entry, wanted] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
      if (wanted !== undefined && wanted !== port) return false;
      const bare = name.replace(/^\[|\]$/g, '').replace(/^\*\./, '.');
      return bare.startsWith('.') ? host.endsWith(bare) : host === bare || host.endsWith(`.${bare}`);
    });
}
