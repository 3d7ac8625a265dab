/** Whether a repository has a blob, and taking one away (distribution specification, "Checking if content exists"). */
import { OnggiError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { Repository } from './repository.ts';
import { requestSmall } from './request.ts';

/**
 * @returns false too where the registry does not let us ask: then it is sent, and the refusal comes there
 * @throws OnggiError `unavailable`, `corrupt` (another size), `cancelled`
 */
export async function hasBlob(
  repository: Repository,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  signal?: AbortSignal,
): Promise<boolean> {
  const what = `blob "${digest}" of "${repository.registry}/${repository.name}"`;
  const ask = {
    path: `blobs/${digest}`,
    method: 'HEAD',
    headers: {},
    what,
    signal,
    accepts: [200, 404, 403, 405],
  } as const;
  const { status, headers } = await requestSmall(repository, ask, 0);
  if (status !== 200) return false;
  const length = headers.get('content-length');
  if (length === null || length === String(size)) return true;
  throw new OnggiError('corrupt', `${what}: it has ${length} bytes there, not ${size}`);
}

/** Idempotent. @throws OnggiError `unsupported` when the registry deletes nothing; `unauthorized`, `denied`, ... */
export async function deleteBlob(repository: Repository, digest: Digest, signal?: AbortSignal): Promise<void> {
  const what = `delete blob "${digest}" of "${repository.registry}/${repository.name}"`;
  const ask = { path: `blobs/${digest}`, method: 'DELETE', headers: {}, what, signal } as const;
  await requestSmall(repository, { ...ask, accepts: [200, 202, 204, 404] }, 0);
}
