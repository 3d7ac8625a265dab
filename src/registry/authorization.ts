/** Answering the challenge of a registry; one answer serves all requests that were refused at the same time. */
import { OnggiError } from '../errors.ts';
import { demandOf } from './challenge.ts';
import { basicAuthorization } from './credentials.ts';
import { type Failure, permanent } from './failure.ts';
import type { Repository } from './repository.ts';
import { fetchToken } from './token.ts';

export type Challenged = {
  readonly what: string;
  /** Where the challenge came from. */
  readonly origin: string;
  /** Its WWW-Authenticate header. */
  readonly header: string;
  /** What was refused, null when nothing was shown. */
  readonly shown: string | null;
};

/** Sets `session.authorization` to what the registry wants. @returns why it can't, if so */
export async function authorize(
  repository: Repository,
  challenged: Challenged,
  signal: AbortSignal | undefined,
): Promise<Failure | undefined> {
  const { session } = repository;
  // Another request has a newer one than was refused here.
  if (session.authorization !== challenged.shown) return undefined;
  const renewal = session.renewal ?? answer(repository, challenged, signal);
  session.renewal = renewal;
  try {
    return await renewal;
  } finally {
    if (session.renewal === renewal) session.renewal = null;
  }
}

async function answer(
  repository: Repository,
  challenged: Challenged,
  signal: AbortSignal | undefined,
): Promise<Failure | undefined> {
  const { credentials, session } = repository;
  const demand = demandOf(challenged.header);
  if (demand === null) return unauthorized(repository, challenged, 'asks for credentials in a way that is not known');
  if (demand.scheme === 'bearer') {
    const known = credentials !== null && 'registryToken' in credentials ? `Bearer ${credentials.registryToken}` : null;
    if (known !== null && known === challenged.shown) return unauthorized(repository, challenged, 'refused the token');
    const token = known ?? (await fetchToken(repository, demand, challenged.origin, signal));
    if (typeof token !== 'string') return token;
    session.authorization = token;
    return undefined;
  }
  if (credentials === null || !('username' in credentials)) {
    return unauthorized(repository, challenged, 'asks for a user name and password');
  }
  const header = basicAuthorization(credentials.username, credentials.password);
  if (header === challenged.shown) return unauthorized(repository, challenged, 'refused the user name or password');
  session.authorization = header;
  return undefined;
}

function unauthorized(repository: Repository, { what }: Challenged, found: string): Failure {
  const hint = repository.advice;
  return permanent(new OnggiError('unauthorized', `${what}: "${repository.registry}" ${found}`, { hint }));
}
