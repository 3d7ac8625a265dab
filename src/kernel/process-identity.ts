/** Processes told apart by pid and start time, because pids are used again (proc(5)). */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { addon, native } from './addon.ts';
import { readTextIfThere } from './text-file.ts';

export type ProcessIdentity = {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks between boot and start. */
  readonly startTime: bigint;
};

export type ProcessStat = ProcessIdentity & {
  /** Field 3; "Z" is a zombie, "X" a dead one. */
  readonly state: string;
  /** Field 4; 0 for one outside of this pid namespace. */
  readonly parent: number;
  /** False for a process that was forked and has executed no program since: PF_FORKNOEXEC of field 9. */
  readonly executed: boolean;
};

/** PF_FORKNOEXEC of <linux/sched.h> in the kernel: set by fork, cleared by exec, the same since 2.6. */
const forkedOnly = 0x40;

/**
 * The content of /proc/PID/stat. Pure.
 *
 * @throws OnggiError `corrupt`
 */
export function parseProcessStat(text: string): ProcessStat {
  // The command name stands in parentheses and may itself hold any byte: the last ")" ends it.
  const end = text.lastIndexOf(')');
  const pid = /^(\d+) \(/.exec(text)?.[1];
  const fields = text.slice(end + 2).split(' ');
  const [state, parent] = fields;
  const flags = Number(fields[6]);
  const startTime = fields[19];
  if (end === -1 || pid === undefined || state === undefined || startTime === undefined || !/^\d+$/.test(startTime)) {
    throw new OnggiError('corrupt', `process status "${text.slice(0, 80)}": not of /proc/PID/stat`);
  }
  return {
    pid: Number(pid),
    startTime: BigInt(startTime),
    state,
    parent: Number(parent),
    executed: (flags & forkedOnly) === 0,
  };
}

/** What /proc/PID/stat says; undefined when there is no such process. */
export function processStat(pid: number): ProcessStat | undefined {
  // ESRCH: it ended between open and read.
  const text = readTextIfThere(`/proc/${pid}/stat`, ['ENOENT', 'ESRCH'], `look at process ${pid}`);
  return text === undefined ? undefined : parseProcessStat(text);
}

/** Who has this pid now; undefined when nobody does. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const found = processStat(pid);
  return found === undefined ? undefined : { pid: found.pid, startTime: found.startTime };
}

/** Whether the very process runs; a zombie has ended. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  const found = processStat(pid);
  return found !== undefined && found.startTime === startTime && found.state !== 'Z' && found.state !== 'X';
}

/**
 * Signals the very process, not one that has got its pid since.
 *
 * @returns false when it has ended
 */
export function signalProcess(identity: ProcessIdentity, signal: number): boolean {
  const tried = `send signal ${signal} to process ${identity.pid}`;
  try {
    const pidfd = addon().pidfdOpen(identity.pid);
    try {
      // Checked after the pidfd is open: from then on it can't come to mean another process.
      if (!isAlive(identity)) return false;
      addon().pidfdSendSignal(pidfd, signal);
      return true;
    } finally {
      addon().close(pidfd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw fromSystemError(error, tried);
  }
}

/** Capabilities that this process can use now: bit n is capability n of <linux/capability.h>. */
export function effectiveCapabilities(): bigint {
  return native('read own capabilities', (calls) => calls.effectiveCapabilities());
}
