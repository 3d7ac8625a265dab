/**
 * Pushing blobs (distribution specification 1.1, "Pushing blobs"): at once, in one request after the first, or in chunks;
 * or not at all, when another repository has it.
 */
import type { ContentUpload, WritableContent } from '../../engine/content/content.ts';
import { OnggiError } from '../../errors.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { type Answer, answer, refuse } from './answer.ts';
import { announcedLength, bodyPieces } from './body.ts';
import type { Call, Registry } from './handler.ts';
import { receivedRange, sentRange } from './range.ts';
import { badDigest, isRepositoryName } from './route.ts';
import type { Taken } from './uploads.ts';

export async function startUpload(
  registry: Registry,
  content: WritableContent,
  repository: string,
  call: Call,
): Promise<Answer> {
  const { query } = call;
  const mount = query.get('mount');
  if (mount !== null && isDigest(mount)) {
    const from = query.get('from');
    const known = from === null || from === '' || isRepositoryName(from);
    if (known && (await content.mountBlob(repository, mount, from === '' ? null : from)))
      return created(repository, mount);
  }
  const digest = query.get('digest');
  if (digest !== null && !isDigest(digest)) return badDigest(digest);
  const id = registry.uploads.add(() => content.startUpload(repository));
  if (id === undefined) return refuse('TOOMANYREQUESTS', 'too many uploads at the same time: try again later');
  // The whole blob came with the first request.
  if (digest !== null && mount === null) return await uploadRequest(registry, { repository, id }, call);
  return accepted(repository, id, 0, 202);
}

export async function uploadRequest(
  registry: Registry,
  { repository, id }: { readonly repository: string; readonly id: string },
  call: Call,
): Promise<Answer> {
  const taken = registry.uploads.take(repository, id);
  if (taken === undefined) return refuse('BLOB_UPLOAD_UNKNOWN', 'no such upload: begin it anew');
  if (taken === 'busy') {
    return refuse('BLOB_UPLOAD_INVALID', 'another request of this upload has not ended', { status: 409 });
  }
  using _ = taken;
  switch (call.method) {
    case 'GET':
      return accepted(repository, id, taken.upload.size, 204);
    case 'DELETE':
      await taken.drop();
      return answer(204);
    case 'PATCH':
      return (await receive(registry, taken, call)) ?? accepted(repository, id, taken.upload.size, 202);
    default:
      return await finish(registry, taken, call);
  }
}

async function finish(registry: Registry, taken: Taken, call: Call): Promise<Answer> {
  const digest = call.query.get('digest');
  if (digest === null || !isDigest(digest)) return badDigest(digest ?? '');
  const refused = await receive(registry, taken, call);
  if (refused !== undefined) return refused;
  try {
    await taken.upload.finish(digest);
    return created(taken.upload.repository, digest);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'corrupt') throw error;
    return refuse('DIGEST_INVALID', error.message);
  } finally {
    await taken.drop();
  }
}

/**
 * Takes in the body. A chunk that says where it stands must stand at the end of what came, and is taken in whole or not
 * at all; a body that does not say stays as far as it came, and its client can ask how far that is.
 */
async function receive(registry: Registry, { id, upload }: Taken, { request }: Call): Promise<Answer | undefined> {
  const header = request.headers['content-range'];
  const announced = announcedLength(request);
  const room = registry.largestBlob - upload.size;
  if (announced !== undefined && announced > room) return tooLarge(registry.largestBlob);
  if (header === undefined) {
    for await (const piece of bodyPieces(request, registry.body, room)) await upload.write(piece);
    return undefined;
  }
  const range = sentRange(header);
  if (range === undefined || range.start !== upload.size) return outOfOrder(upload, id);
  const length = range.end - range.start;
  if (length > room) return tooLarge(registry.largestBlob);
  if (announced !== undefined && announced !== length) return wrongLength(length, announced);
  const rewind = upload.mark();
  const before = upload.size;
  try {
    for await (const piece of bodyPieces(request, registry.body, length)) await upload.write(piece);
  } catch (error) {
    await rewind();
    throw error;
  }
  const came = upload.size - before;
  if (came === length) return undefined;
  await rewind();
  return wrongLength(length, came);
}

function tooLarge(limit: number): Answer {
  return refuse('SIZE_INVALID', `a blob may have ${limit} bytes here`, { status: 413 });
}

function wrongLength(wanted: number, found: number): Answer {
  return refuse('SIZE_INVALID', `Content-Range says ${wanted} bytes, ${found} came`);
}

/** 416 says where the upload stands, so that the client can go on from there. */
function outOfOrder(upload: ContentUpload, id: string): Answer {
  const { headers } = accepted(upload.repository, id, upload.size, 416);
  const message = `a chunk must begin at byte ${upload.size}`;
  return refuse('BLOB_UPLOAD_INVALID', message, { status: 416, headers });
}

function accepted(repository: string, id: string, size: number, status: number): Answer {
  const location = `/v2/${repository}/blobs/uploads/${id}`;
  return answer(status, { location, range: receivedRange(size), 'docker-upload-uuid': id });
}

function created(repository: string, digest: Digest): Answer {
  return answer(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest });
}
