/** Attaching the terminal to a container that is there already: `attach` and `start -a`. */
import type { Session } from '../engine/types.ts';
import type { Context } from './context.ts';
import { type DetachKeys, defaultDetachKeys } from './detach-keys.ts';
import { relay, statusOf } from './relay.ts';
import { checkTerminal } from './terminal-check.ts';

export type AttachOptions = {
  /** The user wants the input passed on; it is, if the container was made with one. */
  readonly stdin: boolean;
  readonly signalProxy: boolean;
  readonly detachKeys: DetachKeys | undefined;
  readonly open: (stdin: boolean) => Promise<Session>;
  /** What the command returns when the user detaches. */
  readonly detached: () => number;
};

/** `attach` and `exec` tell, in Docker's words and with its status, that the process goes on without them. */
export function tellDetached(context: Pick<Context, 'stderr'>): number {
  context.stderr.print('read escape sequence\n');
  return 1;
}

/** @returns the container's exit status, or what `detached` does */
export async function attachContainer(ref: string, context: Context, options: AttachOptions): Promise<number> {
  const engine = await context.engine();
  const container = await engine.containers.get(ref);
  const { terminal } = container;
  const stdin = options.stdin && container.stdin;
  checkTerminal(context, stdin, terminal);
  const end = await relay(await options.open(stdin), context, {
    stdin,
    stdout: true,
    stderr: true,
    terminal,
    signalProxy: options.signalProxy,
    detachKeys: options.detachKeys ?? defaultDetachKeys,
  });
  return statusOf(end, options.detached);
}
