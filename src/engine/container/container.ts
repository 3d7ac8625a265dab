/** A container as the engine sees it: the stored row, parsed. The live process is the shim's business (STYLE B3). */
import { OnggiError } from '../../errors.ts';
import type { HealthConfig } from '../../oci/health.ts';
import {
  type ContainerRow,
  hasProcess,
  isInitialized,
  type ListedContainer,
  listAllContainers,
} from '../../store/container-row.ts';
import { containerPath } from '../../store/layout.ts';
import {
  type AddressLease,
  addressesOfContainer,
  listAddressLeases,
  listPortLeases,
  type PortLease,
  portsOfContainer,
} from '../../store/network-row.ts';
import type { Store } from '../../store/store.ts';
import { readHealthStatus } from '../health/state.ts';
import type { HealthStatus } from '../types/health.ts';
import type {
  ContainerId,
  ContainerOptions,
  ContainerStatus,
  ContainerSummary,
  Ending,
  NetworkMode,
  PortMapping,
} from '../types.ts';

export type Container = {
  readonly id: ContainerId;
  readonly row: ContainerRow;
  readonly options: ContainerOptions;
  /** Command line that the options and the image give together. */
  readonly args: readonly string[];
  /** The image's; shown beside the user's, and never a setting. */
  readonly imageLabels: Readonly<Record<string, string>>;
  /** "80/tcp", of the image. */
  readonly imageExposed: readonly string[];
  /** The user's and the image's together; absent: no check. */
  readonly health: HealthConfig | undefined;
  readonly ending: Ending | null;
  /** What the present or last start made outside the container's namespaces. */
  readonly start: StartRecord | null;
  readonly files: ContainerFiles;
};

/** Written before a start makes anything, so that any later command can take it away. */
export type StartRecord = {
  /** 20 hexadecimal digits, new for each start. */
  readonly nonce: string;
  readonly socket: string;
  /** Below each cgroup hierarchy, e.g. "/onggi/<id>". */
  readonly cgroupsPath: string;
  /** How many directories above it this start makes, for its end to remove; absent: the engine's own one. */
  readonly madeAbove?: number;
  /** Made by `init`, in all; its shim waits, however long, for the word to start. */
  readonly held?: boolean;
};

/** How many of the cgroups above its own go at its end, where nobody else is in them. */
export function cgroupsAbove({ madeAbove = 1 }: Pick<StartRecord, 'madeAbove'>): number {
  return madeAbove;
}

export type ContainerFiles = {
  readonly directory: string;
  /** OCI config.json of the last start. */
  readonly config: string;
  /** Its own copy of our init, if it has one (init-copy.ts). */
  readonly initCopy: string;
  /** What further execs need of it (exec-record.ts). */
  readonly exec: string;
  readonly log: string;
  /** Written by the shim; renamed to `recorded` once its content is in the database. */
  readonly exit: string;
  readonly recorded: string;
  /** Where the shim writes the record before it renames it (native/shim/ending.c); blanks keep room for it. */
  readonly exitRoom: string;
  /** flock'ed by the shim for as long as it lives. */
  readonly shimLock: string;
  readonly upper: string;
  readonly work: string;
  /** The whole file system, where the storage driver makes no overlay; `whole` says that it is one. */
  readonly tree: string;
  readonly whole: string;
  /** Where it is mounted for somebody to look into it. */
  readonly merged: string;
  /** What images at paths of it have to themselves. */
  readonly images: string;
  /** Of the process that connects an ordinary user's container to the network. */
  readonly pasta: { readonly pid: string; readonly log: string };
  /** How the shim ends what it tells, once the container has got another name (native/shim/event.h). */
  readonly event: string;
  /** Of the health checks (native/shim/health-file.c). */
  readonly health: string;
  /** Where the init mounts the root, inside its own mount namespace only. */
  readonly rootfs: string;
  /** Writable layers of the machine's other disks, for the image `host`. */
  readonly disks: string;
  readonly hostname: string;
  readonly hosts: string;
  readonly resolv: string;
  /** Copies of the secrets that it has. */
  readonly secrets: string;
  /** Its notify.sock takes what the container tells the service manager. */
  readonly notify: string;
};

/** Whether its root file system is the machine's own (the image `host`). */
export function isHost({ row, options }: Pick<Container, 'row' | 'options'>): boolean {
  return row.imageId === null && options.rootfs === undefined;
}

export function filesOf(store: Store, id: string): ContainerFiles {
  const directory = containerPath(store.layout, id);
  return {
    directory,
    config: `${directory}/config.json`,
    initCopy: `${directory}/init`,
    exec: `${directory}/exec.json`,
    log: `${directory}/log`,
    exit: `${directory}/exit.json`,
    recorded: `${directory}/exit-recorded.json`,
    exitRoom: `${directory}/.exit.json.new`,
    shimLock: `${directory}/shim.lock`,
    upper: `${directory}/upper`,
    work: `${directory}/work`,
    tree: `${directory}/tree`,
    merged: `${directory}/merged`,
    images: `${directory}/images`,
    whole: `${directory}/tree-is-whole`,
    pasta: { pid: `${directory}/pasta.pid`, log: `${directory}/pasta.log` },
    event: `${directory}/event`,
    health: `${directory}/health`,
    rootfs: `${directory}/rootfs`,
    disks: `${directory}/disks`,
    hostname: `${directory}/hostname`,
    hosts: `${directory}/hosts`,
    resolv: `${directory}/resolv.conf`,
    secrets: `${directory}/secrets`,
    notify: `${directory}/notify`,
  };
}

/** @throws OnggiError `corrupt` */
export function containerOf(store: Store, row: ContainerRow): Container {
  const asked = decodeAsked(row);
  let files: ContainerFiles | undefined;
  return {
    id: row.id as ContainerId,
    row,
    options: asked.options,
    args: asked.args,
    imageLabels: asked.imageLabels ?? {},
    imageExposed: asked.imageExposed ?? [],
    health: asked.health,
    ending: row.ending === null ? null : (parse(row, row.ending) as Ending),
    start: row.cgroup === null ? null : (parse(row, row.cgroup) as StartRecord),
    // Of a thousand that are listed few are asked for theirs.
    get files() {
      files ??= filesOf(store, row.id);
      return files;
    },
  };
}

/** What is kept of the request. */
export type Asked = {
  readonly options: ContainerOptions;
  readonly args: readonly string[];
  readonly imageLabels?: Readonly<Record<string, string>>;
  readonly imageExposed?: readonly string[];
  readonly health?: HealthConfig | undefined;
};

/** JSON has no bigint: the limits of ulimits are kept as decimal text. `decodeAsked` is the inverse. */
export function encodeAsked(asked: Asked): string {
  return JSON.stringify(asked, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

/** The record of a container with other options, and all else as it was asked for. */
export function encodeChanged({ row }: Container, options: ContainerOptions): string {
  return encodeAsked({ ...decodeAsked(row), options });
}

function decodeAsked(row: Pick<ContainerRow, 'name' | 'options'>): Asked {
  const asked = parse(row, row.options) as Asked;
  const { options } = asked;
  if (options.ulimits === undefined) return asked;
  const ulimits = options.ulimits.map(({ name, soft, hard }) => ({ name, soft: BigInt(soft), hard: BigInt(hard) }));
  return { ...asked, options: { ...options, ulimits } };
}

function parse(row: Pick<ContainerRow, 'name'>, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OnggiError('corrupt', `container "${row.name}": its record in the database is not JSON`, {
      cause: error,
      hint: `Remove it with "onggi rm -f ${row.name}".`,
    });
  }
}

/** "80/tcp": what it listens on, as its options and its image say, published or not. */
export function exposedOf({ imageExposed = [], options }: Pick<Asked, 'imageExposed' | 'options'>): string[] {
  const published = (options.ports ?? []).map(({ containerPort, protocol }) => `${containerPort}/${protocol}`);
  return [...new Set([...imageExposed, ...(options.exposed ?? []), ...published])];
}

export function statusOf(row: ListedContainer): ContainerStatus {
  switch (row.state) {
    case 'creating':
    case 'created':
      return 'created';
    case 'starting':
      if (isInitialized(row)) return 'initialized';
      return row.restartAt === null ? 'created' : 'restarting';
    case 'running':
      return row.paused ? 'paused' : 'running';
    case 'exited':
      return row.restartAt === null ? 'exited' : 'restarting';
    case 'removing':
      return 'exited';
  }
}

export function summaryOf(store: Store, row: ContainerRow): ContainerSummary {
  const [address] = addressesOfContainer(store.database, row.id);
  return summary(store, row, address, portsOfContainer(store.database, row.id));
}

export function allSummaries(store: Store): ContainerSummary[] {
  return summariesOf(store, listAllContainers(store.database));
}

/** Of all these, with two look-ups for their leases, however many there are. */
export function summariesOf(store: Store, rows: readonly ListedContainer[]): ContainerSummary[] {
  const addresses = Map.groupBy(listAddressLeases(store.database), (lease) => lease.containerId);
  const ports = Map.groupBy(listPortLeases(store.database), (lease) => lease.containerId);
  return rows.map((row) => summary(store, row, addresses.get(row.id)?.[0], ports.get(row.id)));
}

/** Of one that does not run any more it is as Docker has it: unhealthy. */
function healthStatus(store: Store, row: ListedContainer, health: HealthConfig | undefined): HealthStatus | null {
  if (health?.test === undefined || health.test === null || row.startedAt === null) return null;
  if (row.state !== 'running') return 'unhealthy';
  return readHealthStatus(filesOf(store, row.id).health)?.status ?? 'starting';
}

const noPorts: readonly PortMapping[] = [];

/** `ps` shows little of many: the JSON of its record is read when something of it is asked for. */
function summary(
  store: Store,
  row: ListedContainer,
  address: AddressLease | undefined,
  ports: readonly PortLease[] | undefined,
): ContainerSummary {
  let known: Asked | undefined;
  const asked = (): Asked => {
    known ??= decodeAsked(row);
    return known;
  };
  return {
    id: row.id as ContainerId,
    name: row.name,
    image: row.imageReference,
    imageId: row.imageId,
    get command() {
      return asked().args;
    },
    created: row.created,
    status: statusOf(row),
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    // Few have checks, and to look for the word takes less than to read the record.
    health: row.options.includes('"health"') ? healthStatus(store, row, asked().health) : null,
    exitCode: row.ending === null ? null : (parse(row, row.ending) as Ending).exitCode,
    ports:
      ports?.map(({ hostIp, hostPort, containerPort, protocol }) => ({
        hostIp,
        hostPort,
        containerPort,
        protocol,
      })) ?? noPorts,
    get labels() {
      const { imageLabels, options } = asked();
      return { ...imageLabels, ...options.labels };
    },
    get terminal() {
      return asked().options.terminal ?? false;
    },
    get stdin() {
      return asked().options.stdin ?? false;
    },
    networkMode: row.networkMode as NetworkMode,
    address: address?.address ?? null,
    pid: hasProcess(row) ? row.pid : null,
    get mounts() {
      return (asked().options.mounts ?? []).flatMap((mount) => {
        if (mount.type === 'tmpfs') return [];
        if (mount.type === 'image') return [mount.source];
        return mount.type === 'bind' ? [mount.source] : [mount.name ?? ''];
      });
    },
    get destinations() {
      return (asked().options.mounts ?? []).flatMap(({ type, target }) => (type === 'tmpfs' ? [] : [target]));
    },
    get exposed() {
      return exposedOf(asked());
    },
  };
}

/** @throws OnggiError `conflict` */
export function checkNotPaused({ row }: Container, verb: string): void {
  if (!row.paused) return;
  throw new OnggiError('conflict', `cannot ${verb} container "${row.name}": it is paused`, {
    hint: `Unpause it with "onggi unpause ${row.name}".`,
  });
}
