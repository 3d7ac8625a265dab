/** Repositories for the operations that name one: as the machine's configuration says, with who we are there. */
import type { Reference } from '../../oci/reference.ts';
import { builtInAuthorities, type HostCertificates, readCertificates } from '../../registry/certificate-directory.ts';
import type { Credentials } from '../../registry/credentials.ts';
import { hostOfRegistry } from '../../registry/host.ts';
import { openMachineRepository, readMachine } from '../../registry/open.ts';
import type { Access, Repository } from '../../registry/repository.ts';
import type { Route, Routes } from '../../registry/route.ts';

export type RegistryOptions = {
  /** Absent: those that `login` has written; null: none, ask without. */
  readonly credentials?: Credentials | null;
  /** Where `login` writes them. */
  readonly credentialsFile?: string;
  /** Also plain http, and TLS with any certificate. */
  readonly insecure?: boolean;
  /** Directory with authorities (*.crt) and what the registry is shown (*.cert, *.key), in place of the machine's. */
  readonly certificates?: string;
  /** Directory of the blobs of an `oci:` layout that shares them with others, in place of its own. */
  readonly sharedBlobs?: string;
};

/** @throws what `openMachineRepository` throws */
export async function repositoryOf(
  { registry, repository }: Pick<Reference, 'registry' | 'repository'>,
  access: Access,
  options: RegistryOptions,
): Promise<Repository> {
  const machine = await readMachine(process.env);
  const routes = routesOf(machine.routes, registry, options);
  const { credentials, credentialsFile } = options;
  return await openMachineRepository({ ...machine, routes }, registry, repository, {
    access,
    credentials,
    credentialsFile,
  });
}

/**
 * Whoever answers is believed where that is asked for; certificates are shown to the registry's own host alone. The same
 * host gets the same record, as connections are shared by it.
 * @throws OnggiError `not-found`, `invalid`: the directory of certificates
 */
export function routesOf(
  routes: Routes,
  registry: string,
  { insecure = false, certificates }: RegistryOptions,
): Routes {
  if (!insecure && certificates === undefined) return routes;
  const shown = certificates === undefined ? undefined : readCertificates(certificates);
  const host = hostOfRegistry(registry);
  const known = new Map<string, Route>();
  const make = (url: URL): Route => {
    const route = routes(url);
    const own = shown !== undefined && url.host === new URL(`${url.protocol}//${host}`).host;
    const tls = own ? { ...route.tls, ...shownTls(route, shown) } : route.tls;
    return insecure ? { ...route, insecure, tls: { ...tls, verify: false } } : { ...route, tls };
  };
  return (url) => {
    const key = `${url.protocol}//${url.host}`;
    const made = known.get(key) ?? make(url);
    known.set(key, made);
    return made;
  };
}

function shownTls(
  { tls }: Route,
  { authorities, client }: HostCertificates,
): Pick<Route['tls'], 'authorities' | 'client'> {
  const more = authorities.length > 0 ? [tls.authorities ?? builtInAuthorities(), ...authorities].join('\n') : null;
  return { authorities: more ?? tls.authorities, client: client ?? tls.client };
}
