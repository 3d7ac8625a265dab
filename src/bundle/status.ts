/** The status of a container, found from facts (runtime.md, "State"). Acts: looks, changes nothing. */
import { isLocked } from '../kernel/lock.ts';
import { processStat } from '../kernel/process-identity.ts';
import { ownershipOf } from '../kernel/text-file.ts';
import { isFrozen } from '../runtime/cgroup/freeze.ts';
import type { ContainerPaths } from './paths.ts';
import type { StateRecord, Status } from './state.ts';

/**
 * - no process is recorded: whoever makes the container holds its lock, or has been killed
 * - the process has ended, or its pid is another's: stopped
 * - its cgroup is frozen: paused
 * - it has not executed anything since it was forked, and waits for the word to start: created
 */
export function statusOf(record: StateRecord, paths: ContainerPaths): Status {
  const { init } = record;
  if (init === null) return isLocked(paths.lock) ? 'creating' : 'stopped';
  const found = processStat(init.pid);
  if (found === undefined || found.startTime !== init.startTime || found.state === 'Z' || found.state === 'X') {
    return 'stopped';
  }
  if (isFrozen(record.cgroup)) return 'paused';
  return !found.executed && ownershipOf(paths.start) !== undefined ? 'created' : 'running';
}
