/**
 * The images of this machine as content of a registry: each by its name without "docker.io" and "library", or in full.
 *
 *   docker.io/library/alpine:3   alpine:3, library/alpine:3, docker.io/library/alpine:3
 *   quay.io/team/app:1           quay.io/team/app:1
 *   localhost/app:1              app:1, localhost/app:1
 *   HOST/app:1                   app:1, where HOST is the address of this registry as its clients write it
 */
import { OnggiError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Descriptor } from '../../oci/image-spec.ts';
import { manifestLinks } from '../../oci/manifest-links.ts';
import { parseReference } from '../../oci/reference.ts';
import { type ImageRow, imageById, imageNamesOfRepository, listImageNames } from '../../store/image-row.ts';
import type { Store } from '../../store/store.ts';
import { manifestOf } from '../../transport/store-end.ts';
import { storedIndex } from '../../transport/stored-index.ts';
import type { StoredManifest } from './content.ts';

export type ImageContent = {
  repositories(): string[];
  /** Empty when no image has such a name. */
  tags(repository: string): string[];
  manifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  blobSize(repository: string, digest: Digest): Promise<number | undefined>;
};

export function makeImageContent(store: Store, hosts: readonly string[]): ImageContent {
  const { database } = store;
  const named = (repository: string): Named[] =>
    canonicalNames(repository, hosts).flatMap((name) =>
      imageNamesOfRepository(database, name).flatMap(({ reference, imageId, digest, cameAs = digest }) => {
        const image = imageById(database, imageId);
        return image === undefined ? [] : [{ tag: reference.slice(name.length + 1), image, digest: cameAs }];
      }),
    );
  return {
    repositories() {
      return listImageNames(database).flatMap(({ reference }) => {
        const { registry, repository, tag } = parseReference(reference);
        const name = shortName(registry, repository, hosts);
        return tag === null || name.includes(':') ? [] : [name];
      });
    },
    tags: (repository) => named(repository).map(({ tag }) => tag),
    async manifest(repository, reference) {
      const images = named(repository);
      const tagged = images.find(({ tag }) => tag === reference);
      if (tagged !== undefined) return (await offered(store, tagged))?.manifests[0];
      if (!reference.includes(':')) return undefined;
      for (const image of images) {
        const found = (await offered(store, image))?.manifests.find(({ digest }) => digest === reference);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    async blobSize(repository, digest) {
      for (const image of named(repository)) {
        const blob = (await offered(store, image))?.blobs.find((each) => each.digest === digest);
        if (blob !== undefined) return blob.size;
      }
      return undefined;
    },
  };
}

type Named = { readonly tag: string; readonly image: ImageRow; readonly digest: Digest | null };

type Offered = {
  /** What the name stands for first, then what that names. */
  readonly manifests: readonly StoredManifest[];
  readonly blobs: readonly Descriptor[];
};

/** An index where all of it is here. Undefined for an image that the store has not whole: nobody could pull it. */
async function offered(store: Store, { image, digest }: Named): Promise<Offered | undefined> {
  try {
    const stored = digest === null ? undefined : await storedIndex(store, digest);
    if (stored?.complete) return { manifests: [stored.index, ...stored.parts], blobs: stored.blobs };
    const manifest = manifestOf(store, image, digest);
    return { manifests: [manifest], blobs: manifestLinks(manifest.bytes, manifest.mediaType).blobs };
  } catch (error) {
    if (error instanceof OnggiError && (error.code === 'corrupt' || error.code === 'not-found')) return undefined;
    throw error;
  }
}

/** What a repository of ours can stand for, in the order in which it is tried. */
export function canonicalNames(repository: string, hosts: readonly string[]): string[] {
  const first = repository.split('/')[0] ?? '';
  const full = repository.includes('/') && (first.includes('.') || first === 'localhost') ? [repository] : [];
  const official = repository.includes('/') ? [] : [`docker.io/library/${repository}`];
  const own = hosts.map((host) => `${host}/${repository}`);
  return [...own, ...official, `docker.io/${repository}`, `localhost/${repository}`, ...full];
}

/** The name under which a list shows an image; one with a port can't be asked for. */
export function shortName(registry: string, repository: string, hosts: readonly string[]): string {
  if (registry === 'docker.io') return repository;
  return hosts.includes(registry) || registry === 'localhost' ? repository : `${registry}/${repository}`;
}
