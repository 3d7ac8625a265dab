/**
 * Where credentials of registries are kept on this machine, and by whom: read for every request, written by login.
 *
 *   $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json or ~/.docker/config.json, $XDG_RUNTIME_DIR/containers/auth.json,
 *   ~/.config/containers/auth.json: the first that knows the registry
 *
 * In each a helper for this registry ("credHelpers", "credsStore") is asked before what stands in the file.
 */

import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fromSystemError, OnggiError } from '../errors.ts';
import { lock } from '../kernel/lock.ts';
import { randomHex } from '../random.ts';
import { askHelper, eraseByHelper, storeByHelper } from './credential-helper.ts';
import type { Credentials } from './credentials.ts';
import { dockerConfigPath, keysOf, readConfigText, readDockerConfig } from './docker-config.ts';
import type { Environment } from './proxy.ts';

export type KnownCredentials = {
  readonly credentials: Credentials | null;
  /** For messages: the file, or the program named in it. Where to put them when there are none. */
  readonly place: string;
};

/** Files that are read, the most special first. @param chosen the caller's file, which is the only one then */
export function credentialFiles(environment: Environment, chosen?: string): string[] {
  if (chosen !== undefined) return [chosen];
  const runtime = environment['XDG_RUNTIME_DIR'];
  const home = environment['HOME'];
  const config =
    environment['XDG_CONFIG_HOME'] || (home === undefined || home === '' ? undefined : join(home, '.config'));
  const running = runtime ? join(runtime, 'containers') : `/run/containers/${process.getuid?.() ?? 0}`;
  const explicit = environment['REGISTRY_AUTH_FILE'];
  return [
    ...(explicit === undefined || explicit === '' ? [] : [explicit]),
    dockerConfigPath(environment),
    join(running, 'auth.json'),
    ...(config === undefined ? [] : [join(config, 'containers/auth.json')]),
  ];
}

/**
 * @param files of `credentialFiles`
 * @param name of the repository: an entry can be for a part of a registry
 * @throws OnggiError `invalid` (a file), `not-found`, `unavailable` (a helper)
 */
export async function findStoredCredentials(
  files: readonly string[],
  registry: string,
  name = '',
): Promise<KnownCredentials> {
  for (const path of files) {
    const { credentials, helper } = readDockerConfig(path, registry, name);
    const kept = helper === null ? null : await askHelper(helper, keysOf(registry)[0] ?? registry);
    if (kept !== null) return { credentials: kept, place: `docker-credential-${helper}` };
    if (credentials !== null) return { credentials, place: path };
  }
  return { credentials: null, place: files[0] ?? '' };
}

type Document = Record<string, unknown>;

/**
 * Writes what `login` has found to be right: to the helper that the file names for the registry, or into the file
 * itself (0600), keeping all that it says otherwise. Idempotent.
 * @returns where it is now, and whether anybody who reads that file can read the secret
 * @throws OnggiError `invalid` (the file), `denied`, `exhausted`, `not-found` and `unavailable` (the helper)
 */
export async function storeCredentials(
  path: string,
  registry: string,
  credentials: Credentials,
): Promise<{ readonly place: string; readonly encrypted: boolean }> {
  const { helper } = readDockerConfig(path, registry);
  const key = keysOf(registry)[0] ?? registry;
  if (helper !== null) {
    await storeByHelper(helper, key, credentials);
    // Docker leaves a mark of the registry, too: `docker logout` lists by it.
    await change(path, (auths) => ({ ...auths, [key]: {} }));
    return { place: `docker-credential-${helper}`, encrypted: true };
  }
  await change(path, (auths) => ({ ...auths, [key]: entryOf(credentials) }));
  return { place: path, encrypted: false };
}

/** @returns whether there was anything. @throws as `storeCredentials` */
export async function eraseCredentials(path: string, registry: string): Promise<boolean> {
  const { credentials, helper } = readDockerConfig(path, registry);
  const keys = keysOf(registry);
  const kept = helper === null ? null : await askHelper(helper, keys[0] ?? registry);
  if (helper !== null && kept !== null) await eraseByHelper(helper, keys[0] ?? registry);
  const known = (key: string): boolean => keys.includes(key) || keys.some((each) => hostOf(key) === each);
  let marked = false;
  await change(path, (auths) => {
    const rest = Object.entries(auths).filter(([key]) => !known(key));
    marked = rest.length < Object.keys(auths).length;
    return marked ? Object.fromEntries(rest) : undefined;
  });
  return credentials !== null || kept !== null || marked;
}

/**
 * Takes away all that the file keeps, and what the helper keeps that it names for all registries.
 * @throws as `storeCredentials`
 */
export async function eraseAllCredentials(path: string): Promise<void> {
  for (const registry of registriesIn(path)) await eraseCredentials(path, registry);
}

function registriesIn(path: string): string[] {
  const content = readConfigText(path);
  const auths = content === undefined ? undefined : documentOf(content, path)['auths'];
  const hosts = isDocument(auths) ? Object.keys(auths).map((key) => hostOf(key) || key) : [];
  return [...new Set(hosts.map((host) => (host === 'index.docker.io' ? 'docker.io' : host)))];
}

/** "https://host:port/v1/" -> "host:port" */
function hostOf(key: string): string {
  return /^(?:https?:\/\/)?([^/]+)(?:\/v[12])?\/?$/.exec(key)?.[1] ?? '';
}

function entryOf(credentials: Credentials): object {
  if ('registryToken' in credentials) return { registrytoken: credentials.registryToken };
  if ('identityToken' in credentials) return { identitytoken: credentials.identityToken };
  return { auth: Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64') };
}

/**
 * One process after the other, for each writes what it has read; the lock's file goes with its last holder.
 * @param changed gets "auths" and gives the new one; undefined: nothing to write
 */
async function change(path: string, changed: (auths: Document) => Document | undefined): Promise<void> {
  const target = realPath(path);
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fromSystemError(error, `write credentials to "${path}"`);
  }
  using guard = await lock(`${target}.lock`, 'exclusive');
  try {
    changeLocked(path, changed);
  } finally {
    // Whoever waits sees that it is gone and makes another one.
    rmSync(guard.path, { force: true });
  }
}

function changeLocked(path: string, changed: (auths: Document) => Document | undefined): void {
  const content = readConfigText(path);
  const document = content === undefined ? {} : documentOf(content, path);
  const auths = document['auths'];
  const next = changed(isDocument(auths) ? auths : {});
  if (next === undefined) return;
  // As the Docker CLI writes it: tabs.
  write(path, `${JSON.stringify({ ...document, auths: next }, null, '\t')}\n`);
}

function documentOf(content: string, path: string): Document {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    parsed = undefined;
  }
  if (isDocument(parsed)) return parsed;
  throw new OnggiError('invalid', `credentials in "${path}": not JSON`, { hint: 'Repair or remove the file.' });
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whole or not at all, readable by its owner alone from its first byte on; a link is kept, what it leads to replaced. */
function write(path: string, content: string): void {
  let temporary: string | undefined;
  try {
    const target = realPath(path);
    temporary = `${target}.${randomHex(6)}`;
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    chmodSync(temporary, 0o600);
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw fromSystemError(error, `write credentials to "${path}"`);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
