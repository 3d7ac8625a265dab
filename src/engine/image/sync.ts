/** Many images from one place to another, each by the one copy (skopeo-sync(1)). */
import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { parseReference } from '../../oci/reference.ts';
import { listTags } from '../../registry/tags.ts';
import type { Context } from '../context.ts';
import { repositoryOf } from '../registry/registry-access.ts';
import { copyBetween } from './copy.ts';
import type { CopyImageOptions } from './transfer.ts';

export type SyncPlace = 'docker' | 'dir';

export type SyncAsk = {
  readonly from: SyncPlace;
  readonly to: SyncPlace;
  /** A repository ("registry.example/app", all its tags), an image ("...:1"), or a directory with images below. */
  readonly source: string;
  /** A registry with a beginning of the path, or a directory. */
  readonly destination: string;
  /** Keeps the whole name of the source below the destination. */
  readonly scoped: boolean;
  /** Names what would be copied. */
  readonly dryRun: boolean;
  /** Goes on after a failure. */
  readonly keepGoing: boolean;
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
  const images = ask.from === 'docker' ? await imagesOfRegistry(ask.source, options) : imagesBelow(ask.source);
  if (images.length === 0) throw new OnggiError('not-found', `sync "${ask.source}": there are no images`);
  for (const image of images) {
    const destination = destinationOf(ask, image);
    yield { type: 'copying', source: image.address, destination };
    if (ask.dryRun) continue;
    try {
      await copyBetween(context, image.address, destination, options);
      yield { type: 'copied', source: image.address, destination };
    } catch (error) {
      if (!ask.keepGoing || options.signal?.aborted === true) throw error;
      yield { type: 'failed', source: image.address, error };
    }
  }
}

type Found = {
  readonly address: string;
  /** "registry.example/team/app" */
  readonly path: string;
  /** ":1", "@sha256:..." or "" */
  readonly suffix: string;
};

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

/** Without `scoped`, only the last part of the name stays; of a directory the whole path below the source. */
function destinationOf(ask: SyncAsk, { path, suffix }: Found): string {
  const kept = ask.scoped || ask.from === 'dir' ? path : basename(path);
  if (ask.to === 'dir') return `dir:${join(resolve(ask.destination), `${kept}${suffix}`)}`;
  // A digest is no name to push to.
  const tag = suffix.startsWith('@') ? '' : suffix;
  const reference = parseReference(`${ask.destination.replace(/\/+$/, '')}/${kept}${tag}`);
  return `docker://${reference.registry}/${reference.repository}:${reference.tag ?? 'latest'}`;
}
