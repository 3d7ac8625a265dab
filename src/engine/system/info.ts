/** Facts about the store and the machine, for `info`. */
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
import type { ContainerStatus } from '../types.ts';

export type EngineInfo = {
  readonly version: string;
  readonly root: string;
  readonly containers: Readonly<Record<ContainerStatus, number>>;
  readonly images: number;
  readonly storageDriver: StorageDriver;
  /** What is worth knowing of it, as Docker names it, in the order in which it is shown. */
  readonly storageDriverStatus: readonly (readonly [name: string, value: string])[];
  /** Of containers for which nobody says otherwise. */
  readonly logDriver: string;
  /** What is mounted: v1, v2 or both. */
  readonly cgroupVersion: '1' | '2' | 'hybrid' | 'none';
  readonly cgroupDriver: 'cgroupfs';
  readonly kernel: string;
  readonly operatingSystem: string;
  readonly osType: string;
  readonly architecture: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly hostname: string;
  /** It works for an ordinary user. */
  readonly rootless: boolean;
  readonly warnings: readonly string[];
};

const cgroupVersions = { legacy: '1', unified: '2', hybrid: 'hybrid', none: 'none' } as const;

export async function engineInfo(context: Context): Promise<EngineInfo> {
  await settleStale(context);
  const { store } = context;
  const driver = storageDriver(store, context.storageDriver);
  const layout = readCgroupLayout();
  const counts: Record<ContainerStatus, number> = { created: 0, running: 0, paused: 0, exited: 0, restarting: 0 };
  for (const row of listContainers(store.database)) counts[statusOf(row)]++;
  const warnings: string[] = [];
  if (layout.mode === 'none') warnings.push('No cgroup hierarchy is mounted: resource limits are refused.');
  else if (!layout.swap) warnings.push('No swap limit support.');
  const user = unprivileged();
  if (user !== undefined) warnings.push(...lacking(user));
  return {
    version,
    root: store.layout.root,
    containers: counts,
    images: listImages(store.database).length,
    storageDriver: driver,
    storageDriverStatus: driverStatus(store, driver),
    logDriver: process.env['ONGGI_LOG_DRIVER'] || jsonFile.driver,
    cgroupVersion: cgroupVersions[layout.mode],
    cgroupDriver: 'cgroupfs',
    kernel: release(),
    operatingSystem: prettyName(),
    osType: type().toLowerCase(),
    architecture: machine() || arch(),
    cpus: availableParallelism(),
    memory: totalmem(),
    hostname: hostname(),
    rootless: user !== undefined,
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

/** PRETTY_NAME of os-release(5). */
function prettyName(): string {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      const found = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync(path, 'utf8'))?.[1];
      if (found !== undefined) return found;
    } catch {
      // The next place is tried; a machine without the file is just "Linux".
    }
  }
  return 'Linux';
}
