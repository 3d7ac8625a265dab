/** Containers that share namespaces with another one, or know others by name (`--link`): found when it is made, needed when it starts. */
import { OnggiError } from '../../errors.ts';
import { isAlive, type ProcessIdentity } from '../../kernel/process-identity.ts';
import { containerById, findContainer } from '../../store/container-row.ts';
import { addressesOfContainer } from '../../store/network-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { readImageConfig } from '../image/view.ts';
import { readSpec } from '../spec/file.ts';
import { type Linked, linkVariables } from '../spec/link.ts';
import { checkJoining, joinedContainers, joinedOf } from '../spec/namespace.ts';
import type { JoinedContainer } from '../types/namespace.ts';
import type { UserNamespaceMode } from '../types/user-namespace.ts';
import type { ContainerOptions } from '../types.ts';
import { type Container, type ContainerFiles, containerOf, filesOf } from './container.ts';
import { environment, exposedPorts } from './inspect-config.ts';
import { settleContainer } from './reconcile.ts';

/** A name may be given to another container later: what is kept is the ID. @throws OnggiError `not-found`, `invalid` */
export function resolveJoined(store: Store, options: ContainerOptions): ContainerOptions {
  checkJoining(options);
  const { network, ipcMode, pidMode, utsMode, userNamespace, links } = options;
  const byId = <T extends string>(mode: T | undefined): T | JoinedContainer | undefined => {
    const ref = joinedOf(mode);
    return ref === undefined ? mode : `container:${findContainer(store.database, ref).id}`;
  };
  const byUser = (mode: UserNamespaceMode | undefined): UserNamespaceMode | undefined =>
    typeof mode === 'string' ? byId(mode) : mode;
  const modes = {
    network: byId(network),
    ipcMode: byId(ipcMode),
    pidMode: byId(pidMode),
    utsMode: byId(utsMode),
    userNamespace: byUser(userNamespace),
  };
  const given = Object.entries(modes).filter(([, mode]) => mode !== undefined);
  const linked = links?.map((link) => ({ ...link, container: findContainer(store.database, link.container).id }));
  return { ...options, ...Object.fromEntries(given), ...(linked !== undefined && { links: linked }) };
}

export type Joined = {
  /** First processes by ID of container, all of them alive. */
  readonly processes: ReadonlyMap<string, ProcessIdentity>;
  /** Whose files in /etc it shares with the network. */
  readonly files: ContainerFiles | null;
  /** Host name that goes with them. */
  readonly hostname: string | null;
  readonly links: readonly Linked[];
};

export const nothingJoined: Joined = { processes: new Map(), files: null, hostname: null, links: [] };

/** @throws OnggiError `not-found` when one of them was removed, `conflict` when it does not run or does not share */
export async function findJoined(context: Context, container: Container): Promise<Joined> {
  const { options } = container;
  const wanted = joinedContainers(options);
  const { links = [] } = options;
  if (wanted.length === 0 && links.length === 0) return nothingJoined;
  const processes = new Map<string, ProcessIdentity>();
  for (const { kind, container: id } of wanted) {
    const donor = await present(context, id);
    const process = processOf(donor);
    if (process === undefined) throw notRunning(kind, donor);
    if (kind === 'IPC' && !isShared(donor)) {
      throw new OnggiError('conflict', `can't join IPC of container ${donor.row.name}: non-shareable IPC`, {
        hint: 'Make that container with --ipc shareable.',
      });
    }
    processes.set(id, process);
  }
  const network = joinedOf(options.network);
  const place = network === undefined ? undefined : await networkPlace(context, network);
  const hostname = place === undefined ? null : (readSpec(place.config).hostname ?? null);
  return {
    processes,
    files: place?.files ?? null,
    hostname,
    links: await Promise.all(links.map((link) => linkedOf(context, link))),
  };
}

/** Whether all of them have lived until now: then their process IDs meant them while they were joined. */
export function stillThere(processes: readonly ProcessIdentity[]): boolean {
  return processes.every((process) => isAlive(process));
}

async function present(context: Context, id: string): Promise<Container> {
  const row = containerById(context.store.database, id);
  if (row === undefined) throw new OnggiError('not-found', `No such container: ${id}`);
  return containerOf(context.store, await settleContainer(context, row));
}

function processOf({ row }: Container): ProcessIdentity | undefined {
  const { state, pid, pidStartTime } = row;
  return state !== 'running' || pid === null || pidStartTime === null ? undefined : { pid, startTime: pidStartTime };
}

function notRunning(kind: string, { row }: Container): OnggiError {
  const what =
    kind === 'network' ? 'cannot join network of a non running container' : `can't join ${kind} of container`;
  return new OnggiError('conflict', `${what}: ${row.name} is not running`, {
    hint: `Start it with "onggi start ${row.name}".`,
  });
}

function isShared({ options: { ipcMode } }: Container): boolean {
  return ipcMode === 'shareable' || joinedOf(ipcMode) !== undefined;
}

/**
 * The files of the container that has the network for its own; none where it is gone, and others that joined it keep the
 * network alive. `config` tells the host name.
 */
async function networkPlace(
  context: Context,
  id: string,
): Promise<{ readonly files: ContainerFiles | null; readonly config: string }> {
  const { options } = await present(context, id);
  const further = joinedOf(options.network);
  const files = filesOf(context.store, id);
  if (further === undefined) return { files, config: files.config };
  const gone = containerById(context.store.database, further) === undefined;
  return gone ? { files: null, config: files.config } : await networkPlace(context, further);
}

async function linkedOf(
  context: Context,
  { container: id, alias }: { container: string; alias: string },
): Promise<Linked> {
  const linked = await present(context, id);
  const { row, options } = linked;
  const [lease] = addressesOfContainer(context.store.database, id);
  if (processOf(linked) === undefined || lease === undefined) {
    throw new OnggiError('conflict', `Cannot link to a non running container: /${row.name} AS ${alias}`);
  }
  const image = row.imageId === null ? null : readImageConfig(context.store, row.imageId).value.process;
  const ports = [
    ...exposedPorts(options, image),
    ...(options.ports ?? []).map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  ];
  const env = environment(options.env ?? [], image?.env ?? []);
  return { id, name: row.name, alias, address: lease.address, ports: [...new Set(ports)], env };
}

/** The options with what follows from whom it joins and knows. */
export function withJoined(name: string, options: ContainerOptions, { links, hostname }: Joined): ContainerOptions {
  if (links.length === 0 && hostname === null) return options;
  const variables = links.flatMap((link) => linkVariables(name, link));
  return {
    ...options,
    ...(hostname !== null && { hostname }),
    ...(variables.length > 0 && { env: [...variables, ...(options.env ?? [])] }),
  };
}
