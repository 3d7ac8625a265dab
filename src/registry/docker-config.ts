/**
 * Credentials that `docker login`, `podman login` and `onggi login` have written: config.json of the Docker CLI and
 * containers-auth.json(5), which are of one format. Programs that keep them elsewhere ("credsStore", "credHelpers") are
 * named here and asked in credential-helper.ts.
 */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import type { Credentials } from './credentials.ts';

export type FoundCredentials = {
  readonly credentials: Credentials | null;
  /** NAME of the program docker-credential-NAME that keeps those of this registry; null when none is named. */
  readonly helper: string | null;
};

const sizeLimit = 1024 * 1024;

const text = v.optional(v.string(), '');
const entrySchema = v.object({
  auth: text,
  username: text,
  password: text,
  identitytoken: text,
  registrytoken: text,
});
const configSchema = v.object({
  auths: v.optional(v.record(v.string(), entrySchema), {}),
  credHelpers: v.optional(v.record(v.string(), v.string()), {}),
  credsStore: text,
});

/** Where the Docker CLI keeps it: $DOCKER_CONFIG or ~/.docker. */
export function dockerConfigPath(environment: NodeJS.ProcessEnv): string {
  return join(environment['DOCKER_CONFIG'] || join(homedir(), '.docker'), 'config.json');
}

/**
 * What the file says about `registry`; nothing when there is no file.
 * @throws OnggiError `invalid` when it can't be read as such; it never quotes what the file says
 */
export function readDockerConfig(path: string, registry: string, name = ''): FoundCredentials {
  const content = readConfigText(path);
  return content === undefined ? { credentials: null, helper: null } : findCredentials(content, registry, path, name);
}

/** Undefined: there is no such file. @throws OnggiError `invalid`, `denied` */
export function readConfigText(path: string): string | undefined {
  let content: string;
  try {
    if (statSync(path).size > sizeLimit) throw new OnggiError('invalid', `"${path}": over ${sizeLimit} bytes`);
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw fromSystemError(error, `read credentials in "${path}"`);
  }
  return content;
}

/**
 * Pure part of `readDockerConfig`.
 * @param name of the repository: in auth.json of Podman an entry can be for a part of a registry ("quay.io/team")
 */
export function findCredentials(content: string, registry: string, path: string, name = ''): FoundCredentials {
  const { auths, credHelpers, credsStore } = parseConfig(content, path);
  const keys = keysOf(registry);
  const key = [...partsOf(registry, name), ...keys].find((known) => Object.hasOwn(auths, known));
  const other = key ?? Object.keys(auths).find((known) => keys.includes(hostOf(known)));
  const entry = other === undefined ? undefined : auths[other];
  const credentials = entry === undefined ? null : credentialsOf(entry, registry, path);
  const helped = keys.find((known) => Object.hasOwn(credHelpers, known));
  const helper = (helped === undefined ? undefined : credHelpers[helped]) ?? credsStore;
  return { credentials, helper: helper === '' ? null : helper };
}

/** "r/a/b", "r/a": the closest first. */
function partsOf(registry: string, name: string): string[] {
  const parts = name === '' ? [] : name.split('/');
  return parts.map((_, index) => [registry, ...parts.slice(0, parts.length - index)].join('/'));
}

function parseConfig(content: string, path: string): v.InferOutput<typeof configSchema> {
  let document: unknown;
  try {
    document = JSON.parse(content);
  } catch {
    // Without the cause: its message quotes the text.
    throw new OnggiError('invalid', `credentials in "${path}": not JSON`);
  }
  const result = v.safeParse(configSchema, document);
  if (result.success && !Array.isArray(document)) return result.output;
  // Without what valibot says: it quotes the value.
  throw new OnggiError('invalid', `credentials in "${path}": not as "docker login" writes them`);
}

/** Docker Hub's entry has the address of a protocol that is gone. */
export const hubKey = 'https://index.docker.io/v1/';
const hubKeys = [hubKey, 'docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** What an entry of the registry may be called, the one that is written first. */
export function keysOf(registry: string): readonly string[] {
  return registry === 'docker.io' ? hubKeys : [registry];
}

/** Old entries are addresses: "https://host:port/v1/". One with another path is for something else of that host. */
function hostOf(key: string): string {
  return /^(?:https?:\/\/)?([^/]+)(?:\/v[12])?\/?$/.exec(key)?.[1] ?? '';
}

function credentialsOf(entry: v.InferOutput<typeof entrySchema>, registry: string, path: string): Credentials | null {
  if (entry.identitytoken !== '') return { identityToken: entry.identitytoken };
  if (entry.registrytoken !== '') return { registryToken: entry.registrytoken };
  if (entry.auth === '') {
    return entry.username === '' ? null : { username: entry.username, password: entry.password };
  }
  const decoded = Buffer.from(entry.auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon < 1) {
    throw new OnggiError(
      'invalid',
      `credentials in "${path}" for "${registry}": "auth" is not base64 of NAME:PASSWORD`,
    );
  }
  // Docker pads with zero bytes.
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}
