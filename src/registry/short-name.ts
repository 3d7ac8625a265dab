/** Names without a registry, where the configuration says in which registries they are looked for. Pure. */
import { canonicalName, parseReference, type Reference } from '../oci/reference.ts';
import type { RegistryConfig } from './registry-config.ts';

/**
 * What a name may stand for, in the order of the configuration; one without a search list, and for a full name, is what
 * it is for Docker.
 * @throws OnggiError `invalid`
 */
export function candidatesOf(
  text: string,
  { search, aliases }: Pick<RegistryConfig, 'search' | 'aliases'>,
): Reference[] {
  const own = parseReference(text);
  if (search.length === 0 || namesRegistry(text)) return [own];
  const repository = text.replace(/@.*$/s, '').replace(/:[^/]*$/, '');
  const alias = Object.hasOwn(aliases, repository) ? aliases[repository] : undefined;
  const suffix = text.slice(repository.length);
  const texts = alias === undefined ? search.map((host) => `${host}/${text}`) : [`${alias}${suffix}`];
  const found = texts.map(parseReference);
  return [...new Map(found.map((reference) => [canonicalName(reference), reference])).values()];
}

/** Docker's rule: what can't be a component of a path. */
function namesRegistry(text: string): boolean {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  return /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
}
