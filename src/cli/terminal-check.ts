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

/** As in Podman: a terminal would be the container's to set up. @throws OnggiError `invalid` */
export function checkPassthrough({ stdin, stdout, stderr }: Pick<Context, 'stdin' | 'stdout' | 'stderr'>): void {
  if (![stdin, stdout, stderr].some((stream) => stream.isTerminal())) return;
  throw new OnggiError('invalid', "the '--log-driver passthrough' option cannot be used on a TTY");
}

/** @throws OnggiError `invalid` */
export function checkTerminal(context: Pick<Context, 'stdin'>, attachesStdin: boolean, terminal: boolean): void {
  const problem = terminalProblem(context, attachesStdin, terminal);
  if (problem !== undefined) throw problem;
}
