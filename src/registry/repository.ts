/** One repository of one registry, as a client sees it: who we are there, and what was learned about it so far. */
import { OnggiError } from '../errors.ts';
import { type ConnectionLimits, connect, defaultConnectionLimits } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { connectionCode, type Failure, isCertificateError } from './failure.ts';
import { originsOf } from './host.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts';

export type RepositoryOptions = {
  /** For this registry; shown to it and the token server that it names, to nobody else. */
  readonly credentials?: Credentials | null;
  /** What errors tell to do when credentials are missing. */
  readonly advice?: string;
  readonly limits?: ConnectionLimits;
  readonly retry?: RetryPolicy;
};

export type Repository = {
  /** As in references: "docker.io", "localhost:5000". */
  readonly registry: string;
  /** "library/alpine" */
  readonly name: string;
  readonly credentials: Credentials | null;
  readonly advice: string;
  readonly limits: ConnectionLimits;
  readonly retry: RetryPolicy;
  readonly session: Session;
};

/** What changes while the repository is used; many requests share it. */
export type Session = {
  /** Found by the first request. */
  origin: Promise<string> | null;
  /** Header that the registry wanted last; null before it has asked. */
  authorization: string | null;
  /** A new one on its way: requests that were refused at the same time share it. */
  renewal: Promise<Failure | undefined> | null;
  /** The registry has answered. */
  reached: boolean;
};

/** Opens no connection yet; nothing needs to be closed. */
export function openRepository(registry: string, name: string, options: RepositoryOptions = {}): Repository {
  return {
    registry,
    name,
    credentials: options.credentials ?? null,
    advice: options.advice ?? `Credentials for "${registry}" may be missing, or the repository does not exist.`,
    limits: options.limits ?? defaultConnectionLimits,
    retry: options.retry ?? defaultRetryPolicy,
    session: { origin: null, authorization: null, renewal: null, reached: false },
  };
}

/**
 * The origin at which the registry answers. Only one on loopback leaves a choice, and is asked without credentials.
 * @throws what `connect` throws, and forgets it: the next request looks again
 */
export function originOf(repository: Repository, signal: AbortSignal | undefined): Promise<string> {
  const { session } = repository;
  session.origin ??= findOrigin(repository, signal).catch((error: unknown) => {
    session.origin = null;
    throw error;
  });
  return session.origin;
}

async function findOrigin(repository: Repository, signal: AbortSignal | undefined): Promise<string> {
  const [first, second] = originsOf(repository.registry);
  if (first === undefined) throw new OnggiError('internal', `registry "${repository.registry}" has no origin`);
  if (second === undefined) return first;
  const answer = await ping(repository, first, signal);
  // A TLS server answers plain http with 400 (Go, nginx) or not at all.
  if (answer.status !== undefined && answer.status !== 400) return first;
  if (answer.status === undefined && connectionCode(answer.error) === 'ECONNREFUSED') throw answer.error;
  const secure = await ping(repository, second, signal);
  if (secure.status !== undefined) return second;
  // It does speak TLS, so what the plain attempt met says nothing.
  if (isCertificateError(secure.error)) throw secure.error;
  if (answer.status === undefined) throw answer.error;
  return first;
}

type Ping = { readonly status: number } | { readonly status?: never; readonly error: unknown };

async function ping(repository: Repository, origin: string, signal: AbortSignal | undefined): Promise<Ping> {
  try {
    const init = { method: 'GET', headers: {} } as const;
    using connection = await connect(new URL('/v2/', origin), init, repository.limits, signal);
    return { status: connection.status };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { error };
  }
}
