/** A part of a blob: a connection that breaks is made again and goes on where it stopped. */
import { OnggiError } from '../errors.ts';
import type { Descriptor } from '../oci/image-spec.ts';
import type { Connection } from './connection.ts';
import type { Failure } from './failure.ts';
import { bytesToSkip, type PartialAnswer } from './range.ts';
import type { Repository } from './repository.ts';
import { attempt, broken, pace } from './request.ts';

export type BlobAsk = Pick<Descriptor, 'digest' | 'size'> & {
  /** Bytes that are known already; absent: 0. */
  readonly offset?: number;
  /** What errors call it; absent: by its digest. */
  readonly what?: string;
  readonly signal?: AbortSignal | undefined;
};

/** Received since the last failure, it makes failures count anew; fewer would let a registry keep us for ever. */
const progressBytes = 1024 * 1024;

export type BlobRange = {
  readonly start: number;
  /** The byte after the last one. */
  readonly end: number;
  /** Told whether the registry does ranges. */
  readonly onRange?: (does: boolean) => void;
};

/** One range by one connection after the other, as long as each brings something. */
export async function* receiveRange(
  repository: Repository,
  ask: BlobAsk,
  { start, end, onRange }: BlobRange,
): AsyncGenerator<Uint8Array> {
  const what = whatOf(repository, ask);
  const { size, signal } = ask;
  const pacing = pace(repository, { what, signal });
  let received = start;
  let progress = 0;
  while (received < end) {
    const headers = headersFrom(received, end, size);
    const result = await attempt(repository, { path: `blobs/${ask.digest}`, headers, what, signal });
    if ('error' in result) {
      await pacing.failed(result);
      continue;
    }
    using connection = result;
    if ('range' in headers) onRange?.(connection.status === 206);
    let skip = bytesToSkip(partOf(connection), received, size, what);
    // A whole blob in answer to a range goes on after its end.
    const last = connection.status === 206 ? end : size;
    for (;;) {
      const piece = await nextPiece(repository, connection, what, signal);
      if (piece === undefined || 'error' in piece) {
        // Once all bytes are there, how the connection ends says nothing about them.
        if (received < end) await pacing.failed(piece ?? cutOff(what, received, size));
        break;
      }
      const rest = piece.subarray(Math.min(skip, piece.length));
      skip -= piece.length - rest.length;
      if (received + rest.length > last) {
        throw new OnggiError('corrupt', `${what}: over the ${size} bytes that were announced`);
      }
      const bytes = rest.subarray(0, Math.min(rest.length, end - received));
      received += bytes.length;
      progress += bytes.length;
      if (progress >= progressBytes) {
        progress = 0;
        pacing.progressed();
      }
      if (bytes.length > 0) yield bytes;
      if (received === end && last > end) break;
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
function headersFrom(received: number, end: number, size: number): Record<string, string> {
  const range = received === 0 && end === size ? {} : { range: `bytes=${received}-${end === size ? '' : end - 1}` };
  return { 'accept-encoding': 'identity', ...range };
}

function partOf({ status, headers }: Connection): PartialAnswer {
  const encoded = !['', 'identity'].includes(headers.get('content-encoding') ?? '');
  const contentLength = encoded ? null : headers.get('content-length');
  return { status, contentRange: headers.get('content-range'), contentLength };
}

export function whatOf(repository: Repository, ask: BlobAsk): string {
  return ask.what ?? `blob "${ask.digest}" of "${repository.registry}/${repository.name}"`;
}
