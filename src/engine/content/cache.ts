/**
 * Another registry as content: what is asked for is fetched, kept, and given from the store the next time. A tag is
 * looked up there each time, so that it moves here as it moves there; while that registry can't be reached, what was
 * kept is given.
 */
import { OnggiError } from '../../errors.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { maxManifestSize } from '../../oci/image-spec.ts';
import { manifestLinks } from '../../oci/manifest-links.ts';
import { fetchManifestBytes, findManifest } from '../../registry/manifest-fetch.ts';
import { openMachineRepository, readMachine } from '../../registry/open.ts';
import type { Repository } from '../../registry/repository.ts';
import { createBlobWriter, publishBlob, readBlob } from '../../store/blob.ts';
import { transaction } from '../../store/database.ts';
import { lockContent } from '../../store/lock.ts';
import {
  hasRegistryRepository,
  putRegistryTag,
  registryBlobSize,
  registryManifest,
  registryReferrer,
  registryReferrers,
  registryRepositories,
  registryTags,
  touchRegistryManifest,
} from '../../store/registry-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { storedBlob } from './blob.ts';
import type { CacheOptions, Content, StoredManifest } from './content.ts';
import { type Fills, fillBlob } from './fill.ts';
import { pushedManifest, putLinkedManifest } from './store.ts';

/** Milliseconds for which a tag that was looked up is believed: a client asks for it two or three times in a row. */
const tagBelieved = 10_000;
/** How often a manifest's time of use is written. */
const touchInterval = 3600_000;

type Cache = {
  readonly store: Store;
  readonly registry: string;
  /** Before the name of a repository, in rows. */
  readonly prefix: string;
  readonly open: (name: string) => Promise<Repository>;
  /** When each tag was looked up last. */
  readonly looked: Map<string, number>;
  readonly fills: Fills;
  readonly warn: (message: string) => void;
};

/** A client waits meanwhile, and what was kept is better than nothing. */
const impatient = { attempts: 2, firstDelay: 200, longestDelay: 200, longestWait: 5000 };

/** Repositories are kept: each knows how its registry wants to be asked. Credentials are read anew every few minutes. */
function repositoriesOf({ registry, credentialsFile }: CacheOptions): Cache['open'] {
  const known = new Map<string, { readonly repository: Promise<Repository>; readonly until: number }>();
  return (name) => {
    const now = Date.now();
    const kept = known.get(name);
    if (kept !== undefined && kept.until > now) return kept.repository;
    if (known.size >= 1000) known.clear();
    const repository = readMachine(process.env).then((machine) =>
      openMachineRepository(machine, registry, name, { credentialsFile, retry: impatient }),
    );
    known.set(name, { repository, until: now + 300_000 });
    repository.catch(() => known.delete(name));
    return repository;
  };
}

export function makeCache(context: Context, options: CacheOptions): Content {
  const { store } = context;
  const { database } = store;
  const { registry } = options;
  const open = repositoriesOf(options);
  const prefix = `proxy:${registry}/`;
  const warn = (message: string): void => context.warn(message);
  const cache: Cache = { store, registry, prefix, open, looked: new Map(), fills: new Map(), warn };
  return {
    repositories: async (after, limit) => registryRepositories(database, prefix, after, limit),
    async tags(repository, after, limit) {
      const key = prefix + repository;
      return hasRegistryRepository(database, key) ? registryTags(database, key, after, limit) : undefined;
    },
    manifest: (repository, reference) => cachedManifest(cache, repository, reference),
    async blob(repository, digest) {
      const size = registryBlobSize(database, prefix + repository, digest);
      if (size !== undefined) return storedBlob(store, digest, size);
      const wanted = announcedSize(cache, prefix + repository, digest);
      if (wanted === undefined) return undefined;
      const target = { store, key: prefix + repository, digest, size: wanted };
      return await fillBlob(cache.fills, target, await open(repository));
    },
    referrers: async (repository, digest) => registryReferrers(database, prefix + repository, digest),
  };
}

async function cachedManifest(
  cache: Cache,
  repository: string,
  reference: string,
): Promise<StoredManifest | undefined> {
  const { store, prefix, looked } = cache;
  const key = prefix + repository;
  const known = pushedManifest(store, key, reference);
  const now = Date.now();
  const mark = `${repository}:${reference}`;
  const fresh = isDigest(reference) || now - (looked.get(mark) ?? Number.NEGATIVE_INFINITY) < tagBelieved;
  if (known !== undefined && fresh) return touched(cache, key, known);
  try {
    const found = await lookUp(cache, repository, reference, known);
    if (looked.size >= 10_000) looked.clear();
    if (found !== undefined) looked.set(mark, now);
    return found;
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    if (error.code === 'not-found') return undefined;
    if (known === undefined || error.code !== 'unavailable') throw error;
    cache.warn(`registry "${cache.registry}" can't be reached: what was kept of it is given`);
    return touched(cache, key, known);
  }
}

function touched({ store }: Cache, key: string, manifest: StoredManifest): StoredManifest {
  const row = registryManifest(store.database, key, manifest.digest);
  const now = Date.now();
  if (row !== undefined && row.used < now - touchInterval)
    touchRegistryManifest(store.database, key, manifest.digest, now);
  return manifest;
}

/** Registries count what is fetched, not what is asked for: a tag that stands for what is known is only asked for. */
async function lookUp(
  cache: Cache,
  repository: string,
  reference: string,
  known: StoredManifest | undefined,
): Promise<StoredManifest | undefined> {
  const what = `manifest "${reference}" of "${cache.registry}/${repository}"`;
  const ask = { reference, what };
  const upstream = await cache.open(repository);
  if (known !== undefined) {
    const found = await findManifest(upstream, { ...ask, signal: undefined });
    if (found === undefined) return undefined;
    if (found.digest === known.digest) return known;
  }
  const fetched = await fetchManifestBytes(upstream, ask);
  await keepManifest(cache.store, cache.prefix + repository, fetched, isDigest(reference) ? null : reference);
  return fetched;
}

/** @throws OnggiError `corrupt` or `unsupported` when it is no manifest */
async function keepManifest(store: Store, key: string, manifest: StoredManifest, tag: string | null): Promise<void> {
  const { digest, mediaType, bytes } = manifest;
  const links = manifestLinks(bytes, mediaType);
  using writer = createBlobWriter(store.layout, { digest });
  writer.write(bytes);
  const blob = writer.finish();
  using _ = await lockContent(store.layout, 'shared');
  publishBlob(blob);
  transaction(store.database, () => {
    putLinkedManifest(store, key, { digest, mediaType, size: bytes.length }, links);
    if (tag !== null) putRegistryTag(store.database, key, tag, digest);
  });
}

/** Only what a manifest names is fetched, with the size that it says. */
function announcedSize({ store }: Cache, key: string, digest: Digest): number | undefined {
  const manifest = registryReferrer(store.database, key, digest);
  const row = manifest === undefined ? undefined : registryManifest(store.database, key, manifest);
  if (row === undefined) return undefined;
  const { blobs } = manifestLinks(readBlob(store.layout, row.digest, maxManifestSize), row.mediaType);
  return blobs.find((blob) => blob.digest === digest)?.size;
}
