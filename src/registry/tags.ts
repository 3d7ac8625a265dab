/** Lists of a registry: tags of a repository, repositories of a registry, page by page ("Listing Tags"). */
import * as v from 'valibot';
import { OnggiError } from '../errors.ts';
import { nextPage } from './link.ts';
import type { Repository } from './repository.ts';
import { requestSmall } from './request.ts';

export type ListOptions = {
  /** Asked for at once; registries give fewer if they like. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal | undefined;
};

const pageLimit = 4 * 1024 * 1024;
/** Names that a list may have; a registry that has more, or never ends, is not listed for ever. */
const nameLimit = 1_000_000;
/** Pages in a row that bring nothing new. */
const idlePageLimit = 10;

const tagsSchema = v.object({ tags: v.nullish(v.array(v.string()), null) });
const catalogSchema = v.object({ repositories: v.nullish(v.array(v.string()), null) });

/**
 * Tags as the registry orders them, each once. Names that no tag can have are left out: they end up in messages and
 * addresses.
 * @throws OnggiError `not-found`, `unauthorized`, `denied`, `unavailable`, `corrupt`, `exhausted`, `cancelled`
 */
export function listTags(repository: Repository, options: ListOptions = {}): AsyncGenerator<string> {
  const what = `tags of "${repository.registry}/${repository.name}"`;
  return list(repository, 'tags/list', what, options, (page) => {
    const { tags } = v.parse(tagsSchema, page);
    return (tags ?? []).filter((tag) => /^\w[\w.-]{0,127}$/.test(tag));
  });
}

/**
 * Names of all repositories. @param registry opened with access "catalog" and an empty name
 * @throws as `listTags`; `not-found`, `unsupported` or `unauthorized` where there is no such list (Docker Hub)
 */
export function listRepositories(registry: Repository, options: ListOptions = {}): AsyncGenerator<string> {
  const what = `repositories of "${registry.registry}"`;
  return list(registry, '/v2/_catalog', what, options, (page) => {
    const { repositories } = v.parse(catalogSchema, page);
    return (repositories ?? []).filter((name) => /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(name) && name.length < 256);
  });
}

async function* list(
  repository: Repository,
  first: string,
  what: string,
  { pageSize, signal }: ListOptions,
  namesOf: (page: unknown) => readonly string[],
): AsyncGenerator<string> {
  const seen = new Set<string>();
  let idle = 0;
  let path: string | URL | null = pageSize === undefined ? first : `${first}?n=${pageSize}`;
  while (path !== null) {
    const ask = { path, headers: { accept: 'application/json' }, what, signal };
    const { bytes, whole, headers, url } = await requestSmall(repository, ask, pageLimit);
    if (!whole) throw new OnggiError('corrupt', `${what}: a page over ${pageLimit} bytes`);
    const known = seen.size;
    for (const name of readPage(bytes, what, namesOf)) {
      if (seen.has(name)) continue;
      seen.add(name);
      if (seen.size > nameLimit) throw new OnggiError('exhausted', `${what}: over ${nameLimit} names`);
      yield name;
    }
    idle = seen.size === known ? idle + 1 : 0;
    if (idle > idlePageLimit) throw new OnggiError('corrupt', `${what}: its pages bring nothing new and never end`);
    path = nextPage(headers.get('link'), url, what);
  }
}

function readPage(bytes: Buffer, what: string, namesOf: (page: unknown) => readonly string[]): readonly string[] {
  try {
    return namesOf(JSON.parse(bytes.toString()));
  } catch (cause) {
    throw new OnggiError('corrupt', `${what}: the answer is not such a list`, { cause });
  }
}
