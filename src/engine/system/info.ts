/** Facts about the store and the machine, for `info`. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, hostname, machine, release, totalmem, type } from 'node:os';
import { driverStatus, type StorageDriver, storageDriver } from '../../image/storage-driver.ts';
import type { Unprivileged } from '../../kernel/subordinate-ids.ts';
import { mapsOf, unprivileged } from '../../kernel/user-namespace.ts';
import { hasPasta } from '../../network/pasta.ts';
import { delegatedPath, readCgroupLayout } from '../../runtime/cgroup/layout.ts';
import { listContainers } from '../../store/container-row.ts';
import { listImages } from '../../store/image-row.ts';
import { version } from '../../version.ts';
import { statusOf } from '../container/container.ts';
import { settleStale } from '../container/reconcile.ts';
import type { Context } from '../context.ts';
import { jsonFile } from '../log/log-config.ts';
import { isSelinuxOn } from '../selinux/policy.ts';
import type { ContainerStatus, LogDriver } from '../types.ts';

export type EngineInfo = {
  readonly version: string;
  readonly root: string;
  readonly containers: Readonly<Record<ContainerStatus, number>>;
  readonly images: number;
  readonly storageDriver: StorageDriver;
  /** What is worth knowing of it, as Docker names it, in the order in which it is shown. */
  readonly storageDriverStatus: readonly (readonly [name: string, value: string])[];
  /** The same at each call, for this store on this machine; a UUID. */
  readonly id: string;
  readonly logDrivers: readonly LogDriver[];
  /** Of containers for which nobody says otherwise. */
  readonly logDriver: string;
  /** What is mounted: v1, v2 or both. */
  readonly cgroupVersion: '1' | '2' | 'hybrid' | 'none';
  readonly cgroupDriver: 'cgroupfs';
  /** "memory", "pids": those by which containers can be limited. */
  readonly controllers: readonly string[];
  readonly swapLimit: boolean;
  /** Of the machine, for IPv4. */
  readonly ipForwarding: boolean;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly kernel: string;
  readonly operatingSystem: string;
  /** "12" */
  readonly osVersion: string;
  readonly osType: string;
  readonly architecture: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly hostname: string;
  /** It works for an ordinary user. */
  readonly rootless: boolean;
  /** On, with a policy. */
  readonly selinux: boolean;
  readonly warnings: readonly string[];
};

const logDrivers: readonly LogDriver[] = [
  'fluentd',
  'gelf',
  'journald',
  'json-file',
  'k8s-file',
  'local',
  'none',
  'passthrough',
  'syslog',
];

const cgroupVersions = { legacy: '1', unified: '2', hybrid: 'hybrid', none: 'none' } as const;

export async function engineInfo(context: Context): Promise<EngineInfo> {
  await settleStale(context);
  const { store } = context;
  const driver = storageDriver(store, context.storageDriver);
  const layout = readCgroupLayout();
  const counts: Record<ContainerStatus, number> = {
    created: 0,
    initialized: 0,
    running: 0,
    paused: 0,
    exited: 0,
    restarting: 0,
  };
  for (const row of listContainers(store.database)) counts[statusOf(row)]++;
  const warnings: string[] = [];
  if (layout.mode === 'none') warnings.push('No cgroup hierarchy is mounted: resource limits are refused.');
  else if (!layout.swap) warnings.push('No swap limit support.');
  const user = unprivileged();
  if (user !== undefined) warnings.push(...lacking(user));
  return {
    version,
    id: identity(store.layout.root),
    logDrivers,
    root: store.layout.root,
    containers: counts,
    images: listImages(store.database).length,
    storageDriver: driver,
    storageDriverStatus: driverStatus(store, driver),
    logDriver: process.env['ONGGI_LOG_DRIVER'] || jsonFile.driver,
    cgroupVersion: cgroupVersions[layout.mode],
    cgroupDriver: 'cgroupfs',
    controllers: [
      ...new Set([...(layout.unified?.controllers ?? []), ...layout.legacy.flatMap((each) => each.controllers)]),
    ],
    swapLimit: layout.swap,
    ipForwarding: readIfThere('/proc/sys/net/ipv4/ip_forward')?.trim() === '1',
    time: Date.now(),
    kernel: release(),
    operatingSystem: osRelease('PRETTY_NAME') ?? 'Linux',
    osVersion: osRelease('VERSION_ID') ?? '',
    osType: type().toLowerCase(),
    architecture: machine() || arch(),
    cpus: availableParallelism(),
    memory: totalmem(),
    hostname: hostname(),
    rootless: user !== undefined,
    selinux: isSelinuxOn(),
    warnings,
  };
}

/** What an ordinary user goes without on this machine (docs/rootless.md). */
function lacking(user: Unprivileged): string[] {
  const { uids } = mapsOf(user);
  return [
    ...(uids.length > 1
      ? []
      : ['No ids in /etc/subuid and /etc/subgid: images with files of other users are refused.']),
    ...(hasPasta() ? [] : ['No pasta: containers have no network but "none" and "host".']),
    ...(delegatedPath() === '' ? ['No cgroups are delegated: limits are not kept.'] : []),
  ];
}

/** By the machine's own id (machine-id(5)), which itself is not to be told. */
function identity(root: string): string {
  const machine = readIfThere('/etc/machine-id')?.trim() ?? hostname();
  const digits = createHash('sha256').update(`onggi\0${machine}\0${root}`).digest('hex');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}

/** A field of os-release(5); undefined on a machine without the file or the field. */
function osRelease(name: string): string | undefined {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    const line = readIfThere(path)
      ?.split('\n')
      .find((each) => each.startsWith(`${name}=`));
    if (line !== undefined) return line.slice(name.length + 1).replace(/^"(.*)"$/, '$1');
  }
  return undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
