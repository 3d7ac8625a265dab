/**
 * Blobs from a registry, as streams: a connection that breaks is made again and goes on where it stopped. The stream
 * never brings more bytes than announced, and fails if fewer come.
 */
import { OnggiError } from '../errors.ts';
import { digestAlgorithm, hasherFor } from '../oci/digest.ts';
import { type BlobAsk, type BlobRange, receiveRange, whatOf } from './blob-range.ts';
import type { Repository } from './repository.ts';
import { receiveSegments } from './segment.ts';

export type { BlobAsk } from './blob-range.ts';

/** From this size on, several connections share the work. */
const segmentedSize = 32 * 1024 * 1024;

/**
 * The bytes of a blob, verified: whoever reads to the end without an error has what the digest names, and must not
 * have used them for good before.
 * @throws OnggiError `corrupt` (digest, size), `not-found`, `unauthorized`, `denied`, `unavailable`, `cancelled`
 */
export async function* downloadBlob(repository: Repository, ask: BlobAsk): AsyncGenerator<Uint8Array> {
  const hash = hasherFor(ask.digest);
  for await (const bytes of receiveBlob(repository, ask)) {
    hash.update(bytes);
    yield bytes;
  }
  const found = `${digestAlgorithm(ask.digest)}:${hash.digest('hex')}`;
  if (found === ask.digest) return;
  throw new OnggiError('corrupt', `${whatOf(repository, ask)}: the bytes that came have digest "${found}"`);
}

/** A whole blob in memory, verified. @throws as `downloadBlob`; `corrupt` when it is announced with over `limit` bytes */
export async function fetchBlob(repository: Repository, ask: BlobAsk, limit: number): Promise<Buffer> {
  if (ask.size > limit) throw new OnggiError('corrupt', `${whatOf(repository, ask)}: over ${limit} bytes`);
  const pieces: Uint8Array[] = [];
  for await (const piece of downloadBlob(repository, ask)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * The bytes of a blob from `offset` on, of the right number but not verified: for whoever computes the digest anyway.
 * A large one comes in several segments at the same time, where the repository was opened so.
 * @throws as `downloadBlob`, but for the digest
 */
export async function* receiveBlob(repository: Repository, ask: BlobAsk): AsyncGenerator<Uint8Array> {
  const { size, offset = 0 } = ask;
  const range: BlobRange = { start: offset, end: size };
  if (repository.segments > 1 && size - offset >= segmentedSize) yield* receiveSegments(repository, ask, range);
  else yield* receiveRange(repository, ask, range);
}
