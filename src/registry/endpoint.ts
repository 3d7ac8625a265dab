/** Which hosts are asked for a repository, in which order: its mirrors, then itself. Pure. */
import { OnggiError } from '../errors.ts';
import { hostOfRegistry } from './host.ts';
import { inNetwork } from './ip-network.ts';
import type { RegistryConfig, RegistryEntry } from './registry-config.ts';

export type Endpoint = {
  /** What errors and credentials call it: the registry of the reference, or the host of a mirror. */
  readonly registry: string;
  /** "host:port" that is asked. */
  readonly host: string;
  /** Name of the repository there. */
  readonly name: string;
  readonly mirror: boolean;
};

export type Wanted = {
  readonly registry: string;
  /** Name of the repository; empty for the registry as a whole. */
  readonly name: string;
  /** By what an image is meant; null: mirrors are not asked (a push, a list). */
  readonly by: 'tag' | 'digest' | null;
};

/**
 * @returns at least one; the last one is the registry itself, or what the configuration puts in its place
 * @throws OnggiError `denied` when the configuration blocks it
 */
export function endpointsOf(config: RegistryConfig, { registry, name, by }: Wanted): Endpoint[] {
  const full = name === '' ? registry : `${registry}/${name}`;
  const entry = entryFor(config, full);
  if (entry?.blocked) {
    throw new OnggiError('denied', `registry "${registry}": blocked for "${full}" by the configuration of registries`, {
      hint: `Its entry "${entry.prefix}" says "blocked = true".`,
    });
  }
  const own = { registry, host: hostOfRegistry(registry), name, mirror: false };
  if (entry === undefined) return [own];
  const mirrors = by === null ? [] : entry.mirrors.filter(({ serves }) => serves === 'all' || serves === `${by}s`);
  const moved =
    entry.location === entry.prefix || entry.prefix.startsWith('*.') ? own : placed(entry, entry.location, full);
  return [...mirrors.map((mirror) => placed(entry, mirror.location, full)), { ...moved, mirror: false }];
}

/** The longest prefix wins, an exact host before "*.domain". */
function entryFor({ registries }: RegistryConfig, full: string): RegistryEntry | undefined {
  const matching = registries.filter(({ prefix }) => matches(prefix, full));
  return matching.sort((a, b) => rank(b.prefix) - rank(a.prefix))[0];
}

function rank(prefix: string): number {
  return prefix.startsWith('*.') ? prefix.length - 1000 : prefix.length;
}

function matches(prefix: string, full: string): boolean {
  if (!prefix.startsWith('*.')) return full === prefix || full.startsWith(`${prefix}/`);
  const domain = prefix.slice(1);
  const host = full.split('/')[0] ?? '';
  return (domain.includes(':') ? host : host.replace(/:\d+$/, '')).endsWith(domain);
}

/** The name with `location` in the place of the entry's prefix. */
function placed(entry: RegistryEntry, location: string, full: string): Endpoint {
  const rest = entry.prefix.startsWith('*.') ? full.slice(full.indexOf('/') + 1) : full.slice(entry.prefix.length + 1);
  const [host = '', ...path] = location.split('/');
  const name = [...path, ...(rest === '' ? [] : [rest])].join('/');
  return { registry: host, host: hostOfRegistry(host), name, mirror: true };
}

/** Whether plain http and unverified https are allowed at a host ("host:port"). */
export function isInsecure({ registries }: RegistryConfig, host: string): boolean {
  return registries.some(({ prefix, location, insecure, mirrors }) => {
    const mine = [...mirrors, { location, insecure }].filter((each) => each.insecure);
    if (mine.some((each) => hostOfRegistry(each.location.split('/')[0] ?? '') === host)) return true;
    if (!insecure) return false;
    return prefix.startsWith('*.') ? matches(prefix, host) : inNetwork(host.replace(/:\d+$/, ''), prefix);
  });
}
