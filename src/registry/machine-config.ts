/**
 * The configuration of registries that lies on this machine, and the routes that follow from it.
 *
 *   1. $ONGGI_REGISTRIES_CONF or $CONTAINERS_REGISTRIES_CONF: this file alone
 *   2. /etc/onggi/registries.conf: this file alone
 *   3. else /etc/docker/daemon.json, then /etc/containers/registries.conf with registries.conf.d/*.conf, or in their
 *      place ~/.config/containers/registries.conf with registries.conf.d/*.conf of a user who is not root
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import {
  builtInAuthorities,
  certificateDirectories,
  machineAuthorities,
  readHostCertificates,
} from './certificate-directory.ts';
import { isInsecure } from './endpoint.ts';
import { type Environment, proxyFor } from './proxy.ts';
import {
  emptyConfig,
  mergeConfigs,
  type RegistryConfig,
  readDaemonJson,
  readRegistriesConf,
} from './registry-config.ts';
import type { Route, Routes } from './route.ts';

const fileLimit = 1024 * 1024;

/** @throws OnggiError `invalid`, `unsupported`, `denied`: which file, which field */
export async function readMachineConfig(environment: Environment): Promise<RegistryConfig> {
  const chosen = environment['ONGGI_REGISTRIES_CONF'] || environment['CONTAINERS_REGISTRIES_CONF'];
  if (chosen !== undefined) return mergeConfigs([await readConf(chosen, true)]);
  const own = '/etc/onggi/registries.conf';
  if (existsSync(own)) return mergeConfigs([await readConf(own, true)]);
  const daemon = readText('/etc/docker/daemon.json');
  const configs =
    daemon === undefined
      ? []
      : [readDaemonJson(parseJson(daemon, '/etc/docker/daemon.json'), '/etc/docker/daemon.json')];
  const directory = confDirectory(environment);
  const files = [join(directory, 'registries.conf'), ...dropIns(join(directory, 'registries.conf.d'))];
  const conf = [];
  for (const path of files) conf.push(await readConf(path, false));
  // The search list of Podman is not that of Docker's users: a short name means Docker Hub unless onggi's own file says.
  return { ...mergeConfigs([...configs, ...conf]), search: [], aliases: {} };
}

function confDirectory(environment: Environment): string {
  const home = environment['HOME'];
  const own = join(environment['XDG_CONFIG_HOME'] || join(home ?? '/', '.config'), 'containers');
  return process.getuid?.() !== 0 && existsSync(join(own, 'registries.conf')) ? own : '/etc/containers';
}

function dropIns(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.conf'))
      .sort()
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

async function readConf(path: string, must: boolean): Promise<ReturnType<typeof readRegistriesConf>> {
  const content = readText(path);
  if (content === undefined) {
    if (must) throw new OnggiError('not-found', `registries in "${path}": no such file`);
    return { ...emptyConfig, search: null };
  }
  const { parse } = await import('smol-toml');
  let document: unknown;
  try {
    document = parse(content);
  } catch (error) {
    const where = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    throw new OnggiError('invalid', `registries in "${path}": not TOML: ${where}`, { cause: error });
  }
  return readRegistriesConf(document, path);
}

function parseJson(content: string, path: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new OnggiError('invalid', `registries in "${path}": not JSON`, { cause });
  }
}

function readText(path: string): string | undefined {
  try {
    if (statSync(path).size > fileLimit)
      throw new OnggiError('invalid', `registries in "${path}": over ${fileLimit} bytes`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw fromSystemError(error, `read registries in "${path}"`);
  }
}

/** What the environment and the machine's files say about the way to each host; files are read when they are needed. */
export function machineRoutes(config: RegistryConfig, environment: Environment): Routes {
  const known = new Map<string, Route>();
  let authorities: string | null | undefined;
  const makeRoute = (url: URL): Route => {
    const insecure = isInsecure(config, url.host);
    const proxy = proxyFor(url, environment);
    if (url.protocol !== 'https:')
      return { proxy, insecure, tls: { authorities: null, client: null, verify: !insecure } };
    authorities ??= machineAuthorities(environment);
    const found = readHostCertificates(certificateDirectories(environment), namesOf(url));
    const more = found?.authorities ?? [];
    const all = more.length === 0 ? authorities : [authorities ?? builtInAuthorities(), ...more].join('\n');
    return { proxy, insecure, tls: { authorities: all, client: found?.client ?? null, verify: !insecure } };
  };
  return (url) => {
    const key = `${url.protocol}//${url.host}`;
    const route = known.get(key) ?? makeRoute(url);
    known.set(key, route);
    return route;
  };
}

/** Directories are named as people write the host: with the port of https or without it. */
function namesOf({ host, port }: URL): string[] {
  const names = port === '' ? [host, `${host}:443`] : [host];
  return host === 'registry-1.docker.io' ? [...names, 'docker.io'] : names;
}
