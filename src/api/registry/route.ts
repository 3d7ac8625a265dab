/**
 * From the path of a request to what it asks for (distribution specification 1.1, "Endpoints"). Pure.
 *
 * The path is matched as it was sent: nothing that is allowed in a name, tag or digest has to be encoded, so an encoded
 * path is one that somebody wants to be read in two ways. Only the colon of a digest may come as %3A.
 */
import { type Digest, isDigest } from '../../oci/digest.ts';
import { type Answer, refuse } from './answer.ts';

export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string | Digest }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: Digest };

export type Target = { readonly path: string; readonly query: URLSearchParams };

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const name = new RegExp(`^${component}(?:/${component})*$`);
const tag = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const uploadId = /^[0-9a-f]{32}$/;
/** With its registry a name has 255 characters in most clients. */
const longestName = 255;
const longestTarget = 4096;

export function isRepositoryName(text: string): boolean {
  return text.length <= longestName && name.test(text);
}

export function isTag(text: string): boolean {
  return tag.test(text);
}

/** @param url the request's target as sent. Undefined when it is no path, or has characters that none needs */
export function parseTarget(url: string): Target | undefined {
  if (url.length > longestTarget || !url.startsWith('/')) return undefined;
  const mark = url.indexOf('?');
  const path = (mark === -1 ? url : url.slice(0, mark)).replaceAll(/%3a/gi, ':');
  if (!/^[a-zA-Z0-9/._:-]+$/.test(path)) return undefined;
  return { path, query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)) };
}

/** The last words of a path say what it is: a name may hold "blobs" and "tags" itself. */
export function parseRoute(path: string): Route | Answer {
  if (path === '/v2/' || path === '/v2') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (!path.startsWith('/v2/')) return unknownPath(path);
  const uploads = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/.exec(path) ?? /^\/v2\/(.+)\/blobs\/uploads()$/.exec(path);
  if (uploads !== null) return uploadRoute(uploads[1] ?? '', uploads[2] ?? '');
  const [, repository = '', kind = '', last = ''] =
    /^\/v2\/(.+)\/(tags|manifests|blobs|referrers)\/([^/]+)$/.exec(path) ?? [];
  if (repository === '') return unknownPath(path);
  if (!isRepositoryName(repository)) return badName(repository);
  switch (kind) {
    case 'tags':
      return last === 'list' ? { kind: 'tags', repository } : unknownPath(path);
    case 'manifests':
      if (isDigest(last) || isTag(last)) return { kind: 'manifest', repository, reference: last };
      return last.includes(':')
        ? badDigest(last)
        : refuse('MANIFEST_INVALID', `"${last.slice(0, 200)}" is neither a tag nor a digest`);
    case 'blobs':
      return isDigest(last) ? { kind: 'blob', repository, digest: last } : badDigest(last);
    default:
      return isDigest(last) ? { kind: 'referrers', repository, digest: last } : badDigest(last);
  }
}

function uploadRoute(repository: string, id: string): Route | Answer {
  if (!isRepositoryName(repository)) return badName(repository);
  if (id === '') return { kind: 'uploads', repository };
  // An id of another form was never given: no need to look.
  if (!uploadId.test(id)) return refuse('BLOB_UPLOAD_UNKNOWN', 'no such upload: begin it anew');
  return { kind: 'upload', repository, id };
}

function unknownPath(path: string): Answer {
  return refuse('UNSUPPORTED', `no such path: "${path.slice(0, 200)}"`, { status: 404 });
}

function badName(text: string): Answer {
  return refuse('NAME_INVALID', `"${text.slice(0, 200)}" is no name of a repository`);
}

export function badDigest(text: string): Answer {
  return refuse('DIGEST_INVALID', `"${text.slice(0, 200)}" is no digest: sha256:<64 hex> or sha512:<128 hex>`);
}
