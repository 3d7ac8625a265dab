/**
 * Images into an OCI layout, a directory or an archive. With `docker` the archive is one that `docker load` reads too,
 * of any version: since Docker 25 `docker save` writes an OCI layout with a manifest.json beside it.
 */
import { OnggiError } from '../errors.ts';
import { type Descriptor, isIndexType, mediaTypes } from '../oci/image-spec.ts';
import { canonicalName, familiarName, type Reference } from '../oci/reference.ts';
import type { ArchiveItem } from './docker-archive.ts';
import {
  blobName,
  formatIndexFile,
  fullNameAnnotation,
  indexFile,
  type LayoutEntry,
  layoutContent,
  layoutFile,
  refName,
  withEntry,
} from './oci-layout.ts';
import { once, type Sink } from './sink.ts';
import type { ImageDestination, ManifestBytes } from './types.ts';
import { verified } from './verify.ts';

/** A layout on its way: several images can come into it, one after the other. */
export type LayoutWriter = {
  readonly sink: Sink;
  /** Entries of index.json, with those that were there. */
  entries: readonly LayoutEntry[];
  /** Items of manifest.json; null when none is wanted. */
  items: ArchiveItem[] | null;
};

export type LayoutName =
  | { readonly kind: 'layout'; readonly name: string | null }
  /** Docker names images in full. `single` stands in manifest.json in the place of an index. */
  | { readonly kind: 'docker'; readonly references: readonly Reference[]; readonly single?: ManifestBytes };

/** @param writer stays the caller's, who calls `finishLayout` after the last image */
export function layoutDestination(writer: LayoutWriter, target: LayoutName, name: string): ImageDestination {
  const { sink } = writer;
  let named: ManifestBytes | undefined;
  return {
    name,
    // A layout holds OCI's own types; Docker's archives hold what Docker has.
    mediaTypes: new Set([mediaTypes.index, mediaTypes.manifest, ...(target.kind === 'docker' ? dockerTypes : [])]),
    hasBlob: async ({ digest, size }) => sink.has(blobName(digest), size),
    takesFleeting: true,
    async putBlob(descriptor, open) {
      const { digest, size } = descriptor;
      await sink.put(blobName(digest), size, verified(open(), descriptor, `blob "${digest}" for ${sink.what}`));
    },
    async putManifest(manifest, role) {
      const { digest, bytes } = manifest;
      if (!sink.has(blobName(digest), bytes.length)) await sink.put(blobName(digest), bytes.length, once(bytes));
      if (role === 'named') named = manifest;
    },
    async commit() {
      if (named === undefined) throw new OnggiError('internal', `${name}: nothing to name`);
      for (const annotations of annotationsOf(target)) {
        const { mediaType, digest, bytes } = named;
        const entry = { mediaType, digest, size: bytes.length, ...(annotations !== null && { annotations }) };
        writer.entries = withEntry(writer.entries, entry);
      }
      const single = target.kind === 'docker' ? (target.single ?? named) : named;
      if (writer.items !== null && !isIndexType(single.mediaType)) {
        writer.items.push(await itemOf(single, target.kind === 'docker' ? target.references : []));
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

const dockerTypes = [mediaTypes.dockerList, mediaTypes.dockerManifest];

/** One entry for each name; null for an image without one. */
function annotationsOf(target: LayoutName): (Readonly<Record<string, string>> | null)[] {
  if (target.kind === 'layout') return [target.name === null ? null : { [refName]: target.name }];
  if (target.references.length === 0) return [null];
  return target.references.map((reference) => ({
    [fullNameAnnotation]: canonicalName(reference),
    [refName]: reference.tag ?? canonicalName(reference),
  }));
}

async function itemOf(manifest: ManifestBytes, references: readonly Reference[]): Promise<ArchiveItem> {
  const { parseManifest } = await import('../registry/manifest.ts');
  const content = parseManifest(manifest.bytes, manifest.mediaType, `manifest "${manifest.digest}"`);
  if (content.kind === 'index') throw new OnggiError('internal', 'an index in manifest.json');
  return {
    Config: blobName(content.config.digest),
    RepoTags: references.filter(({ tag }) => tag !== null).map(familiarName),
    Layers: content.layers.map(({ digest }) => blobName(digest)),
  };
}

/** Writes the files that name what is there, the index last. */
export async function finishLayout({ sink, entries, items }: LayoutWriter): Promise<void> {
  const put = async (path: string, bytes: Buffer) => await sink.put(path, bytes.length, once(bytes));
  if (items !== null) {
    const { manifestFile } = await import('./docker-archive.ts');
    await put(manifestFile, Buffer.from(JSON.stringify(merged(items))));
  }
  await put(layoutFile, Buffer.from(layoutContent));
  await put(indexFile, formatIndexFile(entries));
  await sink.finish();
}

/** An image that was saved under several names is one item. */
function merged(items: readonly ArchiveItem[]): ArchiveItem[] {
  const byConfig = new Map<string, ArchiveItem>();
  for (const item of items) {
    const known = byConfig.get(item.Config);
    const tags = new Set([...(known?.RepoTags ?? []), ...(item.RepoTags ?? [])]);
    byConfig.set(item.Config, { ...item, RepoTags: [...tags] });
  }
  return [...byConfig.values()];
}

export function descriptorOf({ mediaType, digest, bytes }: ManifestBytes): Descriptor {
  return { mediaType, digest, size: bytes.length };
}
