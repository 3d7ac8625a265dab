/** `--network`, by its name or as `name=NAME,KEY=VALUE`, and what goes with it. Pure. */
import type { NetworkMode } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';
import { parseJoined } from './namespace.ts';
import { integer } from './number.ts';

/** What is asked of the place in a network, whether by `--network` or by flags of their own. */
export type AskedPlace = {
  readonly aliases: readonly string[];
  /** IPv4 and IPv6, as they stand there. */
  readonly addresses: readonly string[];
  readonly linkLocal: readonly string[];
  readonly mac?: string;
};

export type AskedNetwork = AskedPlace & { readonly name: string };

/** Docker takes the long form for what has an equals sign. @throws OnggiError `invalid`, `unsupported` */
export function parseNetwork(text: string): AskedNetwork {
  if (!text.includes('=')) return { name: text.trim(), aliases: [], addresses: [], linkLocal: [] };
  const found = { name: '', aliases: [] as string[], addresses: [] as string[], linkLocal: [] as string[] };
  let mac: string | undefined;
  for (const field of text.split(',')) {
    const equals = field.indexOf('=');
    const [key, value] = [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1).trim()];
    if (equals < 0) throw new OnggiError('invalid', `invalid field ${field}`);
    if (key === 'name') found.name = value;
    else if (key === 'alias') found.aliases.push(value);
    else if (key === 'ip') found.addresses.push(parseAddressOf(4)(value));
    else if (key === 'ip6') found.addresses.push(parseAddressOf(6)(value));
    else if (key === 'link-local-ip') found.linkLocal.push(parseLinkLocal(value));
    else if (key === 'mac-address') mac = parseMacAddress(value);
    else if (key === 'gw-priority') integer()(value);
    else if (key === 'driver-opt') throw unsupported(`driver-opt of a network ('${value}')`);
    else throw new OnggiError('invalid', `invalid field key ${key}`);
  }
  if (found.name === '') throw new OnggiError('invalid', 'network name/id is not specified');
  return { ...found, ...(mac !== undefined && { mac }) };
}

const hint = 'There are bridge, host, none and container:NAME.';

/** Of all `--network` together. Undefined: none was named. @throws OnggiError `invalid`, `not-found` */
export function chosenNetwork(asked: readonly AskedNetwork[]): NetworkMode | undefined {
  const modes = asked.map(({ name }) => modeOf(name));
  const [first] = modes;
  const twice = modes.find((mode, i) => modes.indexOf(mode) !== i);
  if (twice !== undefined) throw new OnggiError('invalid', `network "${twice}" is specified multiple times`);
  if (modes.length > 1) {
    throw new OnggiError('invalid', `Container cannot be connected to network endpoints: ${modes.join(', ')}`, {
      hint: 'Name one: a container is on one network here.',
    });
  }
  return first;
}

function modeOf(name: string): NetworkMode {
  if (name === 'default') return 'bridge';
  if (name === 'none' || name === 'host' || name === 'bridge') return name;
  const joined = parseJoined(name);
  if (joined !== undefined) return joined;
  if (name === '') throw new OnggiError('invalid', 'no name set for network', { hint });
  throw new OnggiError('not-found', `network ${name} not found`, { hint });
}

/**
 * What Docker gives in networks of the user's own alone, of which there are none here.
 * @throws OnggiError `invalid` in Docker's words
 */
export function checkPlace({ aliases, addresses }: AskedPlace): void {
  if (aliases.length > 0) {
    throw new OnggiError('invalid', 'network-scoped aliases are only supported for user-defined networks', {
      hint: 'There are none here; --link CONTAINER:ALIAS lets a container know another one by a name.',
    });
  }
  if (addresses.length > 0) {
    throw new OnggiError('invalid', 'user specified IP address is supported on user defined networks only', {
      hint: 'There are none here; leave it out, and "onggi inspect" shows the address that the container gets.',
    });
  }
}

/** `--ip`, `--ip6`. @throws OnggiError `invalid` */
export function parseAddressOf(version: 4 | 6): (text: string) => string {
  return (text) => {
    const fits = version === 4 ? isAddress4(text) : text.includes(':') && URL.canParse(`http://[${text}]/`);
    if (fits) return text;
    throw new OnggiError('invalid', `invalid IPv${version} address: ${text}`);
  };
}

/** `--link-local-ip`, of IPv4 or IPv6. @throws OnggiError `invalid` */
export function parseLinkLocal(text: string): string {
  if (isAddress4(text) && text.startsWith('169.254.')) return text;
  if (/^fe[89ab][0-9a-f]:/i.test(text) && URL.canParse(`http://[${text}]/`)) return text;
  throw new OnggiError('invalid', `invalid link-local IP address: ${text}`);
}

function isAddress4(text: string): boolean {
  const octets = text.split('.');
  return octets.length === 4 && octets.every((octet) => /^(?:0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256);
}

/** As Docker shows it. The rest is checked by the engine. @throws OnggiError `invalid` */
export function parseMacAddress(text: string): string {
  const mac = text.toLowerCase().replaceAll('-', ':');
  if (/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac) && !/^(?:.[13579bdf]|00:00:00:00:00:00)/.test(mac)) return mac;
  throw new OnggiError('invalid', `${text} is not a valid mac address`, {
    hint: 'Write six pairs of digits, such as 02:42:ac:11:00:02, the first of them even.',
  });
}
