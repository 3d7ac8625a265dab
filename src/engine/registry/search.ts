/** What a registry has: repositories by a word, as Docker Hub offers it (/v1/search, "Docker Registry HTTP API V1"), and tags. */
import * as v from 'valibot';
import { OnggiError } from '../../errors.ts';
import { canonicalName, parseReference } from '../../oci/reference.ts';
import { hostOfRegistry } from '../../registry/host.ts';
import { readMachineConfig } from '../../registry/machine-config.ts';
import { openMachineRepository, readMachine } from '../../registry/open.ts';
import { requestSmall } from '../../registry/request.ts';
import { candidatesOf } from '../../registry/short-name.ts';
import { listTags } from '../../registry/tags.ts';
import { repositoryOf } from './registry-access.ts';

export type SearchOptions = {
  /** 1 to 100; default 25. */
  readonly limit?: number;
  readonly credentialsFile?: string;
  readonly signal?: AbortSignal;
};

export type FoundRepository = {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
  readonly automated: boolean;
};

const sizeLimit = 4 * 1024 * 1024;
const word = v.nullish(v.pipe(v.string(), v.maxLength(10_000)), '');
const resultSchema = v.object({
  name: v.pipe(v.string(), v.maxLength(255)),
  description: word,
  star_count: v.nullish(v.number(), 0),
  is_official: v.nullish(v.boolean(), false),
  is_automated: v.nullish(v.boolean(), false),
});
const answerSchema = v.object({ results: v.nullish(v.array(resultSchema), []) });

/**
 * @param term a word, or "host/word" for another registry that can be searched; few can
 * @throws OnggiError `invalid` (the limit), `not-found` and `unsupported` (no such service there), `unavailable`,
 *   `corrupt`
 */
export async function search(term: string, options: SearchOptions = {}): Promise<FoundRepository[]> {
  const { limit = 25, credentialsFile, signal } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw new OnggiError('invalid', `search for "${term}": limit ${limit} is outside the range of 1 to 100`);
  }
  const { registry, words } = splitTerm(term);
  const machine = await readMachine(process.env);
  const opened = await openMachineRepository(machine, registry, '', { credentialsFile });
  // The Hub's search has a host of its own.
  const host = opened.host === hostOfRegistry('docker.io') ? 'index.docker.io' : opened.host;
  const query = new URLSearchParams({ q: words, n: String(limit) });
  const what = `search for "${term}"`;
  const ask = { path: `/v1/search?${query}`, headers: { accept: 'application/json' }, what, signal };
  const answer = await requestSmall({ ...opened, host }, ask, sizeLimit);
  if (!answer.whole) throw new OnggiError('corrupt', `${what}: "${registry}" answered with over ${sizeLimit} bytes`);
  return readAnswer(answer.bytes, what, registry).slice(0, limit);
}

/** @throws OnggiError `not-found`, `unauthorized`, `denied`, `unavailable`, `corrupt`, `cancelled` */
export async function tagsOf(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<string[]> {
  const repository = await repositoryOf(parseReference(name), 'pull', {});
  return await Array.fromAsync(listTags(repository, { signal: options.signal }));
}

/** @throws OnggiError `invalid` */
export async function candidates(name: string): Promise<string[]> {
  return candidatesOf(name, await readMachineConfig(process.env)).map(canonicalName);
}

function splitTerm(term: string): { readonly registry: string; readonly words: string } {
  const slash = term.indexOf('/');
  const first = slash === -1 ? '' : term.slice(0, slash);
  if (!/[.:]/.test(first) && first !== 'localhost') return { registry: 'docker.io', words: term };
  if (!/^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/.test(first)) {
    throw new OnggiError('invalid', `search for "${term.slice(0, 200)}": registry "${first.slice(0, 200)}"`);
  }
  const hub = first === 'docker.io' || first === 'index.docker.io';
  return { registry: hub ? 'docker.io' : first, words: term.slice(slash + 1) };
}

function readAnswer(bytes: Buffer, what: string, registry: string): FoundRepository[] {
  try {
    const { results } = v.parse(answerSchema, JSON.parse(bytes.toString()));
    return (results ?? []).map((result) => ({
      name: result.name,
      description: result.description ?? '',
      stars: result.star_count ?? 0,
      official: result.is_official ?? false,
      automated: result.is_automated ?? false,
    }));
  } catch (cause) {
    const hint = 'Few registries can be searched; see "onggi image list-tags" for the tags of a repository.';
    throw new OnggiError('corrupt', `${what}: "${registry}" answered with no list of repositories`, { cause, hint });
  }
}
