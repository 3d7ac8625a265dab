/** How many processes of a cgroup the kernel has killed for lack of memory. */
import { type Cgroup, controllerDirectory, isUnified } from './cgroup.ts';
import { readControlIfThere } from './control-file.ts';

/** memory.events: its field oom_kill; memory.oom_control: the same field (Linux 4.13). */
export function oomFile(directory: string, unified: boolean): string {
  return `${directory}/${unified ? 'memory.events' : 'memory.oom_control'}`;
}

export function killsIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** 0 without a memory controller, or when the cgroup is gone. */
export function oomKills(cgroup: Cgroup): number {
  const directory = controllerDirectory(cgroup, 'memory');
  return directory === undefined ? 0 : (killsIn(readControlIfThere(oomFile(directory, isUnified(cgroup)))) ?? 0);
}
