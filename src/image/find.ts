/** Finds images by what people write: a name, a digest, an id or the beginning of one. */
import { OnggiError } from '../errors.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { canonicalName, familiarName, parseReference, type Reference } from '../oci/reference.ts';
import type { Database } from '../store/database.ts';
import {
  type ImageRow,
  imageById,
  imageByName,
  imageNamesByDigest,
  imagesByPrefix,
  listImageNames,
} from '../store/image-row.ts';
import type { Store } from '../store/store.ts';

export type FoundImage = {
  readonly image: ImageRow;
  /** The name that was meant; null when it was found by id. */
  readonly reference: Reference | null;
};

/**
 * An image by name, digest, id or unique beginning of its id.
 * @throws OnggiError `not-found`; `invalid` (no possible name); `conflict` when several ids begin so
 */
export function findImage(store: Store, wanted: string): ImageRow {
  return lookUpImage(store.database, wanted).image;
}

/** The same, with the name that was meant. Names come before beginnings of ids, as in Docker. */
export function lookUpImage(database: Database, wanted: string): FoundImage {
  const byId = isDigest(wanted) ? imageById(database, wanted) : fullId(database, wanted);
  if (byId !== undefined && byId.removed === null) return { image: byId, reference: null };
  const hex = wanted.startsWith('sha256:') ? wanted.slice(7) : wanted;
  const isPrefix = /^[0-9a-f]{1,64}$/.test(hex);
  const reference = wanted.startsWith('sha256:') || (isPrefix && hex.length === 64) ? null : parseReference(wanted);
  const named = reference === null ? undefined : findByReference(database, reference);
  if (named !== undefined) return { image: named, reference };
  const [only, ...others] = isPrefix ? imagesByPrefix(database, hex) : [];
  if (only === undefined) {
    throw new OnggiError('not-found', `No such image: ${reference === null ? wanted : familiarName(reference)}`);
  }
  if (others.length === 0) return { image: only, reference: null };
  const ids = [only, ...others].map((image) => image.id.slice(7, 19)).join(', ');
  throw new OnggiError('conflict', `image "${wanted}": several ids begin so: ${ids}`, {
    hint: 'Write more of the id.',
  });
}

/** By name only; undefined when there is none. A digest also finds what was pulled by a tag that stood for it. */
export function findByReference(database: Database, reference: Reference): ImageRow | undefined {
  const exact = imageByName(database, canonicalName(reference));
  if (exact !== undefined || reference.digest === null) return exact;
  const repository = `${reference.registry}/${reference.repository}`;
  const name = imageNamesByDigest(database, reference.digest).find((candidate) => {
    const known = parseReference(candidate.reference);
    return `${known.registry}/${known.repository}` === repository;
  });
  return name === undefined ? undefined : imageById(database, name.imageId);
}

/** The index or manifest by which an image leaves under this name of its own; null when it was made here. */
export function digestOfName(database: Database, image: Digest, reference: Reference): Digest | null {
  if (reference.digest !== null) return reference.digest;
  const name = canonicalName(reference);
  const found = listImageNames(database, image).find((each) => each.reference === name);
  return found?.cameAs ?? found?.digest ?? null;
}

function fullId(database: Database, wanted: string): ImageRow | undefined {
  const id = `sha256:${wanted}`;
  return isDigest(id) ? imageById(database, id) : undefined;
}
