/** Blobs: given whole or in part, deleted. */
import type { Content, StoredBlob, WritableContent } from '../../engine/content/content.ts';
import { OnggiError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { type Answer, answer, refuse } from './answer.ts';
import type { Call } from './handler.ts';
import { wantedRange } from './range.ts';

type BlobRoute = { readonly repository: string; readonly digest: Digest };

export async function getBlob(content: Content, { repository, digest }: BlobRoute, { request }: Call): Promise<Answer> {
  const blob = await content.blob(repository, digest);
  if (blob === undefined) return unknown(repository, digest);
  const etag = `"${digest}"`;
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=31536000, immutable',
    etag,
  };
  if (matches(request.headers['if-none-match'], etag)) return answer(304, headers);
  // A part of another blob is of no use: If-Range names the one that the client has the beginning of.
  const condition = request.headers['if-range'];
  const range = condition === undefined || condition === etag ? request.headers.range : undefined;
  const wanted = wantedRange(range, blob.size);
  if (wanted === 'unsatisfiable') {
    const contentRange = `bytes */${blob.size}`;
    return refuse('SIZE_INVALID', `blob of ${blob.size} bytes`, {
      status: 416,
      headers: { 'content-range': contentRange },
    });
  }
  if (wanted === 'whole') return stream(blob, 200, headers, 0, blob.size);
  const { start, end } = wanted;
  return stream(blob, 206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${blob.size}` }, start, end);
}

function stream(
  blob: StoredBlob,
  status: number,
  headers: Readonly<Record<string, string>>,
  start: number,
  end: number,
): Answer {
  return answer(status, headers, { length: end - start, open: () => blob.read(start, end) });
}

export function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((word) => word.trim().replace(/^W\//, '') === etag || word.trim() === '*');
}

export async function deleteBlob(content: WritableContent, { repository, digest }: BlobRoute): Promise<Answer> {
  try {
    const removed = await content.deleteBlob(repository, digest);
    return removed ? answer(202) : unknown(repository, digest);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'conflict') throw error;
    return refuse('DENIED', `${error.message}: delete that first`, { status: 405 });
  }
}

function unknown(repository: string, digest: Digest): Answer {
  return refuse('BLOB_UNKNOWN', `blob "${digest}" is not in repository "${repository}"`);
}
