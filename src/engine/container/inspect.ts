/** `inspect` of a container in the shape of the Docker Engine API (ContainerInspect). Pure. */

import type { ImageProcess } from '../../oci/image-spec.ts';
import { hasProcess } from '../../store/container-row.ts';
import type { Health } from '../types/health.ts';
import type { ContainerSummary, NetworkMode } from '../types.ts';
import type { Container } from './container.ts';
import { statusOf } from './container.ts';
import { type GraphDriver, graphDriver } from './graph-driver.ts';
import { config, exposedPorts, hostConfig } from './inspect-config.ts';
import { mountPoint } from './inspect-mounts.ts';
import { type NetworkFacts, networkSettings } from './inspect-network.ts';

export type { NetworkFacts } from './inspect-network.ts';

/** What only a look at files and other rows tells. */
export type InspectFacts = {
  /** Null where it has no address of a network. */
  readonly network: NetworkFacts | null;
  /** What the image says of its process; null for the image `host`. */
  readonly image: ImageProcess | null;
  /** Where a volume lies on the host. */
  readonly volumePath: (name: string) => string;
  /** What a linked container is called now; undefined when it is gone. */
  readonly containerName?: (id: string) => string | undefined;
  /** The kernel has killed a process of it, which goes on, for want of memory. */
  readonly oomKilled?: boolean;
  /** Null for a container without a health check, or that never ran. */
  readonly health?: Health | null;
  /** Directories of the image's layers, topmost first. */
  readonly lower?: readonly string[];
  /** Bytes of its writable layer, and with the image; absent when nobody asks. */
  readonly size?: ContainerSummary['size'] | undefined;
};

/** Docker's zero of time. */
const never = '0001-01-01T00:00:00Z';

export function inspectContainer(
  container: Container,
  summary: ContainerSummary,
  {
    network,
    image,
    volumePath,
    containerName = () => undefined,
    health = null,
    lower = [],
    size,
    oomKilled,
  }: InspectFacts,
): Record<string, unknown> {
  const { row, options, args, files } = container;
  const graph = graphDriver(files);
  return {
    Id: row.id,
    Created: time(row.created),
    Path: args[0] ?? '',
    Args: args.slice(1),
    State: { ...state(container, oomKilled === true), ...(health !== null && { Health: healthState(health) }) },
    Image: row.imageId ?? '',
    ResolvConfPath: files.resolv,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: files.log,
    Name: `/${row.name}`,
    RestartCount: row.restartCount,
    Driver: graph.Name,
    Platform: 'linux',
    MountLabel: options.selinux?.mount ?? '',
    ProcessLabel: options.selinux?.process ?? '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfig(container, containerName),
    GraphDriver: withLower(graph, lower),
    ...(size !== undefined && { SizeRw: size.writable, SizeRootFs: size.virtual }),
    Mounts: (options.mounts ?? []).flatMap((mount) => mountPoint(mount, volumePath)),
    Config: config(container, summary, image),
    NetworkSettings: networkSettings(summary, row.networkMode as NetworkMode, network, exposedPorts(options, image)),
  };
}

function state({ row, ending }: Container, oomKilled: boolean): Record<string, unknown> {
  const status = statusOf(row);
  return {
    Status: status,
    Running: status === 'running' || status === 'paused' || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: oomKilled || ending?.oom != null,
    Dead: false,
    Pid: hasProcess(row) ? (row.pid ?? 0) : 0,
    ExitCode: row.state === 'running' ? 0 : (ending?.exitCode ?? 0),
    Error: ending?.failure ?? '',
    StartedAt: row.startedAt === null ? never : time(row.startedAt),
    FinishedAt: row.finishedAt === null ? never : time(row.finishedAt),
  };
}

function healthState({ status, failingStreak, log }: Health): Record<string, unknown> {
  const result = ({ start, end, exitCode, output }: Health['log'][number]) => ({
    Start: exactTime(start),
    End: exactTime(end),
    ExitCode: exitCode,
    Output: output,
  });
  return { Status: status, FailingStreak: failingStreak, Log: log.map(result) };
}

/** With all nine digits. @param time nanoseconds since the epoch */
function exactTime(nanoseconds: bigint): string {
  const seconds = time(Number(nanoseconds / 1_000_000n)).slice(0, 19);
  return `${seconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`;
}

function withLower(graph: GraphDriver, lower: readonly string[]): Record<string, unknown> {
  const { Name, Data } = graph;
  return Data === null || lower.length === 0 ? graph : { Name, Data: { LowerDir: lower.join(':'), ...Data } };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
