/** Images between registries, layouts, archives, directories and the store, without their being unpacked on the way. */
import type { LayerEvent } from '../image/stage-layers.ts';
import type { Digest } from '../oci/digest.ts';
import type { Context } from './context.ts';
import type { RegistryOptions } from './registry-access.ts';

export type CopyImageOptions = {
  /** Of an image of several platforms: the one for `platform` (the default), all, or the index alone. */
  readonly instances?: 'system' | 'all' | 'index-only';
  /** "linux/arm64/v8"; default this machine's. */
  readonly platform?: string;
  /** Compresses layers that are not so already. */
  readonly format?: { readonly format: 'gzip' | 'zstd' | 'none'; readonly level?: number };
  /** Types of the manifests at the destination. */
  readonly manifests?: 'oci' | 'v2s2';
  readonly preserveDigests?: boolean;
  /** Also signatures and attestations, where both ends keep such. */
  readonly referrers?: boolean;
  readonly source?: RegistryOptions;
  readonly destination?: RegistryOptions;
  /** Directory for what must be kept on the way; default that of the store, or /var/tmp. */
  readonly temporary?: string;
  readonly onEvent?: (event: LayerEvent) => void;
  readonly signal?: AbortSignal;
};

export type CopiedImage = { readonly source: Digest; readonly digest: Digest };

/** Addresses are Skopeo's: "docker://alpine", "oci:DIR:TAG", "oci-archive:", "docker-archive:", "dir:", "onggi:NAME". */
export type Transfers = {
  /** @throws `not-found`, `corrupt`, `unsupported`, `invalid`, ...; then the destination has no new name */
  copy(source: string, destination: string, options?: CopyImageOptions): Promise<CopiedImage>;
};

export function makeTransfers(context: Context): Transfers {
  return {
    copy: async (source, destination, options) =>
      (await import('./copy.ts')).copyBetween(context, source, destination, options ?? {}),
  };
}
