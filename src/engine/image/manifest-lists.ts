/** Manifest lists: images of several platforms under one name, put together here and pushed as an index. */
import type { Digest } from '../../oci/digest.ts';
import type { Context } from '../context.ts';
import type { RegistryOptions } from '../registry/registry-access.ts';

/** What is set replaces what the image's config says. */
export type ListedPlatform = {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
};

export type ListedImage = {
  /** Canonical name under which it was added. */
  readonly source: string;
  /** Media type, size, digest and platform. */
  readonly descriptor: { readonly digest: Digest };
};

export type ManifestLists = {
  /**
   * @param images in registries, each of one platform
   * @param amend adds to a list that is there
   * @throws `exists` when there is one and `amend` is not set; `not-found`, `invalid`
   */
  create(
    list: string,
    images: readonly string[],
    options?: RegistryOptions & { readonly amend?: boolean },
  ): Promise<void>;
  /** @throws `not-found` */
  annotate(list: string, image: string, platform: ListedPlatform): Promise<void>;
  /** The index as it would be pushed. @throws `not-found` */
  inspect(list: string): Promise<object>;
  /** The images of a list, as they are in their registries. @throws `not-found` */
  entries(list: string): Promise<readonly ListedImage[]>;
  /**
   * Brings images of other repositories along.
   * @param options `to`: another name than its own. @throws `not-found`, `unauthorized`, ...
   */
  push(
    list: string,
    options?: RegistryOptions & { readonly to?: string; readonly signal?: AbortSignal },
  ): Promise<Digest>;
  /** @throws `not-found` */
  remove(list: string): Promise<void>;
};

export function makeManifestLists(context: Context): ManifestLists {
  const load = () => import('./manifest-list.ts');
  return {
    create: async (list, images, options) => (await load()).createList(context, list, images, options ?? {}),
    annotate: async (list, image, platform) => (await load()).annotateList(context, list, image, platform),
    inspect: async (list) => (await load()).inspectList(context, list),
    entries: async (list) => (await load()).listedImages(context, list),
    push: async (list, options) => (await load()).pushList(context, list, options ?? {}),
    remove: async (list) => (await load()).removeList(context, list),
  };
}
