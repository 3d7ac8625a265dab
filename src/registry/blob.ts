/**
 * Blobs from a registry, as streams: a connection that breaks is made again and goes on where it stopped. The stream
 * never brings more bytes than announced, and fails if fewer come.
 */
import { OnggiError } from '../errors.ts';
import { digestAlgorithm, hasherFor } from '../oci/digest.ts';
import type { Descriptor } from '../oci/image-spec.ts';
import type { Connection } from './connection.ts';
import type { Failure } from './failure.ts';
import { bytesToSkip, type PartialAnswer } from './range.ts';
import type { Repository } from './repository.ts';
import { attempt, broken, pace } from './request.ts';

export type BlobAsk = Pick<Descriptor, 'digest' | 'size'> & {
  /** What errors call it; absent: by its digest. */
  readonly what?: string;
  readonly signal?: AbortSignal | undefined;
};

/** Received since the last failure, it makes failures count anew; fewer would let a registry keep us for ever. */
const progressBytes = 1024 * 1024;

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
 * The bytes of a blob, of the right number but not verified: for whoever computes the digest anyway.
 * @throws as `downloadBlob`, but for the digest
 */
export async function* receiveBlob(repository: Repository, ask: BlobAsk): AsyncGenerator<Uint8Array> {
  const what = whatOf(repository, ask);
  const { size, signal } = ask;
  const pacing = pace(repository, { what, signal });
  let received = 0;
  let progress = 0;
  while (received < size) {
    const headers = headersFrom(received);
    const result = await attempt(repository, { path: `blobs/${ask.digest}`, headers, what, signal });
    if ('error' in result) {
      await pacing.failed(result);
      continue;
    }
    using connection = result;
    let skip = bytesToSkip(partOf(connection), received, size, what);
    for (;;) {
      const piece = await nextPiece(repository, connection, what, signal);
      if (piece === undefined || 'error' in piece) {
        // Once all bytes are there, how the connection ends says nothing about them.
        if (received < size) await pacing.failed(piece ?? cutOff(what, received, size));
        break;
      }
      const bytes = piece.subarray(Math.min(skip, piece.length));
      skip -= piece.length - bytes.length;
      received += bytes.length;
      progress += bytes.length;
      if (received > size) throw new OnggiError('corrupt', `${what}: over the ${size} bytes that were announced`);
      if (progress >= progressBytes) {
        progress = 0;
        pacing.progressed();
      }
      if (bytes.length > 0) yield bytes;
    }
  }
}

/** Undefined at the end of the body. */
async function nextPiece(
  repository: Repository,
  connection: Connection,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | Failure | undefined> {
  try {
    return await connection.read();
  } catch (error) {
    return await broken(repository, { what, signal }, connection.url, error);
  }
}

function cutOff(what: string, received: number, size: number): Failure {
  const error = new OnggiError('corrupt', `${what}: cut off after ${received} of ${size} bytes`);
  return { error, transient: true, retryAfter: null };
}

/** Encoded on the way, the bytes could not be resumed, and a small body could become a large one. */
function headersFrom(received: number): Record<string, string> {
  const range = received === 0 ? {} : { range: `bytes=${received}-` };
  return { 'accept-encoding': 'identity', ...range };
}

function partOf({ status, headers }: Connection): PartialAnswer {
  const encoded = !['', 'identity'].includes(headers.get('content-encoding') ?? '');
  const contentLength = encoded ? null : headers.get('content-length');
  return { status, contentRange: headers.get('content-range'), contentLength };
}

function whatOf(repository: Repository, ask: BlobAsk): string {
  return ask.what ?? `blob "${ask.digest}" of "${repository.registry}/${repository.name}"`;
}
