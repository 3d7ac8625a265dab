/**
 * Containers whose record can't be read: what is still known of them, and how they are ended. Nothing is killed or
 * removed but what proves to be the container's: by the copy of its record, by the mark of a cgroup, or by holding its
 * lock. Acts.
 */
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { isAlive, type ProcessIdentity, processIdentity, signalProcess } from '../kernel/process-identity.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import { cgroupProcesses, killCgroup } from '../runtime/cgroup/processes.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import { searchCgroups } from '../runtime/cgroup/search.ts';
import { markOf, readMark } from './cgroup-mark.ts';
import { sigkill } from './kill.ts';
import type { ContainerPaths } from './paths.ts';
import { decodeState, type StateRecord } from './state.ts';
import { isStateDirectory, lockContainer, removeStateDirectory } from './state-directory.ts';

/** The copy of the record; undefined where there is none that can be read. */
export function copyOfState(paths: ContainerPaths): StateRecord | undefined {
  try {
    return decodeState(readlinkSync(paths.copy), paths.copy);
  } catch (error) {
    // EINVAL: it is no link.
    const absent = ['ENOENT', 'ENOTDIR', 'EINVAL'].includes(errnoOf(error) ?? '');
    if (absent || (error instanceof OnggiError && error.code === 'corrupt')) return undefined;
    throw fromSystemError(error, `read "${paths.copy}"`);
  }
}

/** Whether anything of a container without a record runs. */
export function leavesProcesses(paths: ContainerPaths): boolean {
  const init = copyOfState(paths)?.init ?? null;
  return (init !== null && isAlive(init)) || cgroupProcesses(markedCgroup(paths)).length > 0;
}

/** Ends and removes what can be found. Does nothing where there is no state directory. */
export async function removeLost(id: string, paths: ContainerPaths): Promise<void> {
  if (!isStateDirectory(paths)) return;
  await killCgroup(markedCgroup(paths));
  // Whoever makes it would wait for the end of a hook, and other commands work on what is to go.
  for (const holder of holdersOf(paths.lock)) signalProcess(holder, sigkill);
  try {
    using guard = await lockContainer(id, paths);
    await removeCgroup(markedCgroup(paths));
    removeStateDirectory(paths, guard);
  } catch (error) {
    // Whoever had the lock has removed it.
    if (!(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}

/** The cgroups of this machine that are marked as this container's. */
function markedCgroup(paths: ContainerPaths): Cgroup {
  const mark = markOf(paths);
  return searchCgroups((directory) => mark !== undefined && readMark(directory) === mark);
}

/** Who holds the lock: nobody who does not work on the container can open it (proc(5), /proc/locks). */
function holdersOf(lock: string): ProcessIdentity[] {
  const found = lstatSync(lock, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return [];
  const line = new RegExp(`^\\d+: FLOCK +ADVISORY +WRITE (\\d+) [0-9a-f:]+:${found.ino} `, 'gm');
  const pids = Array.from(readFileSync('/proc/locks', 'utf8').matchAll(line), ([, pid]) => Number(pid));
  return pids.flatMap((pid) => {
    const holder = pid > 0 && pid !== process.pid ? processIdentity(pid) : undefined;
    return holder !== undefined && opens(pid, found) ? [holder] : [];
  });
}

/** The line of a lock names the file system by another number than stat(2) does on some. */
function opens(pid: number, { dev, ino }: BigIntStats): boolean {
  try {
    const descriptors = readdirSync(`/proc/${pid}/fd`).map((fd) =>
      statSync(`/proc/${pid}/fd/${fd}`, { bigint: true, throwIfNoEntry: false }),
    );
    return descriptors.some((found) => found?.dev === dev && found.ino === ino);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(errnoOf(error) ?? '')) return false;
    throw fromSystemError(error, `look at the descriptors of process ${pid}`);
  }
}
