/** Many images from one place to another, each by the one copy (skopeo-sync(1)). */
import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { isDigest } from '../../oci/digest.ts';
import { parseReference } from '../../oci/reference.ts';
import { listTags } from '../../registry/tags.ts';
import type { Context } from '../context.ts';
import { type RegistryOptions, repositoryOf } from '../registry/registry-access.ts';
import { copyBetween } from './copy.ts';
import type { CopyImageOptions } from './transfer.ts';

export type SyncPlace = 'docker' | 'dir';

/** What is wanted of one repository. */
export type SyncList = {
  readonly registry: string;
  readonly repository: string;
  /** Tags and digests; null: all tags that `wanted` lets in. */
  readonly tags: readonly string[] | null;
  readonly wanted?: (tag: string) => boolean;
  /** For this registry, in the place of those for all. */
  readonly access?: RegistryOptions;
};

export type SyncAsk = {
  readonly from: SyncPlace | 'list';
  readonly to: SyncPlace;
  /** A repository ("registry.example/app", all its tags), an image ("...:1"), or a directory with images below. */
  readonly source: string;
  /** From a 'list': what is wanted; `source` is what errors call it. */
  readonly lists?: readonly SyncList[];
  /** A registry with a beginning of the path, or a directory. */
  readonly destination: string;
  /** Keeps the whole name of the source below the destination. */
  readonly scoped: boolean;
  /** Put behind each name at the destination. */
  readonly suffix?: string;
  /** Names what would be copied. */
  readonly dryRun: boolean;
  /** Goes on after a failure. */
  readonly keepGoing: boolean;
  /** Does a copy, and again what failed and may pass; absent: once. */
  readonly attempt?: (copy: () => Promise<unknown>) => Promise<unknown>;
};

export type SyncEvent =
  | { readonly type: 'copying' | 'copied'; readonly source: string; readonly destination: string }
  | { readonly type: 'failed'; readonly source: string; readonly error: unknown };

/** Directories in one another, and images, of one source. */
const maxDepth = 16;
const maxImages = 100_000;

/** @throws OnggiError `not-found` when there is nothing, and what a copy throws unless `keepGoing` */
export async function* syncImages(
  context: Context,
  ask: SyncAsk,
  options: CopyImageOptions = {},
): AsyncGenerator<SyncEvent> {
  const { attempt = (copy) => copy() } = ask;
  const images = imagesOf(ask, options);
  let count = 0;
  for await (const image of images) {
    if ('error' in image) {
      if (!ask.keepGoing || options.signal?.aborted === true) throw image.error;
      yield { type: 'failed', source: image.address, error: image.error };
      continue;
    }
    count += 1;
    const destination = destinationOf(ask, image);
    yield { type: 'copying', source: image.address, destination };
    if (ask.dryRun) continue;
    try {
      const source = image.access === undefined ? {} : { source: image.access };
      await attempt(() => copyBetween(context, image.address, destination, { ...options, ...source }));
      yield { type: 'copied', source: image.address, destination };
    } catch (error) {
      if (!ask.keepGoing || options.signal?.aborted === true) throw error;
      yield { type: 'failed', source: image.address, error };
    }
  }
  if (count === 0) throw new OnggiError('not-found', `sync "${ask.source}": there are no images`);
}

type Found = {
  readonly address: string;
  /** "registry.example/team/app" */
  readonly path: string;
  /** ":1", "@sha256:..." or "" */
  readonly suffix: string;
  readonly access?: RegistryOptions;
};

type Missed = { readonly address: string; readonly error: unknown };

async function* imagesOf(ask: SyncAsk, options: CopyImageOptions): AsyncGenerator<Found | Missed> {
  if (ask.from === 'docker') yield* await imagesOfRegistry(ask.source, options);
  if (ask.from === 'dir') yield* imagesBelow(ask.source);
  for (const list of ask.from === 'list' ? (ask.lists ?? []) : []) {
    try {
      yield* await imagesOfList(list, options);
    } catch (error) {
      yield { address: `docker://${list.registry}/${list.repository}`, error };
    }
  }
}

async function imagesOfList(
  { registry, repository, tags, wanted = () => true, access }: SyncList,
  { source, signal }: CopyImageOptions,
): Promise<Found[]> {
  const path = `${registry}/${repository}`;
  const names: string[] = [];
  if (tags === null) {
    const listed = listTags(await repositoryOf({ registry, repository }, 'pull', access ?? source ?? {}), { signal });
    for await (const tag of listed) if (wanted(tag)) names.push(tag);
  } else names.push(...tags);
  return names.map((name) => {
    const suffix = isDigest(name) ? `@${name}` : `:${name}`;
    return { address: `docker://${path}${suffix}`, path, suffix, ...(access !== undefined && { access }) };
  });
}

async function imagesOfRegistry(source: string, options: CopyImageOptions): Promise<Found[]> {
  const reference = parseReference(source);
  const path = `${reference.registry}/${reference.repository}`;
  const named = reference.digest !== null || source.indexOf(':', source.lastIndexOf('/') + 1) !== -1;
  if (named) {
    const suffix = reference.digest === null ? `:${reference.tag}` : `@${reference.digest}`;
    return [{ address: `docker://${path}${suffix}`, path, suffix }];
  }
  const repository = await repositoryOf(reference, 'pull', options.source ?? {});
  const found: Found[] = [];
  for await (const tag of listTags(repository, { signal: options.signal })) {
    found.push({ address: `docker://${path}:${tag}`, path, suffix: `:${tag}` });
  }
  return found;
}

function imagesBelow(source: string): Found[] {
  const root = resolve(source);
  const found: Found[] = [];
  const walk = (directory: string, depth: number): void => {
    if (depth > maxDepth || found.length > maxImages) throw new OnggiError('exhausted', `sync "${source}": too deep`);
    const names = entriesOf(directory);
    if (names.includes('manifest.json')) {
      const inner = relative(root, directory) || basename(root);
      const colon = inner.search(/[:@][^/]*$/);
      const [path, suffix] = colon === -1 ? [inner, ''] : [inner.slice(0, colon), inner.slice(colon)];
      found.push({ address: `dir:${directory}`, path, suffix });
      return;
    }
    for (const name of names.sort()) {
      if (statSync(join(directory, name)).isDirectory()) walk(join(directory, name), depth + 1);
    }
  };
  walk(root, 0);
  return found;
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw fromSystemError(error, `sync "${directory}"`);
  }
}

/** Without `scoped`, only the last part of the name stays, of a directory too. */
function destinationOf(ask: SyncAsk, { path, suffix }: Found): string {
  const kept = ask.scoped ? path : basename(path);
  const { suffix: more = '' } = ask;
  if (ask.to === 'dir') return `dir:${join(resolve(ask.destination), `${kept}${suffix}${more}`)}`;
  const reference = parseReference(`${ask.destination.replace(/\/+$/, '')}/${kept}${suffix}${more}`);
  const { registry, repository, digest } = reference;
  return `docker://${registry}/${repository}${digest === null ? `:${reference.tag ?? 'latest'}` : `@${digest}`}`;
}
