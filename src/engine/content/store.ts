/** Content that was pushed, and the images of this machine beside it. */
import { OnggiError } from '../../errors.ts';
import { removeUnnamedBlobs, uploadKept } from '../../image/collect.ts';
import { type Digest, isDigest, sha256 } from '../../oci/digest.ts';
import { maxManifestSize } from '../../oci/image-spec.ts';
import { type ManifestLinks, manifestLinks } from '../../oci/manifest-links.ts';
import { blobSize, createBlobWriter, hasBlob, publishBlob, readBlob } from '../../store/blob.ts';
import { syncDatabase, transaction } from '../../store/database.ts';
import { lockContent } from '../../store/lock.ts';
import {
  deleteRegistryBlob,
  deleteRegistryManifest,
  deleteRegistryTag,
  hasRegistryRepository,
  putRegistryBlob,
  putRegistryManifest,
  putRegistryTag,
  registryBlobAnywhere,
  registryBlobSize,
  registryManifest,
  registryReferrer,
  registryReferrers,
  registryRepositories,
  registryTag,
  registryTags,
  touchRegistryBlob,
} from '../../store/registry-row.ts';
import type { Store } from '../../store/store.ts';
import { createUpload } from '../../store/upload.ts';
import { storedBlob } from './blob.ts';
import type { ContentOptions, ContentUpload, NewManifest, StoredManifest, WritableContent } from './content.ts';
import { type ImageContent, makeImageContent } from './image.ts';

/** How often a blob's time of use is written, milliseconds; far below `uploadKept`. */
const touchInterval = uploadKept / 24;

export function makeContent(store: Store, options: ContentOptions): WritableContent {
  const { database } = store;
  const images = options.images ? makeImageContent(store, options.hosts ?? []) : undefined;
  return {
    async repositories(after, limit) {
      return merged(
        registryRepositories(database, '', after, limit),
        images?.repositories().filter((name) => name > after),
        limit,
      );
    },
    async tags(repository, after, limit) {
      const local = images?.tags(repository) ?? [];
      if (local.length === 0 && !hasRegistryRepository(database, repository)) return undefined;
      const later = local.filter((tag) => tag > after);
      return merged(registryTags(database, repository, after, limit), later, limit);
    },
    manifest: async (repository, reference) =>
      pushedManifest(store, repository, reference) ?? images?.manifest(repository, reference),
    async blob(repository, digest) {
      const size = registryBlobSize(database, repository, digest) ?? (await images?.blobSize(repository, digest));
      // One that was lost or cut off on disk is not offered: then a push brings it again.
      if (size === undefined || blobSize(store.layout, digest) !== size) return undefined;
      // Whoever asks may be about to push a manifest that counts on it.
      touchRegistryBlob(database, repository, digest, Date.now(), touchInterval);
      return storedBlob(store, digest, size);
    },
    referrers: async (repository, digest) => registryReferrers(database, repository, digest),
    startUpload: (repository) => startUpload(store, repository),
    mountBlob: (repository, digest, from) => mountBlob(store, images, { repository, digest, from }),
    putManifest: (repository, manifest) => putManifest(store, repository, manifest),
    async deleteTag(repository, tag) {
      return deleteRegistryTag(database, repository, tag);
    },
    deleteManifest: (repository, digest) => deleteManifest(store, repository, digest),
    deleteBlob: (repository, digest) => deleteBlob(store, repository, digest),
  };
}

/** Two lists without doubles, in order of bytes. */
function merged(some: readonly string[], others: readonly string[] | undefined, limit: number): readonly string[] {
  if (others === undefined || others.length === 0) return some;
  return [...new Set([...some, ...others])].sort().slice(0, limit);
}

/** By tag or digest, out of rows of the registry. */
export function pushedManifest(store: Store, repository: string, reference: string): StoredManifest | undefined {
  const digest = isDigest(reference) ? reference : registryTag(store.database, repository, reference);
  const row = digest === undefined ? undefined : registryManifest(store.database, repository, digest);
  if (row === undefined) return undefined;
  return { digest: row.digest, mediaType: row.mediaType, bytes: readBlob(store.layout, row.digest, maxManifestSize) };
}

function startUpload(store: Store, repository: string): ContentUpload {
  const upload = createUpload(store.layout);
  return {
    repository,
    get size() {
      return upload.size;
    },
    write: (bytes) => upload.write(bytes),
    mark() {
      const mark = upload.mark();
      return () => upload.rewind(mark);
    },
    async finish(digest) {
      const blob = await upload.finish(digest);
      using _ = await lockContent(store.layout, 'shared');
      // One that is there already is replaced: its bytes may have changed on disk, these were just verified.
      publishBlob(blob);
      putRegistryBlob(store.database, repository, blob, Date.now());
    },
    [Symbol.asyncDispose]: () => upload[Symbol.asyncDispose](),
  };
}

async function mountBlob(
  store: Store,
  images: ImageContent | undefined,
  { repository, digest, from }: { repository: string; digest: Digest; from: string | null },
): Promise<boolean> {
  // While this lock is held no file goes, whatever becomes of the rows.
  using _ = await lockContent(store.layout, 'shared');
  if (!hasBlob(store.layout, digest)) return false;
  const ofImage = from === null ? undefined : await images?.blobSize(from, digest);
  return transaction(store.database, () => {
    const size =
      from === null
        ? registryBlobAnywhere(store.database, digest)
        : (registryBlobSize(store.database, from, digest) ?? ofImage);
    if (size === undefined) return false;
    putRegistryBlob(store.database, repository, { digest, size }, Date.now());
    return true;
  });
}

async function putManifest(store: Store, repository: string, manifest: NewManifest) {
  const { bytes, mediaType, tag } = manifest;
  const links = manifestLinks(bytes, mediaType);
  using writer = createBlobWriter(store.layout, { digest: manifest.digest ?? sha256(bytes), limit: maxManifestSize });
  writer.write(bytes);
  const blob = writer.finish();
  using _ = await lockContent(store.layout, 'shared');
  requireLinks(store, repository, links);
  publishBlob(blob);
  transaction(store.database, () => {
    // Some of it can have gone since; only now nobody can take it away any more.
    requireLinks(store, repository, links);
    putLinkedManifest(store, repository, { digest: blob.digest, mediaType, size: bytes.length }, links);
    if (tag !== null) putRegistryTag(store.database, repository, tag, blob.digest);
  });
  return { digest: blob.digest, subject: links.subject };
}

/** Must run in a transaction. Annotations are kept for the list of referrers, which names no other manifest. */
export function putLinkedManifest(
  store: Store,
  repository: string,
  manifest: { readonly digest: Digest; readonly mediaType: string; readonly size: number },
  links: ManifestLinks,
): void {
  const { subject, artifactType } = links;
  const annotations = subject === null ? null : links.annotations;
  const references = [...links.blobs, ...links.manifests].map(({ digest }) => digest);
  const row = { ...manifest, repository, subject, artifactType, annotations, used: Date.now() };
  putRegistryManifest(store.database, row, references);
}

/** @throws OnggiError `not-found` (a blob or manifest), `invalid` (it has another size) */
function requireLinks({ database, layout }: Store, repository: string, { blobs, manifests }: ManifestLinks): void {
  for (const { digest, size } of blobs) {
    const found = registryBlobSize(database, repository, digest);
    if (found === undefined || blobSize(layout, digest) !== found) {
      throw new OnggiError('not-found', `blob "${digest}" is not in repository "${repository}"`);
    }
    if (found === size) continue;
    throw new OnggiError('invalid', `blob "${digest}" has ${found} bytes, not the ${size} of its descriptor`);
  }
  for (const { digest } of manifests) {
    if (registryManifest(database, repository, digest) !== undefined) continue;
    throw new OnggiError('not-found', `manifest "${digest}" is not in repository "${repository}"`);
  }
}

async function deleteManifest(store: Store, repository: string, digest: Digest): Promise<boolean> {
  const { database } = store;
  const row = registryManifest(database, repository, digest);
  if (row === undefined) return false;
  const links = readLinks(store, digest, row.mediaType);
  const idle = transaction(database, () => {
    deleteRegistryManifest(database, repository, digest);
    const free = links.filter((blob) => registryReferrer(database, repository, blob) === undefined);
    // Somebody may be pushing another manifest that names them: the young ones are left to the collector.
    const before = Date.now() - 2 * touchInterval;
    return free.filter((blob) => deleteRegistryBlob(database, repository, blob, before));
  });
  syncDatabase(database);
  await removeUnnamedBlobs(store, [digest, ...idle]);
  return true;
}

/** One that was damaged on disk can be deleted all the same; the collector finds its blobs. */
function readLinks(store: Store, digest: Digest, mediaType: string): Digest[] {
  try {
    const bytes = readBlob(store.layout, digest, maxManifestSize);
    return manifestLinks(bytes, mediaType).blobs.map((blob) => blob.digest);
  } catch (error) {
    if (error instanceof OnggiError) return [];
    throw error;
  }
}

async function deleteBlob(store: Store, repository: string, digest: Digest): Promise<boolean> {
  const { database } = store;
  const removed = transaction(database, () => {
    const user = registryReferrer(database, repository, digest);
    if (user !== undefined) throw new OnggiError('conflict', `blob "${digest}" is used by manifest "${user}"`);
    return deleteRegistryBlob(database, repository, digest);
  });
  if (!removed) return false;
  syncDatabase(database);
  await removeUnnamedBlobs(store, [digest]);
  return true;
}
