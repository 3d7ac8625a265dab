/**
 * Real-time CPU time on cgroup v1: a group may give its children no more than it has itself, and a new one has none
 * (Documentation/scheduler/sched-rt-group.rst). So the groups above a container get what it is to get, before it does.
 */

import { mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Cpu } from '../../oci/runtime-spec.ts';
import { type Cgroup, legacyDirectory } from './cgroup.ts';
import { readControlIfThere, writeControl } from './control-file.ts';
import type { CgroupLayout } from './hierarchy.ts';

/** Microseconds, the kernel's for a new group. */
const usualPeriod = 1_000_000;

/**
 * Makes the groups between the root of the hierarchy and the container where they are missing, and gives each of them as
 * much as those below it have together, if it has less.
 *
 * @throws OnggiError `invalid` when a group that is not ours has too little left
 */
export function makeRealtimeRoom(layout: CgroupLayout, cgroup: Cgroup, cpu: Cpu): void {
  const { realtimeRuntime = 0, realtimePeriod = usualPeriod } = cpu;
  const directory = legacyDirectory(cgroup, 'cpu');
  const root = layout.legacy.find(({ controllers }) => controllers.includes('cpu'))?.mountPoint;
  if (realtimeRuntime <= 0 || directory === undefined || root === undefined) return;
  mkdirSync(dirname(directory), { recursive: true });
  const wanted: { readonly file: string; readonly value: number }[] = [];
  let [child, share] = [directory, realtimeRuntime / realtimePeriod];
  for (let above = dirname(child); above.startsWith(`${root}/`); above = dirname(child)) {
    const needed = share + childrenOf(above, child).reduce((sum, other) => sum + shareOf(other), 0);
    const period = numberIn(`${above}/cpu.rt_period_us`) || usualPeriod;
    if (needed > shareOf(above)) {
      wanted.unshift({ file: `${above}/cpu.rt_runtime_us`, value: Math.min(Math.ceil(needed * period), period) });
    }
    [child, share] = [above, Math.max(needed, shareOf(above))];
  }
  // From the top: what a group has bounds what is below it.
  for (const { file, value } of wanted) {
    writeControl(file, `${value}`, `give real-time CPU time to the cgroups above: write "${value}" to "${file}"`);
  }
}

function childrenOf(directory: string, without: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${directory}/${name}`)
    .filter((path) => path !== without);
}

function shareOf(directory: string): number {
  return numberIn(`${directory}/cpu.rt_runtime_us`) / (numberIn(`${directory}/cpu.rt_period_us`) || usualPeriod);
}

/** 0 of one that was removed meanwhile. */
function numberIn(file: string): number {
  return Number(readControlIfThere(file) ?? 0);
}
