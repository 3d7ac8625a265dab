/** Whether a terminal can be passed on. */
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';

/** @throws OnggiError `invalid` with Docker's words when keys are wanted from something that has none */
export function checkTerminal(context: Pick<Context, 'stdin'>, attachesStdin: boolean, terminal: boolean): void {
  if (terminal && attachesStdin && !context.stdin.isTerminal()) {
    throw new OnggiError('invalid', 'the input device is not a TTY', { hint: 'Leave out -t, or -i.' });
  }
}
