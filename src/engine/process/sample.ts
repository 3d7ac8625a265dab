/** Numbers of `stats` out of what the kernel tells, by the rules of Docker's client (docker/cli, stats_helpers.go). Pure. */
import type { CgroupStats } from '../../runtime/cgroup/stats.ts';
import type { ContainerSample } from '../types.ts';

/** Bytes without the inactive page cache: `total_inactive_file` in version 1, `inactive_file` in version 2. */
export function memoryInUse({ usage, raw = {} }: Pick<CgroupStats['memory'], 'usage' | 'raw'>): number {
  const used = Number(usage.usage ?? 0);
  const idle = Number(raw['total_inactive_file'] ?? raw['inactive_file'] ?? 0);
  return idle < used ? used - idle : used;
}

/** @param machine bytes of memory that there are at all */
export function memoryLimit({ usage }: Pick<CgroupStats['memory'], 'usage'>, machine: number): number {
  const limit = Number(usage.limit);
  return limit > 0 && limit < machine ? limit : machine;
}

/** @param text content of /proc/PID/net/dev (proc(5)): after the name eight numbers of what came, then of what went */
export function interfaceBytes(text: string): ContainerSample['network'] {
  let [received, sent] = [0, 0];
  for (const [, name, numbers = ''] of text.matchAll(/^\s*([^\s:]+):\s*(.*)$/gm)) {
    if (name === 'lo') continue;
    const fields = numbers.trim().split(/\s+/).map(Number);
    received += fields[0] ?? 0;
    sent += fields[8] ?? 0;
  }
  return { received, sent };
}

export function blockBytes({ ioServiceBytesRecursive = [] }: CgroupStats['blkio']): ContainerSample['block'] {
  const sum = (operation: string): number =>
    ioServiceBytesRecursive
      .filter(({ op = '' }) => op.toLowerCase() === operation)
      .reduce((total, { value = 0 }) => total + Number(value), 0);
  return { read: sum('read'), written: sum('write') };
}
