/** A repository as this machine's configuration and its user's credentials say. */
import { OnggiError } from '../errors.ts';
import { credentialFiles, findStoredCredentials } from './credential-store.ts';
import type { Credentials } from './credentials.ts';
import { type Endpoint, endpointsOf } from './endpoint.ts';
import { isLoopback, urlOfHost } from './host.ts';
import { machineRoutes, readMachineConfig } from './machine-config.ts';
import { placesDirectory } from './machine-places.ts';
import type { Environment } from './proxy.ts';
import type { RegistryConfig } from './registry-config.ts';
import { openRepository, type Repository, type RepositoryOptions } from './repository.ts';
import type { Routes } from './route.ts';

/** What is known of registries before one is named; read once for an operation. */
export type Machine = {
  readonly environment: Environment;
  readonly config: RegistryConfig;
  readonly routes: Routes;
};

/** @throws OnggiError `invalid`, `unsupported`, `denied`: the machine's configuration of registries */
export async function readMachine(environment: Environment): Promise<Machine> {
  const config = await readMachineConfig(environment);
  return { environment, config, routes: machineRoutes(config, environment) };
}

export type OpenOptions = Pick<RepositoryOptions, 'access' | 'mountFrom' | 'limits' | 'retry'> & {
  /** For the registry, not for its mirrors; absent: those that are kept on this machine, if any. */
  readonly credentials?: Credentials | null | undefined;
  /** The one file with credentials that is read; absent: where Docker and Podman keep them. */
  readonly credentialsFile?: string | undefined;
};

/** Requests for one large blob at the same time: a single connection seldom fills a long line. This machine needs one. */
const segmentsOfRemote = 3;

/**
 * The repository itself, or what the configuration puts in its place; its mirrors are not asked.
 * @param name empty for the registry as a whole (its list of repositories)
 * @throws OnggiError `denied` (blocked), `invalid` (a file with credentials), `not-found`, `unavailable` (a helper)
 */
export async function openMachineRepository(
  machine: Machine,
  registry: string,
  name: string,
  options: OpenOptions = {},
): Promise<Repository> {
  const [endpoint] = endpointsOf(machine.config, { registry, name, by: null });
  if (endpoint === undefined) throw new OnggiError('internal', `registry "${registry}" has no endpoint`);
  return await openEndpoint(machine, endpoint, options);
}

/**
 * All that may serve an image, in order: mirrors, then the registry itself.
 * @throws as `openMachineRepository`
 */
export async function openSources(
  machine: Machine,
  {
    registry,
    repository,
    digest,
  }: { readonly registry: string; readonly repository: string; readonly digest: string | null },
  options: OpenOptions = {},
): Promise<Repository[]> {
  const by = digest === null ? 'tag' : 'digest';
  const endpoints = endpointsOf(machine.config, { registry, name: repository, by });
  const sources: Repository[] = [];
  for (const endpoint of endpoints) sources.push(await openEndpoint(machine, endpoint, options));
  return sources;
}

async function openEndpoint(machine: Machine, endpoint: Endpoint, options: OpenOptions): Promise<Repository> {
  const { registry, host, name, mirror } = endpoint;
  const { credentials: given, credentialsFile, ...rest } = options;
  const segments = isLoopback(urlOfHost(host)) ? 1 : segmentsOfRemote;
  const places = placesDirectory(machine.environment);
  const common = { ...rest, host, routes: machine.routes, segments, places };
  if (given !== undefined && !mirror) {
    const advice = `The credentials for "${registry}" were not accepted.`;
    return openRepository(registry, name, { ...common, credentials: given, advice });
  }
  const files = credentialFiles(machine.environment, credentialsFile);
  const { credentials, place } = await findStoredCredentials(files, registry, name);
  const missing = `If it is private, run "onggi login ${registry}" (credentials are kept in "${place}").`;
  const refused = `The credentials for "${registry}" in "${place}" were not accepted.`;
  const advice = credentials === null ? missing : refused;
  return openRepository(registry, name, { ...common, credentials, advice });
}
