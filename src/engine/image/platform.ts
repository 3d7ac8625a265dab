/**
 * The image for a platform under the name of an index: the name stands for one image of it, others that are here have
 * names by digest.
 */
import { OnggiError } from '../../errors.ts';
import { digestOfName, type FoundImage, lookUpImage } from '../../image/find.ts';
import { formatPlatform, type Platform, parsePlatform, platformMatch } from '../../oci/platform.ts';
import { canonicalName, parseReference } from '../../oci/reference.ts';
import { parseManifest } from '../../registry/manifest.ts';
import { type ImageRow, imageById, listImageNames } from '../../store/image-row.ts';
import type { Store } from '../../store/store.ts';
import { storedForPlatform, storedIndex } from '../../transport/stored-index.ts';
import { readImageConfig } from './view.ts';

/** @throws OnggiError `not-found` when the image is for another platform, and no other image of its index is here */
export async function imageForPlatform(
  store: Store,
  found: FoundImage,
  ref: string,
  platform: string,
): Promise<ImageRow> {
  const wanted = parsePlatform(platform);
  const other = await imageOfIndex(store, found, wanted);
  if (other !== undefined) return other;
  const { image } = found;
  const own = readImageConfig(store, image.id).value.platform;
  if (platformMatch(wanted, own) > 0) return image;
  throw new OnggiError('not-found', `image "${ref}" is for platform "${formatPlatform(own)}", not "${platform}"`);
}

async function imageOfIndex(
  store: Store,
  { image, reference }: FoundImage,
  wanted: Platform,
): Promise<ImageRow | undefined> {
  const named = reference === null ? null : digestOfName(store.database, image.id, reference);
  const stored = named === null ? undefined : await storedIndex(store, named);
  const manifest = stored && storedForPlatform(store, stored, wanted);
  if (manifest === undefined) return undefined;
  const content = parseManifest(manifest.bytes, manifest.mediaType, `manifest "${manifest.digest}"`);
  const row = content.kind === 'index' ? undefined : imageById(store.database, content.config.digest);
  return row?.removed === null ? row : undefined;
}

/** A name or an id by which that image is here. @throws as `imageForPlatform` */
export async function nameForPlatform(store: Store, ref: string, platform: string): Promise<string> {
  const found = lookUpImage(store.database, ref);
  const image = await imageForPlatform(store, found, ref, platform);
  if (image.id === found.image.id || found.reference === null) return ref;
  const same = canonicalName({ ...found.reference, tag: null, digest: null });
  const names = listImageNames(store.database, image.id).map(({ reference }) => parseReference(reference));
  const known = names.find((name) => canonicalName({ ...name, tag: null, digest: null }) === same);
  return known === undefined ? image.id : canonicalName(known);
}
