/** The engine's side of a start: waits for the shim's words. */
import { OnggiError } from '../../errors.ts';
import type { ExitReport, ShimClient, ShimEvent } from '../../kernel/shim-client.ts';
import { attempt, stepError, stepWarning } from '../../runtime/plan/step-error.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import type { Ending } from '../types.ts';

export type Output = Extract<ShimEvent, { readonly type: 'output' }>;
export type Status = Extract<ShimEvent, { readonly type: 'status' }>;

/** The error of a start whose shim can't be reached or read any more; what is no sign of that stays as it is. */
export function goneAway(plan: Plan, cause?: unknown): unknown {
  const code = cause instanceof OnggiError ? cause.code : 'unavailable';
  // Its socket is not there any more, refuses, or was cut.
  if (cause !== undefined && code !== 'unavailable' && code !== 'not-found') return cause;
  return new OnggiError('unavailable', `${attempt(plan)}: its shim went away`, {
    hint: 'It was killed, or the machine is out of memory; try again.',
    cause,
  });
}

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
    const { value: event, done } = await client.events.next().catch((error: unknown) => {
      throw goneAway(plan, error);
    });
    if (done === true || event === undefined) throw goneAway(plan);
    switch (event.type) {
      case 'warn':
        warn(stepWarning(event));
        break;
      case 'fail':
        failure = stepError(event, plan);
        break;
      case 'exit':
        if (event.sender !== null) throw endedMeanwhile(plan, event.sender, failure);
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

/** Whatever failed then: there was nobody left to do it. */
function endedMeanwhile(
  plan: Plan,
  { signal, pid }: NonNullable<ExitReport['sender']>,
  cause: OnggiError | undefined,
): OnggiError {
  return new OnggiError(
    'conflict',
    `${attempt(plan)}: it was ended before it ran, by signal ${signal} of process ${pid}`,
    {
      hint: 'Somebody has stopped or removed it meanwhile.',
      ...(cause !== undefined && { cause }),
    },
  );
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

/** What the shim says of its container to whoever connects; undefined when it is gone before. */
export async function firstStatus(client: ShimClient): Promise<Status | undefined> {
  try {
    for await (const event of client.events) if (event.type === 'status') return event;
  } catch {
    // As above.
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
