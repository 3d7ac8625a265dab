/**
 * Manifests, tags and blobs by repository: what a registry offers and takes in, over the store that images share.
 * What is pushed is kept for those who pull it and is no image of this machine; the blobs of both are the same files.
 */
import type { Digest } from '../../oci/digest.ts';
import type { Context } from '../context.ts';

export type StoredManifest = {
  readonly digest: Digest;
  readonly mediaType: string;
  /** As received. */
  readonly bytes: Uint8Array;
};

export type StoredBlob = {
  /** Bytes. */
  readonly size: number;
  /**
   * Bytes from `start` up to, not including, `end`. What is read to its end is what the digest names; the stream breaks
   * off otherwise.
   * @throws OnggiError `not-found` when it was removed meanwhile
   */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
};

export type Referrer = {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>> | null;
};

export type NewManifest = {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** That the bytes must have; null: the sha256 that they have. */
  readonly digest: Digest | null;
  readonly tag: string | null;
};

/** A blob on its way in. Used by one caller at a time; disposing of it removes what came. */
export type ContentUpload = AsyncDisposable & {
  readonly repository: string;
  /** Bytes that came. */
  readonly size: number;
  /** @throws OnggiError `exhausted` when the disk is full */
  write(bytes: Uint8Array): Promise<void>;
  /** Marks how far it is. @returns goes back there */
  mark(): () => Promise<void>;
  /**
   * Verifies the bytes and makes them a blob of the repository.
   * @throws OnggiError `corrupt` when they have another digest
   */
  finish(digest: Digest): Promise<void>;
};

/** For those who read. Names of repositories and tags are the caller's to check: they are looked up as they are. */
export type Content = {
  /** In order of bytes, those after `after`, at most `limit`. */
  repositories(after: string, limit: number): Promise<readonly string[]>;
  /** The same; undefined when there is no such repository. */
  tags(repository: string, after: string, limit: number): Promise<readonly string[] | undefined>;
  /** By tag or digest. */
  manifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  blob(repository: string, digest: Digest): Promise<StoredBlob | undefined>;
  /** Manifests that have this one as their subject; it need not exist. */
  referrers(repository: string, digest: Digest): Promise<readonly Referrer[]>;
};

/** For those who write, too. */
export type WritableContent = Content & {
  /** @throws OnggiError `exhausted` */
  startUpload(repository: string): ContentUpload;
  /** Gives the repository a blob that another one has. @param from null: any @returns whether one had it */
  mountBlob(repository: string, digest: Digest, from: string | null): Promise<boolean>;
  /**
   * Idempotent. A tag that stood for another manifest moves.
   * @throws OnggiError `corrupt` (another digest), `invalid` or `unsupported` (no manifest), `not-found` (the repository
   *   has not what it names)
   */
  putManifest(
    repository: string,
    manifest: NewManifest,
  ): Promise<{ readonly digest: Digest; readonly subject: Digest | null }>;
  /** @returns whether it was there */
  deleteTag(repository: string, tag: string): Promise<boolean>;
  /** With its tags, and the blobs that nothing else names. @returns whether it was there */
  deleteManifest(repository: string, digest: Digest): Promise<boolean>;
  /** @returns whether it was there @throws OnggiError `conflict` while a manifest names it */
  deleteBlob(repository: string, digest: Digest): Promise<boolean>;
};

export type ContentOptions = {
  /** Offer the images of this machine as well, by their names. */
  readonly images?: boolean;
  /** Under which those who pull see this content: names of images that begin with one of them are found without it. */
  readonly hosts?: readonly string[];
};

export type CacheOptions = {
  /** The registry that is cached: "docker.io". */
  readonly registry: string;
  /** Where `docker login` writes credentials for it; absent: as in a pull. */
  readonly credentialsFile?: string;
};

/** What has been pushed, and the images of this machine if wanted. */
export async function openContent(context: Context, options: ContentOptions = {}): Promise<WritableContent> {
  const { makeContent } = await import('./store.ts');
  return makeContent(context.store, options);
}

/** Another registry, fetched when it is asked for and kept. */
export async function openCache(context: Context, options: CacheOptions): Promise<Content> {
  const { makeCache } = await import('./cache.ts');
  return makeCache(context, options);
}
