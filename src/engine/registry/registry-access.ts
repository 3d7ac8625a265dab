/** Repositories for the operations that name one: as the machine's configuration says, with who we are there. */
import type { Reference } from '../../oci/reference.ts';
import type { Credentials } from '../../registry/credentials.ts';
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
};

/** @throws what `openMachineRepository` throws */
export async function repositoryOf(
  { registry, repository }: Pick<Reference, 'registry' | 'repository'>,
  access: Access,
  options: RegistryOptions,
): Promise<Repository> {
  const machine = await readMachine(process.env);
  const routes = options.insecure === true ? trusting(machine.routes) : machine.routes;
  const { credentials, credentialsFile } = options;
  return await openMachineRepository({ ...machine, routes }, registry, repository, {
    access,
    credentials,
    credentialsFile,
  });
}

/** Whoever answers is believed, by TLS or without. The same host gets the same record, as connections are shared by it. */
function trusting(routes: Routes): Routes {
  const known = new Map<string, Route>();
  return (url) => {
    const route = routes(url);
    const made = known.get(url.host) ?? { ...route, insecure: true, tls: { ...route.tls, verify: false } };
    known.set(url.host, made);
    return made;
  };
}
