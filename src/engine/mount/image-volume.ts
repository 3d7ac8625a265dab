/** Images at paths of a container (`--mount type=image`): what is made for them, and how they are mounted. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromSystemError } from '../../errors.ts';
import { findImage } from '../../image/find.ts';
import { toMachine } from '../../image/id-map.ts';
import { createSnapshot, createWritableLayer, lowerDirectories } from '../../image/snapshot.ts';
import type { StorageDriver } from '../../image/storage-driver.ts';
import { isTree } from '../../image/tree-mark.ts';
import { isPrivileged, unprivileged } from '../../kernel/user-namespace.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RootSource } from '../../runtime/plan/root.ts';
import { layerPath } from '../../store/layout.ts';
import type { ContentGuard } from '../../store/lock.ts';
import type { Store } from '../../store/store.ts';
import { type Container, filesOf } from '../container/container.ts';
import type { Context } from '../context.ts';
import type { ContainerOptions, ImageMount } from '../types.ts';

type Mounts = NonNullable<ContainerOptions['mounts']>;

/** The images by their ids, so that a name that moves changes nothing. @throws OnggiError `not-found` */
export function settleImages(store: Store, { mounts = [] }: ContainerOptions): Mounts {
  return mounts.map((mount) =>
    mount.type === 'image' ? { ...mount, id: mount.id ?? findImage(store, mount.source).id } : mount,
  );
}

export function imagesOf({ mounts = [] }: Pick<ContainerOptions, 'mounts'>): (ImageMount & { readonly id: Digest })[] {
  return mounts.flatMap((mount) =>
    mount.type === 'image' && mount.id !== undefined ? [{ ...mount, id: mount.id }] : [],
  );
}

type Place = {
  readonly upper: string;
  readonly work: string;
  readonly tree: string;
  readonly whole: string;
  /** Where an overlay is mounted, in the mount namespace of the container only. */
  readonly merged: string;
};

function placeOf(store: Store, id: string, index: number): Place {
  const directory = join(filesOf(store, id).images, String(index));
  const at = (name: string): string => join(directory, name);
  return { upper: at('upper'), work: at('work'), tree: at('tree'), whole: at('tree-is-whole'), merged: at('merged') };
}

/**
 * In the directory of the container, which is there. With other ids than those of the image it is a copy: an overlay of mapped
 * layers could be mounted by the keeper alone, and only for root.
 */
export async function makeImagePlaces(
  context: Context,
  id: string,
  { idMaps: maps, selinux, ...options }: ContainerOptions,
  driver: StorageDriver,
  guard: ContentGuard,
): Promise<void> {
  const { store } = context;
  const user = maps === undefined ? undefined : unprivileged();
  for (const [index, mount] of imagesOf(options).entries()) {
    const place = placeOf(store, id, index);
    try {
      mkdirSync(place.merged, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw fromSystemError(error, `make "${place.merged}"`);
    }
    if (maps !== undefined && user !== undefined) {
      (await import('../container/own-tree.ts')).copyOwnTree(context, user, { files: place, image: mount.id, maps });
    } else if (maps !== undefined) {
      await createSnapshot(store, place, { driver, image: mount.id, owner: toMachine(maps) }, guard);
    } else if (driver !== 'overlay2') {
      // With btrfs a snapshot costs nothing, and nobody can write to the tree that all have.
      if (driver === 'btrfs') (await import('../../image/snapshot-tree.ts')).treeOfImage(store, mount.id, guard);
      await createSnapshot(store, place, { driver, image: mount.id }, guard);
    } else if (!mount.readOnly || selinux !== undefined) {
      // Only a mount of its own can have a label.
      const [top] = lowerDirectories(store, mount.id);
      createWritableLayer(place, top === undefined ? undefined : layerPath(store.layout, top));
    }
  }
}

/** Copies that are the container's own, where its images are copies. */
export function imageTrees(store: Store, { row, options }: Pick<Container, 'row' | 'options'>): string[] {
  const places = imagesOf(options).map((_, index) => placeOf(store, row.id, index));
  return places.filter(isTree).map(({ tree }) => tree);
}

export type ImagePlaces = {
  /** Mounted before the root is, on places of the host. */
  readonly overlays: readonly Extract<RootSource, { kind: 'overlay' }>[];
  /** What is bound into the container. */
  readonly source: (mount: ImageMount) => string;
};

/** @throws OnggiError `not-found` */
export function imagePlaces(store: Store, { row, options }: Pick<Container, 'row' | 'options'>): ImagePlaces {
  const overlays: Extract<RootSource, { kind: 'overlay' }>[] = [];
  const sources = new Map<string, string>();
  const label = options.selinux?.mount;
  for (const [index, { id, target, readOnly }] of imagesOf(options).entries()) {
    const { upper, work, merged, tree, whole } = placeOf(store, row.id, index);
    const lower = lowerDirectories(store, id);
    const [only] = lower;
    if (isTree({ tree, whole })) sources.set(target, tree);
    else if (readOnly && only !== undefined && lower.length === 1 && label === undefined) {
      // Overlayfs wants two where nobody can write.
      sources.set(target, layerPath(store.layout, only));
    } else {
      const writable = readOnly && label === undefined ? { upper: null, work: null } : { upper, work };
      const common = {
        kind: 'overlay',
        directory: store.layout.layers,
        volatile: false,
        userAttributes: !isPrivileged(),
        ...(label !== undefined && { label }),
      };
      overlays.push({ ...common, ...writable, kind: 'overlay', lower, target: merged });
      sources.set(target, merged);
    }
  }
  return { overlays, source: ({ target }) => sources.get(target) ?? '' };
}
