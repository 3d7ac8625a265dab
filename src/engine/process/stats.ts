/** `stats`: what a container uses, from its cgroup and its network. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { OnggiError } from '../../errors.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { type CgroupStats, readCgroupStats } from '../../runtime/cgroup/stats.ts';
import type { Container } from '../container/container.ts';
import { lookUp } from '../container/look-up.ts';
import type { Context } from '../context.ts';
import type { ContainerSample } from '../types.ts';
import { blockBytes, interfaceBytes, memoryInUse, memoryLimit } from './sample.ts';

/** @throws OnggiError `not-found` */
export async function stats(context: Context, ref: string): Promise<ContainerSample> {
  const container = await lookUp(context, ref);
  const { id, row } = container;
  const used = usageOf(container);
  const base = { id, name: row.name, time: performance.now() * 1e6 };
  if (used === undefined) {
    const none = { cpu: 0, memory: 0, memoryLimit: 0, tasks: 0 };
    return { ...base, ...none, running: false, network: { received: 0, sent: 0 }, block: { read: 0, written: 0 } };
  }
  return {
    ...base,
    running: true,
    cpu: Number(used.cpu.usage.total ?? 0),
    memory: memoryInUse(used.memory),
    memoryLimit: memoryLimit(used.memory, totalmem()),
    network: interfaceBytes(networkText(container)),
    block: blockBytes(used.blkio),
    tasks: Number(used.pids.current ?? 0),
  };
}

/** Undefined when it does not run, or has ended just now. */
function usageOf({ row, start }: Container): CgroupStats | undefined {
  if (row.state !== 'running' || start === null) return undefined;
  try {
    return readCgroupStats(findCgroup(start.cgroupsPath));
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Of its own network alone: that of the machine is not what the container uses. */
function networkText({ row }: Container): string {
  if (row.pid === null || row.networkMode === 'host' || row.networkMode === 'none') return '';
  try {
    return readFileSync(`/proc/${row.pid}/net/dev`, 'utf8');
  } catch {
    // It has ended since.
    return '';
  }
}
