/** Facts about the store and the machine, for `info`. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, hostname, machine, release, totalmem, type } from 'node:os';
import { readCgroupLayout } from '../runtime/cgroup/layout.ts';
import { listContainers } from '../store/container-row.ts';
import { listImages } from '../store/image-row.ts';
import { version } from '../version.ts';
import { statusOf } from './container.ts';
import type { Context } from './context.ts';
import { settleStale } from './reconcile.ts';
import type { ContainerStatus } from './types.ts';

export type EngineInfo = {
  readonly version: string;
  readonly root: string;
  readonly containers: Readonly<Record<ContainerStatus, number>>;
  readonly images: number;
  readonly storageDriver: 'overlay2';
  readonly logDriver: 'json-file';
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
  readonly warnings: readonly string[];
};

const cgroupVersions = { legacy: '1', unified: '2', hybrid: 'hybrid', none: 'none' } as const;

export async function engineInfo(context: Context): Promise<EngineInfo> {
  await settleStale(context);
  const { store } = context;
  const layout = readCgroupLayout();
  const counts: Record<ContainerStatus, number> = { created: 0, running: 0, exited: 0, restarting: 0 };
  for (const row of listContainers(store.database)) counts[statusOf(row)]++;
  const warnings: string[] = [];
  if (layout.mode === 'none') warnings.push('No cgroup hierarchy is mounted: resource limits are refused.');
  else if (!layout.swap) warnings.push('No swap limit support.');
  return {
    version,
    root: store.layout.root,
    containers: counts,
    images: listImages(store.database).length,
    storageDriver: 'overlay2',
    logDriver: 'json-file',
    cgroupVersion: cgroupVersions[layout.mode],
    cgroupDriver: 'cgroupfs',
    kernel: release(),
    operatingSystem: prettyName(),
    osType: type().toLowerCase(),
    architecture: machine() || arch(),
    cpus: availableParallelism(),
    memory: totalmem(),
    hostname: hostname(),
    warnings,
  };
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
