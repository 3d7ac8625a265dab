/** `-p [[IP:]HOST:]CONTAINER[/PROTOCOL]`, each port one number or a range. Pure. */
import type { PortMapping } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';

type Range = { readonly first: number; readonly last: number };

/**
 * One mapping per container port.
 * @throws OnggiError `invalid` with Docker's words; `unsupported` for sctp
 */
export function parsePortMappings(text: string): PortMapping[] {
  const [address, host, rest] = split(text);
  const slash = rest.indexOf('/');
  const container = slash < 0 ? rest : rest.slice(0, slash);
  const protocol = slash < 0 ? 'tcp' : rest.slice(slash + 1).toLowerCase();
  if (container === '') throw new OnggiError('invalid', `no port specified: ${text}<empty>`);
  if (protocol === 'sctp') throw unsupported(`publishing an sctp port (${text})`);
  if (protocol !== 'tcp' && protocol !== 'udp') throw new OnggiError('invalid', `invalid proto: ${protocol}`);
  const hostIp = parseAddress(address);
  const containerRange = parseRange(container, 1, 'containerPort');
  const hostRange = host === '' ? undefined : parseRange(host, 0, 'hostPort');
  const count = containerRange.last - containerRange.first + 1;
  if (hostRange !== undefined && hostRange.last - hostRange.first + 1 !== count) {
    if (count === 1 && hostRange.first > 0) {
      const [hostPort, lastHostPort] = [hostRange.first, hostRange.last];
      return [{ hostIp, hostPort, lastHostPort, containerPort: containerRange.first, protocol }];
    }
    throw new OnggiError('invalid', `invalid ranges specified for container and host Ports: ${container} and ${host}`);
  }
  return Array.from({ length: count }, (_, i) => ({
    hostIp,
    hostPort: hostRange === undefined ? 0 : hostRange.first + i,
    containerPort: containerRange.first + i,
    protocol,
  }));
}

/** Address, host part and container part; an IPv6 address contains colons of its own. */
function split(text: string): [string, string, string] {
  const parts = text.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  return [parts.join(':'), host, container];
}

function parseRange(text: string, least: number, what: string): Range {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first < least || last > 65535 || last < first) {
    throw new OnggiError('invalid', `invalid ${what}: ${text}`);
  }
  return { first, last };
}

function parseAddress(text: string): string {
  if (text === '') return '';
  const octets = text.split('.');
  if (octets.length === 4 && octets.every((octet) => /^(?:0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256)) {
    return text;
  }
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  // The URL parser is the platform's own parser of IPv6 addresses that costs no import.
  if (bare.includes(':') && URL.canParse(`http://[${bare}]/`))
    return new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  throw new OnggiError('invalid', `invalid IP address: ${text}`);
}
