/**
 * Tokens of registries that leave credentials to another server (distribution, "Token Authentication Specification"
 * and "OAuth2 Token Authentication"): the registry answers 401 with the address of that server, which gives a token
 * for one action on one repository.
 */
import { OnggiError } from '../errors.ts';
import type { Demand } from './challenge.ts';
import { type Connection, type RequestInit, readSmall } from './connection.ts';
import { basicAuthorization, secretsOf } from './credentials.ts';
import { connectionFailure, type Failure, permanent, refusal } from './failure.ts';
import { mayFollow } from './host.ts';
import { connectTo, type Repository } from './repository.ts';
import { parseRetryAfter } from './retry.ts';

/** A token is some kilobytes at most; so is the message of a refusal. */
const answerLimit = 64 * 1024;

export type TokenDemand = Extract<Demand, { scheme: 'bearer' }>;

/**
 * The header that shows a token for pulling, or why there is none.
 * @param origin where the demand came from
 */
export async function fetchToken(
  repository: Repository,
  demand: TokenDemand,
  origin: string,
  signal: AbortSignal | undefined,
): Promise<string | Failure> {
  const what = `token for "${[repository.registry, repository.name].filter(Boolean).join('/')}"`;
  const realm = URL.canParse(demand.realm) ? new URL(demand.realm) : undefined;
  if (realm === undefined || !mayFollow(new URL(origin), realm, repository.routes(realm).insecure)) {
    const found = `the registry sends us to "${realm?.origin ?? demand.realm.slice(0, 200)}", which is not https`;
    return permanent(new OnggiError('denied', `${what}: ${found}`));
  }
  const init = tokenRequest(repository, demand, realm);
  let connection: Connection;
  let body: Buffer;
  try {
    connection = await connectTo(repository, realm, init, signal);
    using _ = connection;
    body = (await readSmall(connection, answerLimit)).bytes;
  } catch (error) {
    if (signal?.aborted) throw error;
    return connectionFailure({ what, host: realm.host, error, reached: false });
  }
  // A redirect is a refusal too: whoever it leads to was not named by the registry.
  if (connection.status !== 200) {
    const retryAfter = parseRetryAfter(connection.headers.get('retry-after'), Date.now());
    const secrets = secretsOf(repository.credentials, null);
    const { advice } = repository;
    const { status } = connection;
    return refusal({ what, host: realm.host, status, body: body.toString(), retryAfter, secrets, advice });
  }
  const answer = parsed(body.toString());
  const token = tokenIn(answer, ['token', 'access_token']);
  if (repository.offline) repository.session.refreshToken = tokenIn(answer, ['refresh_token']) ?? null;
  if (token !== undefined) return `Bearer ${token}`;
  return permanent(new OnggiError('corrupt', `${what}: "${realm.host}" answered without a token`));
}

/** Completes the address in `realm`, and says what to send there. */
function tokenRequest(repository: Repository, demand: TokenDemand, realm: URL): RequestInit {
  const { credentials, scopes } = repository;
  const { service } = demand;
  if (credentials !== null && 'identityToken' in credentials) {
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: credentials.identityToken });
    form.set('client_id', 'onggi');
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    if (service !== null) form.set('service', service);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', headers, body: form.toString() };
  }
  for (const scope of scopes) realm.searchParams.append('scope', scope);
  if (service !== null) realm.searchParams.set('service', service);
  if (credentials === null || !('username' in credentials)) return { method: 'GET', headers: {} };
  const { username, password } = credentials;
  realm.searchParams.set('account', username);
  if (repository.offline) {
    realm.searchParams.set('client_id', 'onggi');
    realm.searchParams.set('offline_token', 'true');
  }
  return { method: 'GET', headers: { authorization: basicAuthorization(username, password) } };
}

/** A header is made of it, so it must be visible ASCII. */
const tokenGrammar = /^[\x21-\x7e]{1,16384}$/;

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function tokenIn(answer: unknown, names: readonly string[]): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const found: unknown[] = names.map((name) => Reflect.get(answer, name));
  return found.find((token): token is string => typeof token === 'string' && tokenGrammar.test(token));
}
