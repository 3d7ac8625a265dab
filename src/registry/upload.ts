/**
 * Blobs to a registry ("Pushing Blobs"). What is there already is not sent, what another repository of the registry has
 * is mounted from there, and after a broken connection the upload goes on where the registry says it stopped.
 *
 *   there? ──► mount? ──► begin ──► small: one PUT
 *                           └─────► large: PATCH of all that is left (or of chunks, where all is too much) ──► PUT
 */
import { OnggiError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { hasBlob } from './blob-presence.ts';
import type { Body } from './connection.ts';
import type { Failure } from './failure.ts';
import type { Repository } from './repository.ts';
import { attemptSmall, pace, requestSmall, type SmallAnswer } from './request.ts';
import { bytesReceived, uploadLocation } from './upload-range.ts';

export type BlobGift = {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** The bytes from `offset` on; called again when something has to be sent again. */
  readonly open: (offset: number) => AsyncIterable<Uint8Array>;
  /** Repositories of the same registry that may have it; name them when opening the repository, too. */
  readonly mountFrom?: readonly string[];
  /** @param sent bytes so far; less than before when something is sent again */
  readonly onProgress?: (sent: number) => void;
  /** Bytes of a chunk; absent: as few requests as the registry takes. */
  readonly chunkSize?: number;
  /** What errors call it; absent: by its digest. */
  readonly what?: string;
  readonly signal?: AbortSignal | undefined;
};

export type GivenBlob = { readonly how: 'exists' | 'uploaded' } | { readonly how: 'mounted'; readonly from: string };

/** Up to this size a blob is sent with its last request. */
const smallSize = 1024 * 1024;
/** Chunks for a registry, or a proxy before it, that says that all at once is too much (413). */
const chunkAfterRefusal = 16 * 1024 * 1024;
const smallestChunk = 1024 * 1024;
const answerLimit = 64 * 1024;
/** Each candidate costs a request. */
const mountAttempts = 3;

type Upload = { readonly location: URL; readonly offset: number };

/** What one request has come to; "gone": the registry does not know the upload any more. */
type Step = { readonly upload: Upload } | 'done' | 'gone' | 'too-large';

/**
 * Makes sure that the repository has a blob. Idempotent.
 * @param repository opened with access "push"
 * @throws OnggiError `unauthorized`, `denied`, `unavailable`, `invalid` (the registry found another digest), `corrupt`,
 *   `cancelled`, what `open` throws
 */
export async function uploadBlob(repository: Repository, gift: BlobGift): Promise<GivenBlob> {
  const { digest, size, signal } = gift;
  const what = gift.what ?? `blob "${digest}" of "${repository.registry}/${repository.name}"`;
  const job: Job = { repository, gift, what, sourceError: undefined };
  if (await hasBlob(repository, { digest, size }, signal)) return { how: 'exists' };
  const opened = await mountOrBegin(job);
  if ('from' in opened) return { how: 'mounted', from: opened.from };
  const pacing = pace(repository, { what, signal });
  let upload: Upload | null = opened;
  let chunk = gift.chunkSize ?? Number.MAX_SAFE_INTEGER;
  let best = 0;
  for (;;) {
    upload ??= await begin(job, '');
    const step = await advance(job, upload, chunk);
    if (job.sourceError !== undefined) throw job.sourceError.error;
    if (step === 'done') return { how: 'uploaded' };
    if (typeof step === 'object' && 'upload' in step) {
      if (step.upload.offset > best) pacing.progressed();
      best = Math.max(best, step.upload.offset);
      upload = step.upload;
      continue;
    }
    if (step === 'too-large' && chunk > smallestChunk) {
      chunk = chunk > chunkAfterRefusal ? chunkAfterRefusal : Math.max(smallestChunk, chunk / 4);
      upload = await whereWeAre(job, upload);
      continue;
    }
    await pacing.failed(typeof step === 'object' ? step : failureOf(step, job));
    // In smaller pieces less is lost next time; a proxy that refuses the size may just have hung up.
    chunk = Math.min(chunk, chunkAfterRefusal);
    // The last answer may have been lost, not the blob.
    if (await hasBlob(repository, { digest, size }, signal)) return { how: 'uploaded' };
    upload = step === 'gone' ? null : await whereWeAre(job, upload);
    if (upload !== null && upload.offset > best) pacing.progressed();
    best = Math.max(best, upload?.offset ?? 0);
  }
}

type Job = {
  readonly repository: Repository;
  readonly gift: BlobGift;
  readonly what: string;
  /** What the source of the bytes threw: no fault of the registry, so nothing is tried again. */
  sourceError: { readonly error: unknown } | undefined;
};

function failureOf(step: 'gone' | 'too-large', { what, repository }: Job): Failure {
  const found = step === 'gone' ? 'has forgotten the upload' : `takes no chunk of ${smallestChunk} bytes`;
  const error = new OnggiError('unavailable', `${what}: "${repository.registry}" ${found}`);
  return { error, transient: step === 'gone', retryAfter: null };
}

async function mountOrBegin(job: Job): Promise<Upload | { readonly from: string }> {
  const { gift, repository } = job;
  const sources = (gift.mountFrom ?? []).filter((name) => name !== repository.name).slice(0, mountAttempts);
  for (const [index, from] of sources.entries()) {
    const query = `?mount=${encodeURIComponent(gift.digest)}&from=${encodeURIComponent(from)}`;
    const begun = await begin(job, query);
    if (begun === null) return { from };
    if (index === sources.length - 1) return begun;
    await abandon(job, begun);
  }
  return await begin(job, '');
}

/** Null: it was mounted. */
async function begin(job: Job, query: ''): Promise<Upload>;
async function begin(job: Job, query: string): Promise<Upload | null>;
async function begin({ repository, gift, what }: Job, query: string): Promise<Upload | null> {
  const ask = { path: `blobs/uploads/${query}`, method: 'POST', headers: {}, what, signal: gift.signal } as const;
  const answer = await requestSmall(repository, { ...ask, body: () => '', accepts: [201, 202] }, answerLimit);
  if (answer.status === 201 && query !== '') return null;
  return { location: locationOf(repository, answer, what), offset: 0 };
}

function locationOf({ routes }: Repository, { headers, url }: SmallAnswer, what: string): URL {
  return uploadLocation(headers.get('location'), url, (target) => routes(target).insecure, what);
}

/** Best effort: the registry removes what is left unfinished some day, too. */
async function abandon({ repository, gift, what }: Job, { location }: Upload): Promise<void> {
  const ask = { path: location, method: 'DELETE', headers: {}, what, signal: gift.signal } as const;
  await attemptSmall(repository, { ...ask, accepts: [200, 202, 204, 404] }, answerLimit);
}

/** The next request of an upload. */
async function advance(job: Job, upload: Upload, chunk: number): Promise<Step | Failure> {
  const left = job.gift.size - upload.offset;
  if (left <= Math.min(smallSize, chunk)) return await finish(job, upload);
  return await sendChunk(job, upload, Math.min(left, chunk));
}

async function sendChunk(job: Job, { location, offset }: Upload, length: number): Promise<Step | Failure> {
  const { repository, gift, what } = job;
  const whole = offset === 0 && length === gift.size;
  const range = whole ? {} : { 'content-range': `${offset}-${offset + length - 1}` };
  const headers = { 'content-type': 'application/octet-stream', ...range };
  const body = (): Body => ({ size: length, chunks: piecesOf(job, offset, length) });
  const ask = { path: location, method: 'PATCH', headers, body, what, signal: gift.signal } as const;
  const answer = await attemptSmall(repository, { ...ask, accepts: [200, 201, 202, 204, 404, 413, 416] }, answerLimit);
  if ('error' in answer) return answer;
  if (answer.status === 413) return 'too-large';
  if (answer.status === 404 || answer.status === 416) return 'gone';
  const received = bytesReceived(answer.headers.get('range')) ?? offset + length;
  if (received < offset || received > offset + length) {
    throw new OnggiError('corrupt', `${what}: "${repository.registry}" has ${received} of ${offset + length} bytes`);
  }
  return { upload: { location: locationOf(repository, answer, what), offset: received } };
}

/** Sends what is left and says what the digest of all is. */
async function finish(job: Job, { location, offset }: Upload): Promise<Step | Failure> {
  const { repository, gift, what } = job;
  const { digest, size, signal } = gift;
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  const bytes = await collected(job, offset, size - offset);
  if (bytes === undefined) return 'done';
  const range = offset > 0 && bytes.length > 0 ? { 'content-range': `${offset}-${size - 1}` } : {};
  const headers = { 'content-type': 'application/octet-stream', ...range };
  const ask = { path: url, method: 'PUT', headers, body: () => bytes, what, signal } as const;
  const answer = await attemptSmall(repository, { ...ask, accepts: [201, 200, 202, 204, 404, 413, 416] }, answerLimit);
  if ('error' in answer) return answer;
  if (answer.status === 413) return 'too-large';
  if (answer.status === 404 || answer.status === 416) return 'gone';
  gift.onProgress?.(size);
  return 'done';
}

/** Undefined when the source failed. */
async function collected(job: Job, offset: number, length: number): Promise<Buffer | undefined> {
  if (length === 0) return Buffer.alloc(0);
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of piecesOf(job, offset, length)) pieces.push(piece);
  } catch (error) {
    job.sourceError ??= { error };
    return undefined;
  }
  return Buffer.concat(pieces);
}

/** Exactly `length` bytes from `offset` on. */
async function* piecesOf(job: Job, offset: number, length: number): AsyncGenerator<Uint8Array> {
  const { gift, what } = job;
  let sent = 0;
  try {
    for await (const piece of gift.open(offset)) {
      const rest = length - sent;
      const bytes = piece.length > rest ? piece.subarray(0, rest) : piece;
      sent += bytes.length;
      if (bytes.length > 0) yield bytes;
      gift.onProgress?.(offset + sent);
      if (sent === length) return;
    }
    throw new OnggiError('corrupt', `${what}: ${offset + sent} of ${gift.size} bytes are there`);
  } catch (error) {
    job.sourceError ??= { error };
    throw error;
  }
}

/** Asks how far the upload is; null: begin anew. @throws OnggiError `cancelled` */
async function whereWeAre(job: Job, { location }: Upload): Promise<Upload | null> {
  const { repository, gift, what } = job;
  const ask = { path: location, headers: {}, what, signal: gift.signal, accepts: [200, 202, 204, 404] };
  const answer = await attemptSmall(repository, ask, answerLimit);
  if ('error' in answer || answer.status === 404) return null;
  const received = bytesReceived(answer.headers.get('range'));
  if (received === null || received > gift.size) return null;
  const header = answer.headers.get('location');
  return { location: header === null ? location : locationOf(repository, answer, what), offset: received };
}
