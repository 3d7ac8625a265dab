/** One repository of one registry, as a client sees it: who we are there, and what was learned about it so far. */
import { OnggiError } from '../errors.ts';
import { type Connection, type ConnectionLimits, connect, defaultConnectionLimits } from './connection.ts';
import type { Credentials } from './credentials.ts';
import type { RequestInit } from './exchange.ts';
import { connectionCode, type Failure, isCertificateError, speaksTls } from './failure.ts';
import { type Gate, makeGate } from './gate.ts';
import { hostOfRegistry, originsOf, urlOfHost } from './host.ts';
import { takePlace } from './machine-places.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts';
import { directRoutes, type Routes } from './route.ts';

/**
 * What tokens must allow: "push" and "delete" hold "pull", "catalog" is the list of all repositories, "login" nothing
 * but to find out whether credentials are right, and to get a refresh token for them.
 */
export type Access = 'pull' | 'push' | 'delete' | 'catalog' | 'login';

export type RepositoryOptions = {
  /** Absent: "pull". */
  readonly access?: Access;
  /** Other repositories of the registry whose blobs are to be mounted into this one. */
  readonly mountFrom?: readonly string[];
  /** For this registry; shown to it and the token server that it names, to nobody else. */
  readonly credentials?: Credentials | null;
  /** What errors tell to do when credentials are missing. */
  readonly advice?: string;
  /** "host:port" that is asked in the place of the registry: a mirror. */
  readonly host?: string;
  readonly routes?: Routes;
  readonly limits?: ConnectionLimits;
  readonly retry?: RetryPolicy;
  /** Requests for one blob at the same time, when it is large. */
  readonly segments?: number;
  /** Directory of the places that all processes share (machine-places.ts); absent or null: this process's own. */
  readonly places?: string | null;
};

export type Repository = {
  /** As in references: "docker.io", "localhost:5000"; of a mirror, its own host. */
  readonly registry: string;
  /** "library/alpine"; of a mirror, the name there. Empty for the registry as a whole. */
  readonly name: string;
  /** "host:port" */
  readonly host: string;
  /** What tokens must allow, as scopes of the token specification. */
  readonly scopes: readonly string[];
  /** Ask the token server for a refresh token, too. */
  readonly offline: boolean;
  readonly credentials: Credentials | null;
  readonly advice: string;
  readonly routes: Routes;
  readonly limits: ConnectionLimits;
  readonly retry: RetryPolicy;
  readonly segments: number;
  readonly places: string | null;
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
  /** Given by the token server in the place of the password ("identity token"). */
  refreshToken: string | null;
};

/** Opens no connection yet; nothing needs to be closed. */
export function openRepository(registry: string, name: string, options: RepositoryOptions = {}): Repository {
  return {
    registry,
    name,
    host: options.host ?? hostOfRegistry(registry),
    scopes: scopesOf(name, options),
    offline: options.access === 'login',
    credentials: options.credentials ?? null,
    advice: options.advice ?? `Credentials for "${registry}" may be missing, or the repository does not exist.`,
    routes: options.routes ?? directRoutes,
    limits: options.limits ?? defaultConnectionLimits,
    retry: options.retry ?? defaultRetryPolicy,
    segments: options.segments ?? 1,
    places: options.places ?? null,
    session: { origin: null, authorization: null, renewal: null, reached: false, refreshToken: null },
  };
}

/** Actions by the names that registries give them (distribution, "Token Scope Documentation"). */
const actions: Readonly<Record<Access, string>> = {
  pull: 'pull',
  push: 'pull,push',
  delete: '*',
  catalog: '*',
  login: '',
};

function scopesOf(name: string, { access = 'pull', mountFrom = [] }: RepositoryOptions): string[] {
  if (access === 'catalog') return ['registry:catalog:*'];
  if (name === '' || access === 'login') return [];
  return [`repository:${name}:${actions[access]}`, ...mountFrom.map((other) => `repository:${other}:pull`)];
}

/** Requests to one host at the same time; Docker has three downloads and five uploads, for each image. */
const placesPerHost = 8;

const gates = new Map<string, Gate>();

/**
 * The place for a request to a host, shared by all repositories there, and by other processes where there is a directory
 * for that. What is sent has places of its own, so a copy within one registry, which reads while it sends, can't wait for
 * itself.
 * @throws the reason of `signal`
 */
export async function enterHost(
  { host, places }: Repository,
  sends: boolean,
  signal: AbortSignal | undefined,
): Promise<Disposable> {
  const key = `${sends ? 'to' : 'from'} ${host}`;
  const gate = gates.get(key) ?? makeGate(placesPerHost);
  gates.set(key, gate);
  using undo = new DisposableStack();
  undo.use(await gate.enter(signal));
  if (places !== null) undo.use(await takePlace(places, key, placesPerHost, signal));
  return undo.move();
}

/** @throws what `connect` of connection.ts throws */
export function connectTo(
  { limits, routes }: Repository,
  url: URL,
  init: RequestInit,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  return connect(url, init, { limits, route: routes(url) }, signal);
}

/**
 * The origin at which the registry answers. Only one on loopback or an insecure one leaves a choice, and is asked
 * without credentials.
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
  const { host, registry, routes } = repository;
  const [first, second] = originsOf(host, routes(urlOfHost(host)).insecure);
  if (first === undefined) throw new OnggiError('internal', `registry "${registry}" has no origin`);
  if (second === undefined) return first;
  return first.startsWith('http:')
    ? plainOrSecure(repository, first, second, signal)
    : secureOrPlain(repository, first, second, signal);
}

async function plainOrSecure(
  repository: Repository,
  plain: string,
  secure: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const answer = await ping(repository, plain, signal);
  // A TLS server answers plain http with 400 (Go, nginx) or not at all.
  if (answer.status !== undefined && answer.status !== 400) return plain;
  if (answer.status === undefined && connectionCode(answer.error) === 'ECONNREFUSED') throw answer.error;
  const other = await ping(repository, secure, signal);
  if (other.status !== undefined) return secure;
  // It does speak TLS, so what the plain attempt met says nothing.
  if (isCertificateError(other.error)) throw other.error;
  if (answer.status === undefined) throw answer.error;
  // It may have said 400 because it wants TLS, and then broken off for want of a client certificate.
  if (speaksTls(other.error)) throw other.error;
  return plain;
}

async function secureOrPlain(
  repository: Repository,
  secure: string,
  plain: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const answer = await ping(repository, secure, signal);
  if (answer.status !== undefined) return secure;
  const other = await ping(repository, plain, signal);
  if (other.status !== undefined && other.status !== 400) return plain;
  throw answer.error;
}

type Ping = { readonly status: number } | { readonly status?: never; readonly error: unknown };

async function ping(repository: Repository, origin: string, signal: AbortSignal | undefined): Promise<Ping> {
  try {
    const init = { method: 'GET', headers: {} } as const;
    using connection = await connectTo(repository, new URL('/v2/', origin), init, signal);
    return { status: connection.status };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { error };
  }
}
