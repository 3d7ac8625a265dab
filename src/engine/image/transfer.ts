/** Images between registries, layouts, archives, directories and the store, without their being unpacked on the way. */
import type { Digest } from '../../oci/digest.ts';
import type { CopyEvent } from '../../transport/copy.ts';
import type { Context } from '../context.ts';
import type { RegistryOptions } from '../registry/registry-access.ts';
import type { LookOptions, SeenImage, SeenTags } from './look.ts';
import type { SyncAsk, SyncEvent } from './sync.ts';

export type CopyImageOptions = {
  /** Of an image of several platforms: the one for `platform` (the default), all, or the index alone. */
  readonly instances?: 'system' | 'all' | 'index-only';
  /** "linux/arm64/v8"; default this machine's. */
  readonly platform?: string;
  /** Compresses layers that are not so already. */
  readonly format?: { readonly format: 'gzip' | 'zstd' | 'none'; readonly level?: number };
  /** Of those only layers that are not compressed at all. */
  readonly plainOnly?: boolean;
  /** Types of the manifests at the destination. */
  readonly manifests?: 'oci' | 'v2s2';
  readonly preserveDigests?: boolean;
  /** More names, in a docker-archive. */
  readonly additionalTags?: readonly string[];
  /** Also signatures and attestations, where both ends keep such. */
  readonly referrers?: boolean;
  /** The policy that lets images in: a path, null for none; absent: that of the machine. */
  readonly policy?: string | null;
  /**
   * Signs what comes to a registry, each manifest of it: with private keys, as `destination` unless another name is given.
   */
  readonly sign?: readonly { readonly key: string; readonly passphrase?: string; readonly identity?: string }[];
  /** Signs it with a GPG key of the user's: beside the registry (registries.d), or as files in a `dir:`. */
  readonly signBy?: { readonly fingerprint: string; readonly passphrase?: string; readonly identity?: string };
  /** Directory of registries.d (containers-registries.d(5)), in place of the machine's. */
  readonly registriesDirectory?: string;
  readonly source?: RegistryOptions;
  readonly destination?: RegistryOptions;
  /** Directory for what must be kept on the way; default that of the store, or /var/tmp. */
  readonly temporary?: string;
  readonly onEvent?: (event: CopyEvent) => void;
  readonly signal?: AbortSignal;
};

export type CopiedImage = {
  readonly source: Digest;
  readonly digest: Digest;
  /** Of all manifests that were copied, the last one of what has the name. */
  readonly manifests: readonly Digest[];
};

/** Addresses are Skopeo's: "docker://alpine", "oci:DIR:TAG", "oci-archive:", "docker-archive:", "dir:", "onggi:NAME". */
export type Transfers = {
  /** @throws `not-found`, `corrupt`, `unsupported`, `invalid`, ...; then the destination has no new name */
  copy(source: string, destination: string, options?: CopyImageOptions): Promise<CopiedImage>;
  /** Manifest, config and layers of an image that is not fetched. @throws `not-found`, `corrupt`, ... */
  see(address: string, options?: LookOptions & { readonly manifestOnly?: boolean }): Promise<SeenImage>;
  tags(address: string, options?: LookOptions): Promise<SeenTags>;
  /** @throws `not-found`, `unsupported` where nothing can be deleted */
  remove(address: string, options?: LookOptions): Promise<void>;
  /** Many images, each by a copy. */
  sync(ask: SyncAsk, options?: CopyImageOptions): AsyncIterable<SyncEvent>;
  /** @param digests empty: all of the image */
  layers(address: string, directory: string, digests: readonly string[], options?: LookOptions): Promise<void>;
};

export function makeTransfers(context: Context): Transfers {
  return {
    copy: async (source, destination, options) =>
      (await import('./copy.ts')).copyBetween(context, source, destination, options ?? {}),
    see: async (address, options) => (await import('./look.ts')).seeImage(context, address, options),
    tags: async (address, options) => (await import('./look.ts')).tagsAt(context, address, options),
    remove: async (address, options) => (await import('./look.ts')).removeAt(context, address, options),
    async *sync(ask, options) {
      const { syncImages } = await import('./sync.ts');
      yield* syncImages(context, ask, options);
    },
    layers: async (address, directory, digests, options) =>
      (await import('./look.ts')).layersAt(context, address, directory, digests, options),
  };
}
