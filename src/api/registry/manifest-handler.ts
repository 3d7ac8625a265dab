/** Manifests: given by tag or digest, taken in, deleted. */
import type { Content, WritableContent } from '../../engine/content/content.ts';
import { OnggiError } from '../../errors.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { maxManifestSize } from '../../oci/image-spec.ts';
import { accepts, bareType } from './accept.ts';
import { type Answer, answer, refuse } from './answer.ts';
import { matches } from './blob-handler.ts';
import { announcedLength, type BodyLimits, wholeBody } from './body.ts';
import type { Call } from './handler.ts';
import { badDigest } from './route.ts';

type ManifestRoute = { readonly repository: string; readonly reference: string | Digest };

export async function getManifest(content: Content, route: ManifestRoute, { request }: Call): Promise<Answer> {
  const manifest = await content.manifest(route.repository, route.reference);
  if (manifest === undefined) return unknown(route);
  const { bytes, digest, mediaType } = manifest;
  if (!accepts(request.headers.accept, mediaType)) {
    return refuse('MANIFEST_UNKNOWN', `it is of type "${mediaType}", which the request does not accept`);
  }
  const etag = `"${digest}"`;
  const headers = { 'content-type': mediaType, 'docker-content-digest': digest, etag };
  return matches(request.headers['if-none-match'], etag) ? answer(304, headers) : answer(200, headers, bytes);
}

export async function putManifest(
  content: WritableContent,
  { repository, reference }: ManifestRoute,
  { request, query }: Call,
  limits: BodyLimits,
): Promise<Answer> {
  const announced = announcedLength(request) ?? 0;
  const tooLarge = refuse('MANIFEST_INVALID', `over ${maxManifestSize} bytes`, { status: 413 });
  if (announced > maxManifestSize) return tooLarge;
  const wanted = query.get('digest');
  if (wanted !== null && !isDigest(wanted)) return badDigest(wanted);
  const digest = isDigest(reference) ? reference : wanted;
  const tag = isDigest(reference) ? null : reference;
  const bytes = await wholeBody(request, limits, maxManifestSize);
  const mediaType = bareType(request.headers['content-type']);
  try {
    const put = await content.putManifest(repository, { bytes, mediaType, digest, tag });
    const subject = put.subject === null ? {} : { 'oci-subject': put.subject };
    const location = `/v2/${repository}/manifests/${put.digest}`;
    return answer(201, { location, 'docker-content-digest': put.digest, ...subject });
  } catch (error) {
    return refusedManifest(error);
  }
}

function refusedManifest(error: unknown): Answer {
  if (!(error instanceof OnggiError)) throw error;
  const { message } = error;
  switch (error.code) {
    case 'corrupt':
      return refuse('DIGEST_INVALID', message);
    case 'invalid':
      return refuse('MANIFEST_INVALID', message);
    case 'unsupported':
      return refuse('MANIFEST_INVALID', message, { status: 415 });
    case 'not-found':
      return refuse('MANIFEST_BLOB_UNKNOWN', message);
    default:
      throw error;
  }
}

export async function deleteManifest(content: WritableContent, route: ManifestRoute): Promise<Answer> {
  const { repository, reference } = route;
  const removed = isDigest(reference)
    ? await content.deleteManifest(repository, reference)
    : await content.deleteTag(repository, reference);
  return removed ? answer(202) : unknown(route);
}

function unknown({ repository, reference }: ManifestRoute): Answer {
  return refuse('MANIFEST_UNKNOWN', `manifest "${reference}" is not in repository "${repository}"`);
}
