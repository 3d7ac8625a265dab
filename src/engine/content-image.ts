/**
 * The images of this machine as content of a registry: each by its name without "docker.io" and "library", or in full.
 *
 *   docker.io/library/alpine:3   alpine:3, library/alpine:3, docker.io/library/alpine:3
 *   quay.io/team/app:1           quay.io/team/app:1
 *   localhost/app:1              app:1, localhost/app:1
 *   HOST/app:1                   app:1, where HOST is the address of this registry as its clients write it
 */
import type { Digest } from '../oci/digest.ts';
import { maxManifestSize } from '../oci/image-spec.ts';
import { parseReference } from '../oci/reference.ts';
import { blobSize, readBlob } from '../store/blob.ts';
import { type ImageRow, imageById, imageNamesOfRepository, listImageNames } from '../store/image-row.ts';
import { layersOfImage } from '../store/layer-row.ts';
import type { Store } from '../store/store.ts';
import type { StoredManifest } from './content.ts';
import { manifestType } from './manifest-type.ts';

export type ImageContent = {
  repositories(): string[];
  /** Empty when no image has such a name. */
  tags(repository: string): string[];
  manifest(repository: string, reference: string): StoredManifest | undefined;
  blobSize(repository: string, digest: Digest): number | undefined;
};

export function makeImageContent(store: Store, hosts: readonly string[]): ImageContent {
  const { database, layout } = store;
  const named = (repository: string): { tag: string; image: ImageRow }[] =>
    canonicalNames(repository, hosts).flatMap((name) =>
      imageNamesOfRepository(database, name).flatMap(({ reference, imageId }) => {
        const image = imageById(database, imageId);
        return image === undefined ? [] : [{ tag: reference.slice(name.length + 1), image }];
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
    manifest(repository, reference) {
      const found = named(repository).find(({ tag, image }) => tag === reference || image.manifest === reference);
      if (found === undefined) return undefined;
      const bytes = readBlob(layout, found.image.manifest, maxManifestSize);
      return { digest: found.image.manifest, mediaType: manifestType(bytes), bytes };
    },
    blobSize(repository, digest) {
      const has = ({ image }: { image: ImageRow }): boolean =>
        image.id === digest || layersOfImage(database, image.id).some(({ blob }) => blob === digest);
      return named(repository).some(has) ? blobSize(layout, digest) : undefined;
    },
  };
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
