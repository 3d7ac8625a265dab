/**
 * All images of an archive, with the names that it gives them: an OCI layout, a manifest.json of Docker's, or both in
 * one (Docker 25 and later). Where both speak of an image, the OCI manifest counts, for its digests hold.
 */
import { OnggiError } from '../errors.ts';
import { type Descriptor, isIndexType, isManifestType } from '../oci/image-spec.ts';
import { manifestLinks } from '../oci/manifest-links.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import { manifestFile } from './docker-archive.ts';
import { archiveItems, dockerArchiveSource } from './docker-archive-source.ts';
import type { Files } from './files.ts';
import { indexTree } from './index-tree.ts';
import { blobName, fullNameAnnotation, indexFile, type LayoutEntry, refName } from './oci-layout.ts';
import { layoutEntries, layoutSource } from './oci-source.ts';
import type { ImageSource } from './types.ts';

export type ArchivedImage = {
  readonly references: readonly Reference[];
  /** Reads from the archive, which must stay open. */
  readonly source: ImageSource;
};

/** @throws OnggiError `not-found` when it holds no images, `corrupt`, `unsupported` */
export async function archivedImages(files: Files): Promise<ArchivedImage[]> {
  const hasLayout = files.size(indexFile) !== undefined;
  const items = files.size(manifestFile) === undefined && hasLayout ? [] : await archiveItems(files);
  const found: ArchivedImage[] = [];
  const covered = new Set<string>();
  if (hasLayout) {
    const byDigest = Map.groupBy(await layoutEntries(files), ({ digest }) => digest);
    for (const entries of byDigest.values()) {
      const [entry] = entries;
      if (entry === undefined || !isImage(entry)) continue;
      const source = layoutSource(files, entry, `"${entry.digest}" of ${files.what}`);
      const configs = (await configsOf(files, source, entry)).map(({ digest }) => blobName(digest));
      const item = items.find(({ Config }) => configs.includes(Config));
      for (const config of configs) covered.add(config);
      const names = [...entries.flatMap(namesOf), ...(item?.RepoTags ?? [])];
      found.push({ references: distinct(names, files), source });
    }
  }
  for (const item of items) {
    if (covered.has(item.Config)) continue;
    const source = await dockerArchiveSource(files, item, `"${item.Config}" of ${files.what}`);
    found.push({ references: distinct(item.RepoTags ?? [], files), source });
  }
  return found;
}

function isImage({ mediaType }: Descriptor): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType);
}

/** Of an index those of the images that the archive has. */
async function configsOf(files: Files, source: ImageSource, entry: LayoutEntry): Promise<Descriptor[]> {
  if (isManifestType(entry.mediaType)) return await configOf(source, entry);
  const { images } = await indexTree(source, await source.manifest(), { partial: true });
  const here = images.filter(({ digest }) => files.size(blobName(digest)) !== undefined);
  const configs = await Promise.all(here.map((image) => configOf(source, image)));
  return configs.flat();
}

async function configOf(source: ImageSource, descriptor: Descriptor): Promise<Descriptor[]> {
  const { bytes, mediaType } = await source.manifest(descriptor);
  try {
    return manifestLinks(bytes, mediaType).blobs.slice(0, 1);
  } catch (cause) {
    if (!(cause instanceof OnggiError) || cause.code !== 'invalid') throw cause;
    throw new OnggiError('corrupt', `manifest "${descriptor.digest}" of ${source.name}: ${cause.message}`, { cause });
  }
}

/** A full name counts; a tag alone names nothing outside of its layout. */
function namesOf({ annotations }: LayoutEntry): string[] {
  const full = annotations?.[fullNameAnnotation];
  const short = annotations?.[refName];
  if (full !== undefined) return [full];
  return short !== undefined && /[/:]/.test(short) ? [short] : [];
}

function distinct(names: readonly string[], files: Files): Reference[] {
  const references = names.map((name) => {
    try {
      return parseReference(name);
    } catch (cause) {
      throw new OnggiError('corrupt', `${files.what}: it names an image "${name.slice(0, 300)}"`, { cause });
    }
  });
  return [...new Map(references.map((each) => [JSON.stringify(each), each])).values()];
}
