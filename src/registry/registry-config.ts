/**
 * What a machine's configuration says about registries: where names are looked for, mirrors, insecure and blocked
 * registries. Both formats that machines have are read into this one: containers-registries.conf(5), version 2, and
 * Docker's daemon.json. Pure.
 */
import * as v from 'valibot';
import { OnggiError, unsupported } from '../errors.ts';

export type Mirror = {
  /** "mirror.example:5000/docker" stands for the prefix of its registry. */
  readonly location: string;
  readonly insecure: boolean;
  readonly serves: 'all' | 'digests' | 'tags';
};

export type RegistryEntry = {
  /** "docker.io", "quay.io/team", "*.example.com": names that begin so. */
  readonly prefix: string;
  /** What takes the place of the prefix. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  /** In order. */
  readonly mirrors: readonly Mirror[];
};

export type RegistryConfig = {
  /** Registries in which names without one are looked for, in order; empty: Docker Hub. */
  readonly search: readonly string[];
  /** "alpine" -> "docker.io/library/alpine" */
  readonly aliases: Readonly<Record<string, string>>;
  readonly registries: readonly RegistryEntry[];
};

export const emptyConfig: RegistryConfig = { search: [], aliases: {}, registries: [] };

const flag = v.optional(v.boolean(), false);
const mirrorSchema = v.object({
  location: v.string(),
  insecure: flag,
  'pull-from-mirror': v.optional(v.picklist(['all', 'digest-only', 'tag-only']), 'all'),
});
const registrySchema = v.object({
  prefix: v.optional(v.string()),
  location: v.optional(v.string()),
  insecure: flag,
  blocked: flag,
  'mirror-by-digest-only': flag,
  mirror: v.optional(v.array(mirrorSchema), []),
});
const confSchema = v.object({
  'unqualified-search-registries': v.optional(v.array(v.string())),
  aliases: v.optional(v.record(v.string(), v.string()), {}),
  registry: v.optional(v.array(registrySchema), []),
});

/** "host", "host:port", "host/path"; a prefix may begin with "*." */
const locationGrammar = /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?(?:\/[a-z0-9._/-]+)?$/;

/**
 * The document of one registries.conf.
 * @returns null as `search` when the file says nothing about it, so that an earlier file holds
 * @throws OnggiError `invalid`; `unsupported` for version 1 of the format
 */
export function readRegistriesConf(
  document: unknown,
  path: string,
): Omit<RegistryConfig, 'search'> & { readonly search: readonly string[] | null } {
  if (typeof document === 'object' && document !== null && Object.hasOwn(document, 'registries')) {
    throw unsupported(
      `version 1 of registries.conf in "${path}"`,
      'Write [[registry]] tables: version 2 of the format.',
    );
  }
  const conf = check(confSchema, document, path);
  return {
    search: conf['unqualified-search-registries']?.map((host) => location(host, path)) ?? null,
    aliases: conf.aliases,
    registries: conf.registry.map((entry) => entryOf(entry, path)),
  };
}

function entryOf(entry: v.InferOutput<typeof registrySchema>, path: string): RegistryEntry {
  const prefix = entry.prefix ?? entry.location ?? '';
  const wildcard = prefix.startsWith('*.');
  if (!locationGrammar.test(wildcard ? prefix.slice(2) : prefix)) throw strange(path, 'prefix', prefix);
  const digestsOnly = entry['mirror-by-digest-only'];
  const serves = { all: 'all', 'digest-only': 'digests', 'tag-only': 'tags' } as const;
  return {
    prefix,
    location: entry.location === undefined ? prefix : location(entry.location, path),
    insecure: entry.insecure,
    blocked: entry.blocked,
    mirrors: entry.mirror.map((mirror) => ({
      location: location(mirror.location, path),
      insecure: mirror.insecure,
      serves: digestsOnly ? 'digests' : serves[mirror['pull-from-mirror']],
    })),
  };
}

const daemonSchema = v.object({
  'registry-mirrors': v.optional(v.array(v.string()), []),
  'insecure-registries': v.optional(v.array(v.string()), []),
});

/**
 * The document of Docker's daemon.json: "registry-mirrors" (of Docker Hub) and "insecure-registries". A network in
 * CIDR notation among the latter is matched by hosts that are addresses.
 * @throws OnggiError `invalid`
 */
export function readDaemonJson(document: unknown, path: string): RegistryConfig {
  const daemon = check(daemonSchema, document, path);
  const mirrors = daemon['registry-mirrors'].map((address): Mirror => {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    const plain = url?.protocol === 'http:';
    if (url === undefined || !(plain || url.protocol === 'https:') || url.username !== '' || url.search !== '') {
      throw strange(path, 'registry-mirrors', address);
    }
    const rest = url.pathname.replace(/\/+$/, '');
    return { location: `${url.host}${rest}`, insecure: plain, serves: 'all' };
  });
  const hub: RegistryEntry = { ...plainEntry('docker.io'), mirrors };
  const insecure = daemon['insecure-registries'].map((host) => {
    if (!locationGrammar.test(host) && !/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(host)) {
      throw strange(path, 'insecure-registries', host);
    }
    return { ...plainEntry(host), insecure: true };
  });
  return { ...emptyConfig, registries: [...(mirrors.length > 0 ? [hub] : []), ...insecure] };
}

function plainEntry(prefix: string): RegistryEntry {
  return { prefix, location: prefix, insecure: false, blocked: false, mirrors: [] };
}

/**
 * Several files as one: a later one's search list and aliases hold, and so does its entry for a prefix, but what Docker
 * calls insecure stays so.
 */
export function mergeConfigs(
  configs: readonly (Omit<RegistryConfig, 'search'> & { readonly search: readonly string[] | null })[],
): RegistryConfig {
  const registries = new Map<string, RegistryEntry>();
  for (const { registries: entries } of configs) {
    for (const entry of entries) registries.set(entry.prefix, entry);
  }
  return {
    search: configs.map(({ search }) => search).findLast((search) => search !== null) ?? [],
    aliases: Object.assign({}, ...configs.map(({ aliases }) => aliases)),
    registries: [...registries.values()],
  };
}

function location(text: string, path: string): string {
  const trimmed = text.replace(/\/+$/, '');
  if (!locationGrammar.test(trimmed)) throw strange(path, 'location', text);
  return trimmed;
}

function strange(path: string, field: string, value: string): OnggiError {
  return new OnggiError('invalid', `registries in "${path}": ${field} "${value.slice(0, 200)}" is no registry`, {
    hint: 'Write HOST, HOST:PORT or HOST/PATH.',
  });
}

function check<const S extends v.GenericSchema>(schema: S, document: unknown, path: string): v.InferOutput<S> {
  const result = v.safeParse(schema, document, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new OnggiError('invalid', `registries in "${path}": field "${v.getDotPath(issue) ?? ''}": ${issue.message}`);
}
