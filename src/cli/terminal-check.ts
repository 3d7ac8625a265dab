/** Whether a terminal can be passed on. */
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';

/** Docker's words when keys are wanted from something that has none. */
export function terminalProblem(
  context: Pick<Context, 'stdin'>,
  attachesStdin: boolean,
  terminal: boolean,
): OnggiError | undefined {
  if (!terminal || !attachesStdin || context.stdin.isTerminal()) return undefined;
  return new OnggiError('invalid', 'the input device is not a TTY', { hint: 'Leave out -t, or -i.' });
}

/** @throws OnggiError `invalid` */
export function checkTerminal(context: Pick<Context, 'stdin'>, attachesStdin: boolean, terminal: boolean): void {
  const problem = terminalProblem(context, attachesStdin, terminal);
  if (problem !== undefined) throw problem;
}
