/** The processes of a container's cgroup: list them, kill them. */
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import { addon } from '../../kernel/addon.ts';
import { exists, writeFile } from '../../kernel/plain-file.ts';
import { type Cgroup, directoriesOf, legacyDirectory } from './cgroup.ts';
import { cgroupTree } from './control-file.ts';
import { isFrozen } from './freeze.ts';
import { until } from './wait.ts';

export function cgroupExists(cgroup: Cgroup): boolean {
  return directoriesOf(cgroup).some((directory) => exists(directory));
}

/** Host pids of the processes in the cgroup and below it, in ascending order; empty when it is not there. */
export function cgroupProcesses(cgroup: Cgroup): number[] {
  const pids = new Set(directoriesOf(cgroup).flatMap(cgroupTree).flatMap(processesIn));
  return [...pids].sort((a, b) => a - b);
}

/**
 * Refuses a cgroup that a new container must not be put into: whoever is in it would be limited, frozen and killed with
 * the container (as runc does since 1.2). One that is there and empty is taken.
 *
 * @throws OnggiError `conflict` when processes are in it or it is frozen
 */
export function checkFreshCgroup(cgroup: Cgroup): void {
  // As nearly always: to fail at listing each of a dozen takes ten times as long.
  if (!cgroupExists(cgroup)) return;
  const [pid, ...others] = cgroupProcesses(cgroup);
  const where = directoriesOf(cgroup)[0] ?? '';
  if (pid !== undefined) {
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    throw new OnggiError('conflict', `the cgroup "${where}" of the new container holds process ${pid}${more}`, {
      hint: 'Give each container a cgroupsPath of its own, or end these processes.',
    });
  }
  if (isFrozen(cgroup)) {
    throw new OnggiError('conflict', `the cgroup "${where}" of the new container is frozen`, {
      hint: 'Thaw or remove it first; no process can start in it.',
    });
  }
}

/**
 * Kills every process in the cgroup and below it, and returns when none is left. Does nothing when it is not there.
 * @throws OnggiError `unavailable` when some don't die in time
 */
export async function killCgroup(cgroup: Cgroup): Promise<void> {
  const directories = directoriesOf(cgroup).filter((directory) => exists(directory));
  if (await until(() => killOnce(cgroup, directories))) return;
  throw new OnggiError('unavailable', `kill the processes of "${directories[0]}": some did not die in time`);
}

/**
 * Sends a signal once to every process in the cgroup and below it (`kill --all`). Only SIGKILL is sure to reach all of
 * them: a process that forks meanwhile may escape any other; so the cgroup is frozen for the time of it by the caller.
 */
export function signalCgroup(cgroup: Cgroup, signal: number): void {
  for (const pid of cgroupProcesses(cgroup)) sendSignal(pid, signal);
}

/** One round; true when there was nobody left to kill. */
export function killOnce(cgroup: Cgroup, directories: readonly string[]): boolean {
  const processes = new Set(directories.flatMap(cgroupTree).flatMap(processesIn));
  if (processes.size === 0) return true;
  for (const pid of killAtOnce(cgroup)) processes.delete(pid);
  // Without that, and those in a v1 hierarchy alone: one by one, again and again until nobody is left.
  for (const pid of processes) sendSignal(pid, 9);
  thawLegacy(cgroup);
  return false;
}

/**
 * Faster than any of them can fork (cgroup-v2.rst, "cgroup.kill"; Linux 5.14).
 * @returns whom it reached; nobody without a unified hierarchy, and on an old kernel
 */
function killAtOnce({ unified }: Cgroup): number[] {
  if (unified === null) return [];
  const reached = cgroupTree(unified).flatMap(processesIn);
  try {
    writeFile(`${unified}/cgroup.kill`, '1', 0);
    return reached;
  } catch {
    return [];
  }
}

/** A process that a v1 freezer stopped doesn't even die, and the container may have frozen a part of itself. */
function thawLegacy(cgroup: Cgroup): void {
  const freezer = legacyDirectory(cgroup, 'freezer');
  if (freezer === undefined) return;
  for (const directory of cgroupTree(freezer)) {
    try {
      writeFile(`${directory}/freezer.state`, 'THAWED', 0);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'ENOENT' && errno !== 'ENODEV') throw fromSystemError(error, `thaw the cgroup "${directory}"`);
    }
  }
}

function sendSignal(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone between reading and killing.
    if (errnoOf(error) !== 'ESRCH') throw fromSystemError(error, `send signal ${signal} to process ${pid}`);
  }
}

function processesIn(directory: string): number[] {
  try {
    // 0 is a process that this pid namespace does not see.
    return addon()
      .readText(`${directory}/cgroup.procs`)
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch (error) {
    // Gone, or a threaded cgroup, whose processes its domain lists.
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENODEV' || errno === 'EOPNOTSUPP') return [];
    throw fromSystemError(error, `list the processes of "${directory}"`);
  }
}
