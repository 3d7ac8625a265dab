/**
 * Image references and their normalisation, as Docker does it (github.com/distribution/reference, "grammar" in
 * reference.go and normalize.go). Pure.
 *
 * Law: `parseReference(canonicalName(r))` and `parseReference(familiarName(r))` equal `r`.
 */
import { OnggiError } from '../errors.ts';
import { type Digest, parseDigest } from './digest.ts';

export type Reference = {
  /** Host, with its port if any: "docker.io", "localhost:5000". */
  readonly registry: string;
  /** "library/alpine" */
  readonly repository: string;
  /** Null when a digest says which image is meant. */
  readonly tag: string | null;
  readonly digest: Digest | null;
};

const defaultRegistry = 'docker.io';
const officialPrefix = 'library/';

const hostLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const registryGrammar = new RegExp(`^(?:${hostLabel}(?:\\.${hostLabel})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?$`);
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryGrammar = new RegExp(`^${component}(?:/${component})*$`);
const tagGrammar = /^\w[\w.-]{0,127}$/;
/** An image id would be ambiguous as a name. */
const idGrammar = /^[a-f0-9]{64}$/;

/**
 * Without tag and digest the tag is "latest"; with both the digest counts, as in `docker pull`.
 * @throws OnggiError `invalid`
 */
export function parseReference(text: string): Reference {
  if (text.length > 1024) throw invalid(text, 'too long');
  if (idGrammar.test(text)) throw invalid(text, "a repository name can't be 64 hexadecimal digits");
  const at = text.indexOf('@');
  const digest = at === -1 ? null : digestOf(text, text.slice(at + 1));
  const name = at === -1 ? text : text.slice(0, at);
  // A colon before a slash belongs to the port of the registry.
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const tag = colon === -1 ? null : name.slice(colon + 1);
  if (tag !== null && !tagGrammar.test(tag)) throw invalid(text, `tag "${tag}"`);
  const { registry, repository } = splitRegistry(colon === -1 ? name : name.slice(0, colon));
  if (!registryGrammar.test(registry)) throw invalid(text, `registry "${registry}"`);
  if (!repositoryGrammar.test(repository)) {
    const lower = repository.toLowerCase() !== repository;
    throw invalid(text, lower ? 'repository name must be lowercase' : `repository "${repository}"`);
  }
  if (registry.length + 1 + repository.length > 255) throw invalid(text, 'repository name over 255 characters');
  return { registry, repository, tag: digest === null ? (tag ?? 'latest') : null, digest };
}

/** "docker.io/library/alpine:latest": one spelling for each thing meant; the key of the store. */
export function canonicalName(reference: Reference): string {
  return `${reference.registry}/${reference.repository}${suffix(reference)}`;
}

/** "alpine:latest": what people write and see. */
export function familiarName(reference: Reference): string {
  return `${familiarRepository(reference)}${suffix(reference)}`;
}

/** The familiar name without tag and digest: the REPOSITORY column. */
export function familiarRepository(reference: Reference): string {
  const { registry, repository } = reference;
  if (registry !== defaultRegistry) return `${registry}/${repository}`;
  const rest = repository.startsWith(officialPrefix) ? repository.slice(officialPrefix.length) : repository;
  return rest.includes('/') ? repository : rest;
}

/** The same repository by the digest that was found there: what RepoDigests lists. */
export function pinned(reference: Reference, digest: Digest): Reference {
  return { ...reference, tag: null, digest };
}

function suffix(reference: Reference): string {
  return reference.digest === null ? `:${reference.tag ?? 'latest'}` : `@${reference.digest}`;
}

/** The first part is a registry only if it can't be a path component: a dot, a port, "localhost" or upper case. */
function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isRegistry = /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
  const registry = isRegistry ? first : defaultRegistry;
  const rest = isRegistry ? name.slice(slash + 1) : name;
  if (registry !== defaultRegistry && registry !== 'index.docker.io') return { registry, repository: rest };
  return { registry: defaultRegistry, repository: rest.includes('/') ? rest : `${officialPrefix}${rest}` };
}

function digestOf(text: string, digest: string): Digest {
  try {
    return parseDigest(digest);
  } catch (cause) {
    throw new OnggiError('invalid', `image "${text.slice(0, 300)}": invalid reference format: its digest`, { cause });
  }
}

function invalid(text: string, found: string): OnggiError {
  return new OnggiError('invalid', `image "${text.slice(0, 300)}": invalid reference format: ${found.slice(0, 300)}`);
}
