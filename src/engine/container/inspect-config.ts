/** The parts of `inspect` that say what a container was asked to be: Config and HostConfig of the Engine API. Pure. */
import { basename } from 'node:path';
import type { ImageProcess } from '../../oci/image-spec.ts';
import { defaultShmSize, maskedPaths, readonlyPaths } from '../../runtime/defaults.ts';
import { healthRecord } from '../health/settings.ts';
import { isExposedPort } from '../listing/ports.ts';
import { runsSystemd, systemdStopSignal } from '../spec/systemd.ts';
import type { ContainerOptions, ContainerSummary, PortMapping } from '../types.ts';
import type { Container } from './container.ts';
import { askedMounts } from './inspect-mounts.ts';
import { resources } from './inspect-resources.ts';

/** @param containerName undefined for a container that is gone: there is no link to it any more */
export function hostConfig(
  { options, row }: Container,
  containerName: (id: string) => string | undefined,
): Record<string, unknown> {
  const { consoleSize, privileged = false } = options;
  return {
    ...elsewhere,
    ...askedMounts(options.mounts ?? []),
    ContainerIDFile: '',
    LogConfig: { Type: options.log?.driver ?? 'json-file', Config: byKey(options.log?.options ?? {}) },
    NetworkMode: row.networkMode,
    PortBindings: portBindings(options.ports ?? []),
    PublishAllPorts: options.publishAll ?? false,
    RestartPolicy: { Name: options.restart?.name ?? 'no', MaximumRetryCount: options.restart?.maximumRetries ?? 0 },
    AutoRemove: row.autoRemove,
    ConsoleSize: consoleSize === undefined ? [0, 0] : [consoleSize.rows, consoleSize.columns],
    VolumesFrom: orNull(options.volumesFrom?.map(({ container }) => container)),
    CapAdd: capabilities(options.capAdd),
    CapDrop: capabilities(options.capDrop),
    CgroupnsMode: options.cgroupnsMode ?? 'private',
    CgroupParent: options.cgroupParent ?? '',
    Dns: options.dns?.servers ?? [],
    DnsOptions: options.dns?.options ?? [],
    DnsSearch: options.dns?.search ?? [],
    ExtraHosts: orNull(options.extraHosts?.map(({ name, address }) => `${name}:${address}`)),
    GroupAdd: orNull(options.groups),
    IpcMode: options.ipcMode ?? 'private',
    PidMode: options.pidMode ?? '',
    UTSMode: options.utsMode ?? '',
    UsernsMode: usernsText(options.userNamespace),
    Links: orNull(
      (options.links ?? []).flatMap(({ container, alias }) => {
        const name = containerName(container);
        return name === undefined ? [] : [`/${name}:/${row.name}/${alias}`];
      }),
    ),
    OomScoreAdj: options.oomScoreAdj ?? 0,
    Privileged: privileged,
    ReadonlyRootfs: options.readOnly ?? false,
    SecurityOpt: orNull(securityTexts(options.security)),
    ShmSize: options.shmSize ?? defaultShmSize,
    ...(options.storageSize !== undefined && { StorageOpt: { size: `${options.storageSize}` } }),
    ...(options.init === true && { Init: true }),
    ...(options.sysctls !== undefined && { Sysctls: byKey(options.sysctls) }),
    ...resources(options),
    ...(options.annotations !== undefined && { Annotations: byKey(options.annotations) }),
    MaskedPaths: isOpen(options) ? null : maskedPaths,
    ReadonlyPaths: isOpen(options) ? null : readonlyPaths,
    Runtime: options.runtime === undefined ? 'onggi' : basename(options.runtime),
  };
}

function usernsText(mode: ContainerOptions['userNamespace']): string {
  if (mode === undefined) return '';
  if (typeof mode === 'string') return mode;
  return mode.kind === 'maps' || mode.kind === 'subordinate' ? 'private' : mode.kind;
}

/** What other engines and systems have, which clients look for. */
const elsewhere = {
  VolumeDriver: '',
  Cgroup: '',
  Isolation: '',
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  DeviceRequests: null,
} as const;

/** Options and image together, by Docker's rules (moby, daemon/commit.go, merge). */
export function config(
  { row, options, health, args }: Container,
  { labels }: ContainerSummary,
  image: ImageProcess | null,
): Record<string, unknown> {
  const stopSignal =
    options.stopSignal ?? image?.stopSignal ?? (runsSystemd(options, args) ? systemdStopSignal : undefined);
  const ports = [...new Set([...exposedPorts(options, image), ...(options.ports ?? []).map(portText)])];
  const volumes = [...new Set([...(options.volumes ?? []), ...(image?.volumes ?? [])])];
  const { attached = [] } = options;
  const { entrypoint = image?.entrypoint } = options;
  // An entrypoint of the user's drops the image's command.
  const inherited = options.entrypoint === undefined ? image?.cmd : undefined;
  return {
    Hostname: options.hostname ?? row.id.slice(0, 12),
    Domainname: options.domainname ?? '',
    User: options.user || image?.user || '',
    ...(ports.length > 0 && { ExposedPorts: emptyByKey(ports) }),
    AttachStdin: attached.includes('stdin'),
    AttachStdout: attached.includes('stdout'),
    AttachStderr: attached.includes('stderr'),
    Tty: options.terminal ?? false,
    OpenStdin: options.stdin ?? false,
    StdinOnce: options.stdin === true && attached.includes('stdin'),
    Env: orNull(environment(options.env ?? [], image?.env ?? [])),
    Cmd: orNull(orNull(options.command) ?? inherited),
    Image: row.imageReference,
    ...(health !== undefined && { Healthcheck: healthRecord(health) }),
    Volumes: volumes.length > 0 ? emptyByKey(volumes) : null,
    WorkingDir: options.workingDir || image?.workingDir || '',
    Entrypoint: orNull(entrypoint),
    OnBuild: null,
    Labels: byKey(labels),
    ...(stopSignal !== undefined && { StopSignal: stopSignal }),
    ...(options.stopTimeout !== undefined && { StopTimeout: options.stopTimeout }),
  };
}

/** The user's variables, then those of the image that the user has not named. */
export function environment(own: readonly string[], image: readonly string[]): string[] {
  const nameOf = (entry: string) => entry.split('=', 1)[0];
  const named = new Set(own.map(nameOf));
  return [...own, ...image.filter((entry) => !named.has(nameOf(entry)))];
}

/**
 * "80/tcp", of the image and of the user. An image may leave the protocol out; what is no port there is passed over, since
 * lists, names of variables and published ports are made of it.
 */
export function exposedPorts(
  { exposed = [] }: Pick<ContainerOptions, 'exposed'>,
  image: Pick<ImageProcess, 'exposedPorts'> | null,
): string[] {
  const ofImage = (image?.exposedPorts ?? [])
    .map((port) => (port.includes('/') ? port.toLowerCase() : `${port}/tcp`))
    .filter(isExposedPort);
  return [...new Set([...ofImage, ...exposed])];
}

function portText({ containerPort, protocol }: PortMapping): string {
  return `${containerPort}/${protocol}`;
}

export function portBindings(
  ports: readonly PortMapping[],
): Record<string, { readonly HostIp: string; readonly HostPort: string }[]> {
  const byPort = Map.groupBy(ports, portText);
  const binding = ({ hostIp, hostPort, lastHostPort }: PortMapping) => ({
    HostIp: hostIp,
    HostPort: hostPort === 0 ? '' : lastHostPort === undefined ? `${hostPort}` : `${hostPort}-${lastHostPort}`,
  });
  return byKey(Object.fromEntries([...byPort].map(([port, mappings]) => [port, mappings.map(binding)])));
}

export function emptyByKey(keys: readonly string[]): Record<string, object> {
  return byKey(Object.fromEntries(keys.map((key) => [key, {}])));
}

/** In the order in which Go prints what is a map there. */
export function byKey<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An empty list of Docker's is null. */
export function orNull(list: readonly string[] | null | undefined): readonly string[] | null {
  return list === undefined || list === null || list.length === 0 ? null : list;
}

function capabilities(names: readonly string[] = []): readonly string[] | null {
  const prefixed = (name: string) => (name === 'ALL' || name.startsWith('CAP_') ? name : `CAP_${name}`);
  return orNull(names.map((name) => prefixed(name.toUpperCase())));
}

function isOpen({ privileged = false, security }: Container['options']): boolean {
  return privileged || security?.systemPathsVisible === true;
}

/** As `--security-opt` has them; a profile from a file is shown as that there is one. */
function securityTexts(security: Container['options']['security']): readonly string[] {
  if (security === undefined) return [];
  const { noNewPrivileges, seccomp, apparmor, systemPathsVisible, mask = [], unmask = [], label = {} } = security;
  return [
    ...(noNewPrivileges === true ? ['no-new-privileges'] : []),
    ...(seccomp === null ? ['seccomp=unconfined'] : seccomp === undefined ? [] : ['seccomp=custom']),
    ...(apparmor === undefined ? [] : [`apparmor=${apparmor}`]),
    ...(systemPathsVisible === true ? ['systempaths=unconfined'] : []),
    ...Object.entries(label).map(([word, value]) => (value === true ? `label=${word}` : `label=${word}:${value}`)),
    ...mask.map((path) => `mask=${path}`),
    ...unmask.map((path) => `unmask=${path}`),
  ];
}
