/**
 * Asking a repository for something: shows credentials when they are asked for, follows redirects without them, and
 * tries again what may go better. Specification: OCI distribution 1.1.
 */
import { OnggiError } from '../errors.ts';
import { authorize } from './authorization.ts';
import { type Body, type Connection, type Method, readSmall } from './connection.ts';
import { secretsOf } from './credentials.ts';
import { connectionFailure, type Failure, permanent, refusal } from './failure.ts';
import { mayFollow } from './host.ts';
import { connectTo, enterHost, originOf, type Repository } from './repository.ts';
import { parseRetryAfter, retryDelay } from './retry.ts';

export type Ask = {
  /** Below /v2/NAME/: "manifests/latest"; of the registry as a whole: "/v2/_catalog"; an address that it named. */
  readonly path: string | URL;
  /** Absent: GET. */
  readonly method?: Method;
  readonly headers: Readonly<Record<string, string>>;
  /** Made anew for each attempt. */
  readonly body?: () => Body;
  /** Statuses that bring what was asked for; absent: 200 and 206. */
  readonly accepts?: readonly number[];
  /** What errors call it: 'image "docker.io/library/alpine:latest"'. */
  readonly what: string;
  readonly signal: AbortSignal | undefined;
};

/** Registries send blobs to a store or a cache of theirs, which may do it once more. */
const redirectLimit = 5;
const contentStatuses: readonly number[] = [200, 206];
/** Bytes of an error's body that are read; they also free the connection for the next request. */
const errorBodyLimit = 64 * 1024;

export type SmallAnswer = {
  readonly status: number;
  /** Where it came from in the end. */
  readonly url: URL;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** False when there were more bytes than the limit. */
  readonly whole: boolean;
};

/**
 * An answer that fits in memory, tried again as long as it is worth it.
 * @param limit bytes of its body that are read
 * @throws OnggiError `not-found`, `unauthorized`, `denied`, `unavailable`, `invalid`, `unsupported`; `cancelled`
 */
export async function requestSmall(repository: Repository, ask: Ask, limit: number): Promise<SmallAnswer> {
  const pacing = pace(repository, ask);
  for (;;) {
    const answer = await attemptSmall(repository, ask, limit);
    if (!('error' in answer)) return answer;
    await pacing.failed(answer);
  }
}

/** The same, asked once. @throws OnggiError `cancelled` */
export async function attemptSmall(repository: Repository, ask: Ask, limit: number): Promise<SmallAnswer | Failure> {
  const connection = await attempt(repository, ask);
  if ('error' in connection) return connection;
  using _ = connection;
  try {
    const { status, url, headers } = connection;
    return { status, url, headers, ...(await readSmall(connection, limit)) };
  } catch (error) {
    return await broken(repository, ask, connection.url, error);
  }
}

export type Pacing = {
  /** Waits until it is time to try again. @throws the failure's error when it is not worth it; `cancelled` */
  failed(failure: Failure): Promise<void>;
  /** Something was received: failures are counted anew. */
  progressed(): void;
};

export function pace(repository: Repository, { what, signal }: Pick<Ask, 'what' | 'signal'>): Pacing {
  let failures = 0;
  return {
    async failed(failure) {
      failures += 1;
      const delay = failure.transient
        ? retryDelay(repository.retry, failures, failure.retryAfter, Math.random())
        : undefined;
      if (delay === undefined) throw failure.error;
      await pause(delay, what, signal);
    },
    progressed() {
      failures = 0;
    },
  };
}

/**
 * Asks once, with a second time when credentials were wanted. The caller disposes of the connection, soon: until then
 * it has one of the few places that a host has.
 * @throws OnggiError `cancelled`
 */
export async function attempt(repository: Repository, ask: Ask): Promise<Connection | Failure> {
  using undo = new DisposableStack();
  try {
    undo.use(await enterHost(repository, ask.body !== undefined, ask.signal));
    const connection = await authorized(repository, ask);
    if ('error' in connection) return connection;
    undo.use(connection);
    const owned = undo.move();
    return { ...connection, [Symbol.dispose]: () => owned.dispose() };
  } catch (error) {
    return await broken(repository, ask, null, error);
  }
}

async function authorized(repository: Repository, ask: Ask): Promise<Connection | Failure> {
  const origin = await originOf(repository, ask.signal);
  const url = addressOf(repository, ask.path, origin);
  const shown = repository.session.authorization;
  const first = await follow(repository, ask, url);
  if ('error' in first) return first;
  const challenge = first.headers.get('www-authenticate');
  // Whoever a redirect leads to can ask, but gets nothing.
  if (first.status !== 401 || first.url.origin !== origin || challenge === null) {
    return await settle(repository, ask, first);
  }
  await discard(first);
  const challenged = { what: ask.what, origin, header: challenge, shown };
  const failure = await authorize(repository, challenged, ask.signal);
  if (failure !== undefined) return failure;
  const second = await follow(repository, ask, url);
  return 'error' in second ? second : await settle(repository, ask, second);
}

function addressOf({ name }: Repository, path: string | URL, origin: string): URL {
  if (typeof path !== 'string') return path;
  return new URL(path.startsWith('/') ? path : `/v2/${name}/${path}`, origin);
}

/** Goes where redirects lead; the registry's own credentials are shown to its own origin only (THREATS, class R). */
async function follow(repository: Repository, ask: Ask, start: URL): Promise<Connection | Failure> {
  const { session, routes } = repository;
  const { method = 'GET', body } = ask;
  const origin = await originOf(repository, ask.signal);
  let url = start;
  for (let redirects = 0; ; redirects += 1) {
    const own = url.origin === origin && session.authorization !== null;
    const headers = { ...ask.headers, ...(own && { authorization: session.authorization ?? '' }) };
    let connection: Connection;
    try {
      const init = { method, headers, ...(body !== undefined && { body: body() }) };
      connection = await connectTo(repository, url, init, ask.signal);
    } catch (error) {
      return await broken(repository, ask, url, error);
    }
    session.reached = true;
    const location = connection.headers.get('location');
    if (connection.status < 301 || connection.status > 308 || location === null) return connection;
    const sameMethod = method === 'GET' || method === 'HEAD' || connection.status >= 307;
    await discard(connection);
    const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
    // Only the origin is shown: the rest of such an address may be a signature that opens the blob to all.
    const to = `${ask.what}: "${url.host}" redirects to "${target?.origin ?? location.slice(0, 100)}"`;
    if (target === undefined || !mayFollow(url, target, routes(target).insecure)) {
      return permanent(new OnggiError('denied', `${to}, which is not https`));
    }
    if (!sameMethod) return permanent(new OnggiError('unsupported', `${to}, with another method than ${method}`));
    if (redirects === redirectLimit) {
      return permanent(new OnggiError('unsupported', `${to}, over ${redirectLimit} redirects`));
    }
    url = target;
  }
}

/** @param url where it broke, null when the registry was not found. @throws OnggiError `cancelled` */
export async function broken(
  repository: Repository,
  { what, signal }: Pick<Ask, 'what' | 'signal'>,
  url: URL | null,
  error: unknown,
): Promise<Failure> {
  if (signal?.aborted) throw cancelled(what, signal);
  const host = url === null ? repository.registry : await hostOf(repository, url);
  return connectionFailure({ what, host, error, reached: repository.session.reached });
}

/** What messages call a host: the registry as in references, or who it sent us to. */
async function hostOf({ registry, session }: Repository, url: URL): Promise<string> {
  return url.origin === (await session.origin) ? registry : url.host;
}

/** An answer that brings what was asked for, or the refusal that it is. */
async function settle(repository: Repository, ask: Ask, connection: Connection): Promise<Connection | Failure> {
  const { status, headers, url } = connection;
  if ((ask.accepts ?? contentStatuses).includes(status)) return connection;
  using _ = connection;
  const { bytes } = await readSmall(connection, errorBodyLimit);
  const { credentials, session, advice } = repository;
  const secrets = secretsOf(credentials, session.authorization);
  const retryAfter = parseRetryAfter(headers.get('retry-after'), Date.now());
  const host = await hostOf(repository, url);
  return refusal({ what: ask.what, host, status, body: bytes.toString(), retryAfter, secrets, advice });
}

/** Reads what is left, so that the connection serves the next request. */
async function discard(connection: Connection): Promise<void> {
  using _ = connection;
  await readSmall(connection, errorBodyLimit);
}

function cancelled(what: string, signal: AbortSignal): OnggiError {
  return new OnggiError('cancelled', `${what}: cancelled`, { cause: signal.reason });
}

function pause(milliseconds: number, what: string, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => {
    if (signal !== undefined) reject(cancelled(what, signal));
  };
  const timer = setTimeout(resolve, milliseconds);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  });
}
