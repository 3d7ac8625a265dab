/** Logging in to a registry and out of it: the credentials are tried before they are kept. */
import { OnggiError } from '../../errors.ts';
import {
  credentialFiles,
  eraseAllCredentials,
  eraseCredentials,
  findStoredCredentials,
  storeCredentials,
} from '../../registry/credential-store.ts';
import type { Credentials } from '../../registry/credentials.ts';
import { dockerConfigPath } from '../../registry/docker-config.ts';
import { openMachineRepository, readMachine } from '../../registry/open.ts';
import { requestSmall } from '../../registry/request.ts';
import { type RegistryOptions, routesOf } from './registry-access.ts';

export type LoginOptions = {
  /** Absent: those that are kept already are tried again. */
  readonly credentials?: Credentials;
  /** config.json that is written; absent: that of the Docker CLI. */
  readonly credentialsFile?: string;
  readonly access?: Pick<RegistryOptions, 'insecure' | 'certificates'>;
  readonly signal?: AbortSignal;
};

export type LoggedIn = {
  /** File or program that keeps the credentials. */
  readonly place: string;
  /** False: whoever can read the file can read them. */
  readonly encrypted: boolean;
};

/** Docker Hub, as Docker's users also call it. */
const hub = 'docker.io';
const hubNames: ReadonlySet<string> = new Set(['', hub, 'index.docker.io', 'registry-1.docker.io', 'hub.docker.com']);

/**
 * The registry that the argument of `login` names: a host, or an address of it ("https://index.docker.io/v1/").
 * @throws OnggiError `invalid`
 */
export function registryOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').replace(/\/.*$/s, '');
  if (hubNames.has(host)) return hub;
  if (/^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/.test(host)) return host;
  throw new OnggiError('invalid', `registry "${server.slice(0, 200)}": not HOST or HOST:PORT`);
}

/**
 * Tries the credentials and keeps them. A token server may give an identity token for them; then only that is kept.
 * @throws OnggiError `unauthorized` (wrong, or none are known), `unavailable`, `invalid` (the file), `denied`
 */
export async function login(server: string, options: LoginOptions = {}): Promise<LoggedIn> {
  const registry = registryOf(server);
  const file = options.credentialsFile ?? dockerConfigPath(process.env);
  const { credentials: given, signal } = options;
  const known = given ?? (await findStoredCredentials([file], registry)).credentials;
  if (known === null) {
    throw new OnggiError('unauthorized', `log in to "${registry}": no credentials are kept for it`);
  }
  const machine = await readMachine(process.env);
  const routes = routesOf(machine.routes, registry, options.access ?? {});
  const opened = { access: 'login', credentials: known } as const;
  const repository = await openMachineRepository({ ...machine, routes }, registry, '', opened);
  const what = `log in to "${registry}"`;
  await requestSmall(repository, { path: '/v2/', headers: {}, what, signal }, 64 * 1024);
  const { refreshToken } = repository.session;
  return await storeCredentials(file, registry, refreshToken === null ? known : { identityToken: refreshToken });
}

/** Idempotent. @returns false when nothing was kept. @throws OnggiError `invalid` (the file, the name), `denied`, ... */
export function logout(server: string, options: Pick<LoginOptions, 'credentialsFile'> = {}): Promise<boolean> {
  const file = options.credentialsFile ?? dockerConfigPath(process.env);
  return eraseCredentials(file, registryOf(server));
}

/** @throws OnggiError `invalid` (the file), `denied`, ... */
export function logoutAll(options: Pick<LoginOptions, 'credentialsFile'> = {}): Promise<void> {
  return eraseAllCredentials(options.credentialsFile ?? dockerConfigPath(process.env));
}

/** The user that is logged in; "" for a token. Null: nobody is. */
export async function loggedInUser(
  server: string,
  options: Pick<LoginOptions, 'credentialsFile'> = {},
): Promise<string | null> {
  const files = credentialFiles(process.env, options.credentialsFile);
  const { credentials } = await findStoredCredentials(files, registryOf(server));
  if (credentials === null) return null;
  return 'username' in credentials ? credentials.username : '';
}
