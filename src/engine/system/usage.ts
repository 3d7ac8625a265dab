/** What the store takes on the disk, and for what. */
import { treeSize } from '../../image/tree-size.ts';
import type { Digest } from '../../oci/digest.ts';
import { blobSize } from '../../store/blob.ts';
import { blobsOfImage } from '../../store/image-blob-row.ts';
import { listAllImages } from '../../store/image-row.ts';
import { type LayerRow, layersOfImage } from '../../store/layer-row.ts';
import { registryContents } from '../../store/registry-row.ts';
import { allSummaries } from '../container/container.ts';
import { settleStale } from '../container/reconcile.ts';
import { containerSize } from '../container/size.ts';
import type { Context } from '../context.ts';
import { listImages } from '../image/query.ts';
import type { ContainerSummary, ImageSummary, VolumeSummary } from '../types.ts';
import { allVolumes } from '../volume/volume.ts';

export type ImageUsage = {
  readonly image: ImageSummary;
  /** Bytes of layers and blobs that other images have, too. */
  readonly shared: number;
  /** Bytes that go with this image. */
  readonly unique: number;
};

export type ContainerUsage = {
  readonly container: ContainerSummary;
  /** Bytes of its writable layer. */
  readonly size: number;
};

export type VolumeUsage = { readonly volume: VolumeSummary; readonly links: number; readonly size: number };

export type SystemUsage = {
  readonly images: readonly ImageUsage[];
  /** Bytes of all layers and blobs of images. */
  readonly imagesSize: number;
  /** Bytes of those that no container stands on. */
  readonly imagesReclaimable: number;
  readonly containers: readonly ContainerUsage[];
  readonly volumes: readonly VolumeUsage[];
  /** What the registry server holds. */
  readonly registry: RegistryUsage;
};

export type RegistryUsage = {
  /** Manifests and indexes. */
  readonly manifests: number;
  readonly tagged: number;
  /** Bytes of blobs that are no part of an image here. */
  readonly size: number;
  /** Of those that no tag leads to. */
  readonly reclaimable: number;
};

export async function systemUsage(context: Context): Promise<SystemUsage> {
  await settleStale(context);
  const { store } = context;
  const parts = new Map<string, Part>();
  const byImage = new Map<Digest, readonly Part[]>();
  for (const { id, manifest } of listAllImages(store.database)) byImage.set(id, partsOf(context, id, manifest, parts));
  const containers = allSummaries(store);
  const used = new Set(
    containers.flatMap(({ imageId }) => (imageId === null ? [] : [...(byImage.get(imageId) ?? [])])),
  );
  const images = await listImages(context);
  const all = [...parts.values()];
  return {
    images: images.map((image) => {
      const own = byImage.get(image.id) ?? [];
      const unique = sum(own.filter(({ users }) => users === 1));
      return { image, unique, shared: sum(own) - unique };
    }),
    imagesSize: sum(all),
    imagesReclaimable: sum(all.filter((part) => !used.has(part))),
    containers: containers.map((container) => ({ container, size: containerSize(store, container) })),
    registry: registryContent(context, new Set(parts.keys())),
    volumes: (await allVolumes(context)).map((volume) => ({
      volume,
      links: containers.filter(({ mounts }) => mounts.includes(volume.name)).length,
      size: treeSize(volume.mountPoint),
    })),
  };
}

function registryContent({ store }: Context, ofImages: ReadonlySet<string>): RegistryUsage {
  const contents = registryContents(store.database);
  const manifests = contents.filter(({ isManifest }) => isManifest);
  // Bytes that an image has, too, are there once.
  const own = contents.filter(({ digest }) => !ofImages.has(`blob ${digest}`));
  return {
    manifests: manifests.length,
    tagged: manifests.filter(({ tagged }) => tagged).length,
    size: sum(own),
    reclaimable: sum(own.filter(({ tagged }) => !tagged)),
  };
}

/** A layer or a blob, with the number of images that have it. */
type Part = { readonly size: number; users: number };

function partsOf(context: Context, id: Digest, manifest: Digest, known: Map<string, Part>): Part[] {
  const { store } = context;
  const layers = layersOfImage(store.database, id);
  const own = [id, manifest, ...layers.flatMap(({ blob }) => blob ?? [])];
  const blobs = [...own, ...blobsOfImage(store.database, id)];
  const part = (key: string, size: () => number): Part => {
    const found = known.get(key) ?? { size: size(), users: 0 };
    known.set(key, found);
    found.users += 1;
    return found;
  };
  return [
    ...layers.map((layer: LayerRow) => part(`layer ${layer.chainId}`, () => layer.size)),
    ...[...new Set(blobs)].map((digest) => part(`blob ${digest}`, () => blobSize(store.layout, digest) ?? 0)),
  ];
}

function sum(parts: readonly Pick<Part, 'size'>[]): number {
  return parts.reduce((total, { size }) => total + size, 0);
}
