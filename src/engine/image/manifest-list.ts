/** What `manifest create` and its sisters do. A list lies in the database until it is removed. */
import { OnggiError } from '../../errors.ts';
import { parseImageConfig } from '../../image/config.ts';
import { type Digest, sha256 } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/image-spec.ts';
import { hostPlatform } from '../../oci/platform.ts';
import { canonicalName, familiarName, parseReference, type Reference } from '../../oci/reference.ts';
import { parseManifest } from '../../registry/manifest.ts';
import { transaction } from '../../store/database.ts';
import { deleteManifestList, manifestListEntries, putManifestListEntry } from '../../store/manifest-list-row.ts';
import { copyImage } from '../../transport/copy.ts';
import { openDestination, openSource } from '../../transport/open.ts';
import type { ManifestBytes } from '../../transport/types.ts';
import type { Context } from '../context.ts';
import type { RegistryOptions } from '../registry/registry-access.ts';
import { around, temporaryOf } from './copy.ts';
import { seeImage } from './look.ts';
import type { ListedImage, ListedPlatform } from './manifest-lists.ts';

type Platform = {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
};

/** Fields in the order of Docker's documents. */
type Entry = {
  readonly mediaType: string;
  readonly size: number;
  readonly digest: Digest;
  readonly platform: Platform;
};

export async function createList(
  context: Context,
  list: string,
  images: readonly string[],
  options: RegistryOptions & { readonly amend?: boolean },
): Promise<void> {
  const reference = nameOf(list);
  const { database } = context.store;
  const listed = manifestListEntries(database, reference);
  if (options.amend !== true && listed.length > 0) {
    throw new OnggiError('exists', `manifest list "${list}": there is one already`, {
      hint: 'Use --amend to add to it, or remove it.',
    });
  }
  const found: (readonly [source: string, entry: Entry])[] = [];
  for (const image of images) {
    const source = canonicalName(parseReference(image));
    // One that is listed keeps what was annotated, as with Docker.
    if (!listed.some((each) => each.source === source)) found.push([source, await entryOf(context, image, options)]);
  }
  transaction(database, () => {
    for (const [source, entry] of found) {
      putManifestListEntry(database, { reference, source, entry: JSON.stringify(entry) });
    }
  });
}

async function entryOf(context: Context, image: string, options: RegistryOptions): Promise<Entry> {
  const address = `docker://${canonicalName(parseReference(image))}`;
  const top = await seeImage(context, address, { source: options, manifestOnly: true });
  const content = parseManifest(top.manifest, top.mediaType, `image "${image}"`);
  if (content.kind === 'index') {
    throw new OnggiError('invalid', `image "${image}": a list of images itself`, {
      hint: 'Name its images by their digests.',
    });
  }
  const { image: seen } = await seeImage(context, address, { source: options });
  const { os, architecture, variant } = parseImageConfig(seen.config, `config of image "${image}"`).value.platform;
  const { mediaType, digest, manifest } = top;
  const platform = { architecture, os, ...(variant !== null && { variant }) };
  return { mediaType, size: manifest.length, digest, platform };
}

export function annotateList(context: Context, list: string, image: string, wanted: ListedPlatform): void {
  const reference = nameOf(list);
  const { database } = context.store;
  const source = canonicalName(parseReference(image));
  transaction(database, () => {
    const row = manifestListEntries(database, reference).find((each) => each.source === source);
    if (row === undefined) {
      throw new OnggiError('not-found', `manifest for image ${image} does not exist in ${list}`);
    }
    const entry: Entry = JSON.parse(row.entry);
    const platform: Platform = {
      ...entry.platform,
      ...(wanted.architecture !== undefined && { architecture: wanted.architecture }),
      ...(wanted.os !== undefined && { os: wanted.os }),
      ...(wanted.variant !== undefined && { variant: wanted.variant }),
      ...(wanted.osVersion !== undefined && { 'os.version': wanted.osVersion }),
      ...(wanted.osFeatures !== undefined && { 'os.features': wanted.osFeatures }),
    };
    putManifestListEntry(database, { ...row, entry: JSON.stringify({ ...entry, platform }) });
  });
}

export function inspectList(context: Context, list: string): object {
  return documentOf(entriesOf(context, list).map(({ entry }) => entry));
}

export function listedImages(context: Context, list: string): ListedImage[] {
  return entriesOf(context, list).map(({ source, entry }) => ({ source: canonicalName(source), descriptor: entry }));
}

/** An index of OCI's when its images are, as Docker decides by the first of them. */
function documentOf(manifests: readonly Entry[]): object {
  const oci = manifests[0]?.mediaType === mediaTypes.manifest;
  return { schemaVersion: 2, mediaType: oci ? mediaTypes.index : mediaTypes.dockerList, manifests };
}

type Listed = { readonly source: Reference; readonly entry: Entry };

function entriesOf(context: Context, list: string): Listed[] {
  const rows = manifestListEntries(context.store.database, nameOf(list));
  if (rows.length === 0) throw new OnggiError('not-found', `No such manifest: ${familiarName(parseReference(list))}`);
  return rows.map(({ source, entry }) => ({ source: parseReference(source), entry: JSON.parse(entry) }));
}

export async function pushList(
  context: Context,
  list: string,
  options: RegistryOptions & { readonly to?: string; readonly signal?: AbortSignal },
): Promise<Digest> {
  const reference = parseReference(options.to ?? list);
  const listed = entriesOf(context, list);
  const document = documentOf(listed.map(({ entry }) => entry));
  const bytes = Buffer.from(JSON.stringify(document, null, 3));
  const mediaType = String(Reflect.get(document, 'mediaType'));
  const index: ManifestBytes = { bytes, mediaType, digest: sha256(bytes) };
  const temporary = temporaryOf(context, []);
  const { signal } = options;
  const ends = around(context, temporary, options, signal);
  for (const { source, entry } of listed) {
    // By their digests: a tag may have moved since the list was made.
    await using from = await openSource(
      { transport: 'docker', reference: { ...source, tag: null, digest: entry.digest } },
      ends,
    );
    const target = { ...reference, tag: null, digest: entry.digest };
    await using to = await openDestination({ transport: 'docker', reference: target }, ends);
    await copyImage(from, to, { instances: 'all', platform: hostPlatform(), temporary, signal });
  }
  await using destination = await openDestination({ transport: 'docker', reference }, ends);
  await destination.putManifest(index, 'named', signal);
  return index.digest;
}

export function removeList(context: Context, list: string): void {
  if (deleteManifestList(context.store.database, nameOf(list))) return;
  throw new OnggiError('not-found', `No such manifest: ${canonicalName(parseReference(list))}`);
}

/** @throws OnggiError `invalid` for a name with a digest */
function nameOf(list: string): string {
  const reference = parseReference(list);
  if (reference.digest === null) return canonicalName(reference);
  throw new OnggiError('invalid', `manifest list "${list}": a name with a digest can't be given`);
}
