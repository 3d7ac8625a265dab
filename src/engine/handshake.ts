/** The engine's side of a start: waits for the shim's words, and turns a failed step into an error with its words. */
import { getSystemErrorName } from 'node:util';
import { codeOfErrno, OnggiError } from '../errors.ts';
import type { ExitReport, ShimClient, ShimEvent, StepReport } from '../kernel/shim-client.ts';
import type { Plan, Step } from '../runtime/plan/steps.ts';
import type { Ending } from './types.ts';

export type Output = Extract<ShimEvent, { readonly type: 'output' }>;
export type Status = Extract<ShimEvent, { readonly type: 'status' }>;

/**
 * Reads until the shim says `state`.
 * @param early receives output that overtakes the word "running": the command may write before the shim has seen it
 * @param warn told about each step that was gone without
 * @throws OnggiError what made the step fail; `unavailable` when the shim went away
 */
export async function until(
  state: 'created' | 'running',
  client: ShimClient,
  plan: Plan,
  early: Output[],
  warn: (message: string) => void,
): Promise<Status> {
  let failure: OnggiError | undefined;
  for (;;) {
    const { value: event, done } = await client.events.next();
    if (done === true || event === undefined) {
      throw new OnggiError('unavailable', `${attempt(plan)}: its shim went away`, {
        hint: 'It was killed, or the machine is out of memory; try again.',
      });
    }
    switch (event.type) {
      case 'warn':
        warn(`${event.text}: ${errnoText(event.errno)}`);
        break;
      case 'fail':
        failure = stepError(event, plan);
        break;
      case 'exit':
        throw failure ?? new OnggiError('internal', `${attempt(plan)}: the init ended with status ${event.exitCode}`);
      case 'status':
        if (event.state === state) return event;
        break;
      case 'output':
        early.push(event);
        break;
    }
  }
}

/** Resolves when the container has ended, or its shim is gone. */
export async function untilExit(client: ShimClient): Promise<ExitReport | undefined> {
  try {
    for await (const event of client.events) if (event.type === 'exit') return event;
  } catch {
    // The shim was killed: whoever looks next finds that out by its lock.
  }
  return undefined;
}

export function endingOfReport(report: ExitReport): Ending {
  return {
    exitCode: report.exitCode,
    signal: report.signal,
    oom: report.oom,
    coreDumped: report.coreDumped,
    failure: null,
    sender: report.sender,
    finishedAt: Number(report.finishedAt / 1_000_000n),
    lost: false,
  };
}

/** What messages say was tried. */
function attempt(plan: Plan): string {
  return plan.spawn.kind === 'join' ? 'exec' : 'start container';
}

/** Index 0 is the shim's own record, 1 the spawn (native/plan.h). */
export function stepAt(plan: Plan, index: number): Step | undefined {
  return [...plan.prepare, ...plan.attach, ...plan.init, ...plan.cleanup][index - 2];
}

const commandOps: ReadonlySet<string | undefined> = new Set(['find-executable', 'exec']);

/** Docker's exit statuses: 127 for a command that is not there, 126 for one that can't be executed. */
function stepError({ step: index, errno, text }: StepReport, plan: Plan): OnggiError {
  const step = stepAt(plan, index);
  if (step === undefined || !commandOps.has(step.op)) {
    return new OnggiError(codeOfErrno(getSystemErrorName(-errno)), `${attempt(plan)}: ${text}: ${errnoText(errno)}`);
  }
  const command = step.op === 'find-executable' ? step.command : step.op === 'exec' ? (step.argv[0] ?? '') : '';
  const name = getSystemErrorName(-errno);
  if (name === 'ENOENT' || name === 'ENOTDIR') {
    const found = command.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH';
    return new OnggiError('command-not-found', `exec: "${command}": ${found}`, {
      hint: 'Name a command that is in the image, or its full path.',
    });
  }
  return new OnggiError('not-executable', `exec: "${command}": ${errnoText(errno)}`, {
    hint: 'Give it the execute permission, and the interpreter or architecture that it needs.',
  });
}

const errnoWords: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'exec format error',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EINVAL: 'invalid argument',
  ENOSPC: 'no space left on device',
  EBUSY: 'device or resource busy',
  EAGAIN: 'resource temporarily unavailable',
  ENOMEM: 'cannot allocate memory',
  ERANGE: 'numerical result out of range',
  ELOOP: 'too many levels of symbolic links',
};

function errnoText(errno: number): string {
  const name = getSystemErrorName(-errno);
  return errnoWords[name] ?? name;
}
