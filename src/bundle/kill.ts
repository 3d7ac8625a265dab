/** `kill` (runtime.md, "Kill"). Acts. */
import { OnggiError } from '../errors.ts';
import { isAlive, signalProcess } from '../kernel/process-identity.ts';
import { freezeCgroup, isFrozen, thawCgroup } from '../runtime/cgroup/freeze.ts';
import { cgroupProcesses, killCgroup, signalCgroup } from '../runtime/cgroup/processes.ts';
import { parseSignal } from '../runtime/signal.ts';
import { ownCgroup } from './cgroup-mark.ts';
import { checkContainerId } from './container-id.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import type { Runtime } from './runtime.ts';
import type { StateRecord } from './state.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

export const sigkill = 9;

/**
 * Sends a signal to the first process, or to all of them. Killing the first one of a container that shares its pid
 * namespace kills all, since the kernel doesn't.
 *
 * @param word its name or number
 * @throws OnggiError `invalid`, `not-found`; `conflict` when it has ended, which with `all` is no error
 */
export async function killContainer(runtime: Runtime, asked: string, word: string, all: boolean): Promise<void> {
  const id = checkContainerId(asked);
  // 0 asks whether it is there (kill(2)).
  const signal = word === '0' ? 0 : parseSignal(word);
  const paths = containerPaths(runtime.root, id);
  const record = readState(id, paths);
  if (all || (signal === sigkill && record.sharedPids)) return await signalAll(record, paths, signal);
  const status = statusOf(record, paths);
  // The words that engines look for.
  const ended = (): OnggiError => new OnggiError('conflict', `container not running: "${id}" is ${status}`);
  if (status === 'stopped' || record.init === null) throw ended();
  if (!signalProcess(record.init, signal)) throw ended();
  // A process that a v1 freezer has stopped doesn't even die.
  if (signal === sigkill && status === 'paused') await thawCgroup(record.cgroup);
}

/** Frozen meanwhile, so that none escapes by forking, unless it is for good. */
async function signalAll(record: StateRecord, paths: ContainerPaths, signal: number): Promise<void> {
  const cgroup = ownCgroup(record, paths);
  if (signal === sigkill) return await killCgroup(cgroup);
  if (cgroupProcesses(cgroup).length === 0) return;
  if (isFrozen(cgroup)) return signalCgroup(cgroup, signal);
  await freezeCgroup(cgroup);
  try {
    signalCgroup(cgroup, signal);
  } finally {
    await thawCgroup(cgroup);
  }
}

/** How long a killed process may take to go; one in an uninterruptible sleep takes as long as it takes. */
const patience = 10_000;

/** Kills the first process, and returns when it is gone. Does nothing when it has ended. */
export async function killInit({ id, init }: StateRecord): Promise<void> {
  if (init === null || !isAlive(init) || !signalProcess(init, sigkill)) return;
  const deadline = performance.now() + patience;
  while (isAlive(init)) {
    if (performance.now() > deadline) {
      throw new OnggiError('unavailable', `kill container "${id}": process ${init.pid} did not die in time`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
