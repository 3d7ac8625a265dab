/** The operations on images, each loaded when it is first called. */
import type { Digest } from '../../oci/digest.ts';
import type { Credentials } from '../../registry/credentials.ts';
import type { KeyPair } from '../../signature/key.ts';
import type { ArchiveTarget } from '../../transport/archive-sink.ts';
import type { Context } from '../context.ts';
import type { ManifestCheck, ManifestSigning } from '../signature/simple-signing.ts';
import type { ImageSummary, MountedImage, PullEvent, PushEvent } from '../types.ts';
import { checkIds } from '../user-namespace.ts';
import type { LoadedImage, LoadOptions } from './load.ts';
import type { SaveOptions } from './save.ts';
import type { SignOptions, VerifiedSignature, VerifyOptions } from './signature.ts';

export type PullOptions = {
  /** "linux/arm64/v8"; default this machine's. */
  readonly platform?: string;
  /** Of an index every image: the name stands for that of `platform`, the others get names by digest. */
  readonly allPlatforms?: boolean;
  /** For the registry of the image; absent: those that `docker login` has written for it, if any. */
  readonly credentials?: Credentials;
  /** Where `docker login` writes them; absent: $DOCKER_CONFIG/config.json or ~/.docker/config.json. */
  readonly credentialsFile?: string;
  readonly signal?: AbortSignal;
};

export type PushOptions = {
  /** Every name that the repository has here; the tag of the reference does not count. */
  readonly allTags?: boolean;
  /** Only if the image is for this platform. */
  readonly platform?: string;
  /** As for a pull. */
  readonly credentials?: Credentials;
  readonly credentialsFile?: string;
  readonly signal?: AbortSignal;
};

export type ImportOptions = {
  /** Dockerfile instructions that set the configuration: CMD, ENTRYPOINT, ENV, ... */
  readonly changes?: readonly string[];
  readonly message?: string;
  /** "linux/arm64/v8"; default this machine's. */
  readonly platform?: string;
  readonly signal?: AbortSignal;
};

export type RemovedImage = {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
  /** Bytes. */
  readonly reclaimed: number;
};

export type HistoryEntry = {
  /** Of the newest step only. */
  readonly id: Digest | null;
  readonly tags: readonly string[];
  /** Milliseconds since the epoch; 0 when the image does not say. */
  readonly created: number;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  /** Bytes of the layer that it made. */
  readonly size: number;
};

export type ImageContent = {
  /** "linux/amd64" */
  readonly platform: string;
  /** Bytes of its blobs, as they came. */
  readonly contentSize: number;
};

export type PruneImagesOptions = {
  /** Those with names too, if no container was made of them; else only those without a name. */
  readonly all?: boolean;
  /** Only those created before; milliseconds since the epoch. */
  readonly before?: number;
  /** Only those with such labels. */
  readonly labels?: (labels: Readonly<Record<string, string>>) => boolean;
};

export type RemoveImageOptions = {
  /** Also when stopped containers use it. */
  readonly force?: boolean;
  /** "linux/arm64": only if it is for this platform. */
  readonly platform?: string;
};

/** A `ref` is a name, an id or an unambiguous beginning of an id. */
export type Images = {
  /** Newest first. */
  list(): Promise<ImageSummary[]>;
  /**
   * In the shape of the Docker Engine API.
   * @param platform of an index that came whole the image for it @throws `not-found`
   */
  inspect(ref: string, platform?: string): Promise<Record<string, unknown>>;
  /**
   * What stands for the image of this platform: the name itself, or a name or id of another image of its index.
   * @throws `not-found`
   */
  forPlatform(ref: string, platform: string): Promise<string>;
  /** @throws `not-found`; `conflict` while containers use it and `force` is not set */
  remove(ref: string, options?: RemoveImageOptions): Promise<RemovedImage>;
  /** A further name for an image; one that stood for another image moves. @throws `not-found`, `invalid` */
  tag(source: string, name: string): Promise<void>;
  /** Newest first. @param platform as in `inspect` */
  history(ref: string, platform?: string): Promise<HistoryEntry[]>;
  content(id: Digest): Promise<ImageContent>;
  /** Removes images that no container was made of. @returns one record for each */
  prune(options?: PruneImagesOptions): Promise<RemovedImage[]>;
  /** Under the very name that it has here. @throws `not-found`, `unauthorized`, `denied`, `unavailable`, `corrupt` */
  push(ref: string, options?: PushOptions): AsyncIterable<PushEvent>;
  /** @throws `not-found`, `unauthorized`, `unavailable`, `corrupt`; then nothing is registered */
  pull(ref: string, options?: PullOptions): AsyncIterable<PullEvent>;
  /**
   * Makes an image of a root file system: a tar, plain or compressed by gzip, zstd, xz or bzip2.
   * @param source path, address (http, https), or the bytes
   * @param name null for an image without a name
   * @throws `denied` by the policy of this machine (transport "tarball")
   */
  import(
    source: string | AsyncIterable<Uint8Array>,
    name: string | null,
    options?: ImportOptions,
  ): Promise<{ readonly id: Digest }>;
  exists(ref: string): Promise<boolean>;
  /** Puts its root file system on a path of the host, read-only. Idempotent. @returns the path */
  mount(ref: string): Promise<string>;
  /** @returns its id. @throws `conflict` when it is not mounted; or in use, and `force` is not set */
  unmount(ref: string, options?: { readonly force?: boolean }): Promise<Digest>;
  /** Those that are mounted in this mount namespace. */
  mounted(): Promise<MountedImage[]>;
  /** @throws `not-found`, `exhausted`; then there is no new file */
  save(refs: readonly string[], target: ArchiveTarget, options?: SaveOptions): Promise<void>;
  /** @param path of an archive, or "/dev/stdin"; each image is there when it is yielded */
  load(path: string, options?: LoadOptions): AsyncIterable<LoadedImage>;
  /**
   * Signs what a name stands for in its registry, with a key of one's own, as cosign does. The image need not be here.
   * @returns the digest that was signed
   * @throws `invalid` and `denied` (key, passphrase), `not-found`, `unauthorized`, `unavailable`
   */
  sign(ref: string, options: SignOptions): Promise<Digest>;
  /** The signatures that a key has made of an image in its registry. @throws `denied` when there is none */
  verify(ref: string, options: VerifyOptions): Promise<VerifiedSignature[]>;
  /** A signature by GPG of one manifest, as containers-signature(5) has it. @throws `denied`, `unsupported` (no gpg) */
  signManifest(manifest: Uint8Array, signing: ManifestSigning): Promise<Uint8Array>;
  /** @throws `denied` when it is of another manifest, name or key */
  verifyManifest(
    manifest: Uint8Array,
    signature: Uint8Array,
    check: ManifestCheck,
  ): Promise<{ readonly digest: Digest; readonly fingerprint: string }>;
  /** A new pair of keys in PEM. @param passphrase null: the private one is not encrypted */
  makeKeys(passphrase: string | null): Promise<KeyPair>;
};

export function makeImages(context: Context): Images {
  return {
    list: async () => (await import('./query.ts')).listImages(context),
    inspect: async (ref, platform) => (await import('./query.ts')).inspectImage(context, ref, platform),
    forPlatform: async (ref, platform) => (await import('./platform.ts')).nameForPlatform(context.store, ref, platform),
    exists: async (ref) => (await import('./exists.ts')).imageExists(context, ref),
    mount: async (ref) => (await import('../mount/image-mount.ts')).mountImage(context, ref),
    unmount: async (ref, options) =>
      (await import('../mount/image-mount.ts')).unmountImage(context, ref, options?.force === true),
    mounted: async () => (await import('../mount/image-mount.ts')).mountedImages(context),
    remove: async (ref, options) => (await import('./change.ts')).removeImage(context.store, ref, options ?? {}),
    tag: async (source, name) => (await import('./change.ts')).tagImage(context.store, source, name),
    history: async (ref, platform) => (await import('./query.ts')).imageHistory(context, ref, platform),
    content: async (id) => (await import('./query.ts')).imageContent(context, id),
    prune: async (options) => (await import('./change.ts')).pruneImages(context, options ?? {}),
    async *pull(ref, options) {
      const { pull } = await import('./pull.ts');
      checkIds('pull an image');
      const { emitTransfer } = await import('../event/image-news.ts');
      for await (const event of pull(context, ref, options ?? {})) {
        if (event.type === 'done') emitTransfer(context.store, 'pull', ref, event.id);
        yield event;
      }
    },
    async *push(ref, options) {
      const { push } = await import('./push.ts');
      const { emitTransfer } = await import('../event/image-news.ts');
      for await (const event of push(context, ref, options ?? {})) {
        if (event.type === 'pushed') emitTransfer(context.store, 'push', ref, null);
        yield event;
      }
    },
    async save(refs, target, options) {
      const { saveImages } = await import('./save.ts');
      const { emitImage } = await import('../event/image-news.ts');
      for (const id of await saveImages(context, refs, target, options)) emitImage(context.store, 'save', id);
    },
    async *load(path, options) {
      const { loadImages } = await import('./load.ts');
      checkIds('load an image');
      const { emitImage } = await import('../event/image-news.ts');
      for await (const loaded of loadImages(context, path, options)) {
        emitImage(context.store, 'load', loaded.id);
        yield loaded;
      }
    },
    sign: async (ref, options) => (await import('./signature.ts')).signImage(context, ref, options),
    verify: async (ref, options) => (await import('./signature.ts')).verifyImage(ref, options),
    signManifest: async (...ask) => (await import('../signature/simple-signing.ts')).signManifest(...ask),
    verifyManifest: async (...ask) => (await import('../signature/simple-signing.ts')).verifyManifest(...ask),
    makeKeys: async (passphrase) => (await import('../../signature/key.ts')).generateKeyPair(passphrase),
    import: async (source, name, options) => {
      const { makeImage } = await import('./change.ts');
      checkIds('import an image');
      return await makeImage(context.store, source, name, options ?? {});
    },
  };
}
