/** `inspect` of a container in the shape of the Docker Engine API (ContainerInspect). Pure. */
import type { Container } from './container.ts';
import { statusOf } from './container.ts';
import type { BindMount, ContainerSummary, NetworkMode, PortMapping, TmpfsMount } from './types.ts';

export type NetworkFacts = {
  readonly name: string;
  readonly gateway: string;
  readonly prefixLength: number;
  readonly mac: string;
};

/** Docker's zero of time. */
const never = '0001-01-01T00:00:00Z';

export function inspectContainer(
  container: Container,
  summary: ContainerSummary,
  network: NetworkFacts | null,
): Record<string, unknown> {
  const { row, options, args, files } = container;
  return {
    Id: row.id,
    Created: time(row.created),
    Path: args[0] ?? '',
    Args: args.slice(1),
    State: state(container),
    Image: row.imageId ?? '',
    ResolvConfPath: files.resolv,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: files.log,
    Name: `/${row.name}`,
    RestartCount: 0,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfig(container),
    GraphDriver: { Name: 'overlay2', Data: { UpperDir: files.upper, WorkDir: files.work } },
    Mounts: (options.mounts ?? []).flatMap(mount),
    Config: config(container),
    NetworkSettings: networkSettings(summary, row.networkMode as NetworkMode, network),
  };
}

function state({ row, ending }: Container): Record<string, unknown> {
  const status = statusOf(row);
  return {
    Status: status,
    Running: status === 'running',
    Paused: false,
    Restarting: false,
    OOMKilled: ending?.oom != null,
    Dead: false,
    Pid: status === 'running' ? (row.pid ?? 0) : 0,
    ExitCode: status === 'running' ? 0 : (ending?.exitCode ?? 0),
    Error: ending?.failure ?? '',
    StartedAt: row.startedAt === null ? never : time(row.startedAt),
    FinishedAt: row.finishedAt === null ? never : time(row.finishedAt),
  };
}

function hostConfig({ options, row }: Container): Record<string, unknown> {
  const resources = options.resources ?? {};
  const log = options.log;
  const memory = resources.memory ?? 0;
  return {
    Binds: (options.mounts ?? []).filter((each): each is BindMount => each.type === 'bind').map(bindText),
    Tmpfs: Object.fromEntries(
      (options.mounts ?? []).filter(isTmpfs).map(({ target, options: data }) => [target, data]),
    ),
    LogConfig: {
      Type: 'json-file',
      Config:
        log === undefined
          ? {}
          : { ...(log.maxSize > 0 && { 'max-size': `${log.maxSize}` }), 'max-file': `${log.maxFiles}` },
    },
    NetworkMode: row.networkMode,
    PortBindings: portBindings(options.ports ?? []),
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: row.autoRemove,
    CapAdd: options.capAdd ?? null,
    CapDrop: options.capDrop ?? null,
    Privileged: options.privileged ?? false,
    ReadonlyRootfs: options.readOnly ?? false,
    Init: options.init ?? false,
    Sysctls: options.sysctls ?? {},
    Ulimits: (options.ulimits ?? []).map(({ name, soft, hard }) => ({
      Name: name,
      Soft: Number(soft),
      Hard: Number(hard),
    })),
    Memory: memory,
    MemorySwap: resources.memorySwap ?? memory * 2,
    MemoryReservation: resources.memoryReservation ?? 0,
    NanoCpus: resources.nanoCpus ?? 0,
    CpuShares: resources.cpuShares ?? 0,
    CpusetCpus: resources.cpusetCpus ?? '',
    CpusetMems: resources.cpusetMems ?? '',
    PidsLimit: resources.pidsLimit ?? null,
    BlkioWeight: resources.blkioWeight ?? 0,
    Runtime: 'onggi',
  };
}

function config({ row, options, args }: Container): Record<string, unknown> {
  return {
    Hostname: options.hostname ?? row.id.slice(0, 12),
    Domainname: options.domainname ?? '',
    User: options.user ?? '',
    Tty: options.terminal ?? false,
    OpenStdin: options.stdin ?? false,
    Env: options.env ?? [],
    Cmd: args,
    Entrypoint: options.entrypoint ?? null,
    Image: row.imageReference,
    WorkingDir: options.workingDir ?? '',
    Labels: options.labels ?? {},
    ...(options.stopSignal !== undefined && { StopSignal: options.stopSignal }),
    ...(options.stopTimeout !== undefined && { StopTimeout: options.stopTimeout }),
  };
}

function networkSettings(
  summary: ContainerSummary,
  mode: NetworkMode,
  network: NetworkFacts | null,
): Record<string, unknown> {
  const address = summary.address ?? '';
  const endpoint =
    network === null || summary.address === null
      ? { IPAddress: '', IPPrefixLen: 0, Gateway: '', MacAddress: '' }
      : { IPAddress: address, IPPrefixLen: network.prefixLength, Gateway: network.gateway, MacAddress: network.mac };
  return { ...endpoint, Ports: portBindings(summary.ports), Networks: { [network?.name ?? mode]: endpoint } };
}

function portBindings(ports: readonly PortMapping[]): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { hostIp, hostPort, containerPort, protocol } of ports) {
    const key = `${containerPort}/${protocol}`;
    const list = bindings[key] ?? [];
    bindings[key] = list;
    list.push({ HostIp: hostIp, HostPort: hostPort === 0 ? '' : `${hostPort}` });
  }
  return bindings;
}

function mount(each: BindMount | TmpfsMount): Record<string, unknown>[] {
  if (each.type === 'tmpfs') return [];
  const { source, target, readOnly, propagation } = each;
  return [
    {
      Type: 'bind',
      Source: source,
      Destination: target,
      Mode: readOnly ? 'ro' : '',
      RW: !readOnly,
      Propagation: propagation,
    },
  ];
}

function bindText({ source, target, readOnly }: BindMount): string {
  return readOnly ? `${source}:${target}:ro` : `${source}:${target}`;
}

function isTmpfs(each: BindMount | TmpfsMount): each is TmpfsMount {
  return each.type === 'tmpfs';
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
