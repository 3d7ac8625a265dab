/**
 * Connects a session with the stdio of this process until its process ends, the user detaches, or this process is
 * killed; the session is closed on every way out.
 */
import type { Ending, Session } from '../engine/types.ts';
import type { Context } from './context.ts';
import { type DetachKeys, detachMatcher } from './detach-keys.ts';
import { deadly, proxied } from './signals.ts';

export type RelayOptions = {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** The process has a terminal: keys are passed raw, its size follows ours. */
  readonly terminal: boolean;
  readonly signalProxy: boolean;
  readonly detachKeys: DetachKeys;
};

export type RelayEnd =
  | { readonly type: 'ended'; readonly ending: Ending }
  | { readonly type: 'detached' }
  /** This process was told to end while the terminal was raw. */
  | { readonly type: 'killed'; readonly signal: number };

/** @param detached the exit status when the user detached */
export function statusOf(end: RelayEnd, detached: () => number): number {
  if (end.type === 'ended') return end.ending.exitCode;
  return end.type === 'killed' ? 128 + end.signal : detached();
}

type World = Pick<Context, 'stdin' | 'stdout' | 'stderr' | 'signals'>;

/** @throws what kept the process from running, or a failure to write */
export async function relay(session: Session, world: World, options: RelayOptions): Promise<RelayEnd> {
  await using open = new AsyncDisposableStack();
  open.use(session);
  // It may fail while the terminal is being set up, before anybody waits for it.
  session.exit.catch(() => {});
  if (options.terminal) followSize(session, world, open);
  else if (options.signalProxy) open.use(world.signals.on(proxied, (number) => session.signal(number)));
  const raw = options.stdin && options.terminal && world.stdin.isTerminal();
  const killed = Promise.withResolvers<RelayEnd>();
  if (raw) {
    // By default they would end this process at once, and leave the user with a raw terminal.
    open.use(world.signals.on(deadly, (signal) => killed.resolve({ type: 'killed', signal })));
    open.use(await world.stdin.raw());
  }

  const output = pumpOutput(session, world, options);
  const ended = Promise.all([session.exit, output]).then(([ending]): RelayEnd => ({ type: 'ended', ending }));
  if (!options.stdin) return await ended;
  const end = await Promise.race([ended, killed.promise, pumpInput(session, world, raw ? options.detachKeys : [])]);
  if (end.type === 'detached') session.close('detached');
  return end;
}

function followSize(session: Session, world: World, open: AsyncDisposableStack): void {
  const resize = () => {
    const size = world.stdout.size();
    // Some terminals have none.
    if (size !== undefined && size.rows + size.columns > 0) session.resize(size.rows, size.columns);
  };
  resize();
  open.use(world.signals.on(['SIGWINCH'], resize));
}

async function pumpOutput(session: Session, world: World, options: RelayOptions): Promise<void> {
  for await (const { stream, bytes } of session.output) {
    if (options[stream]) await world[stream].write(bytes);
  }
}

/** Settles only when the user detaches: the end of the input, or of its reader, is not the end of the process. */
async function pumpInput(session: Session, world: World, detachKeys: DetachKeys): Promise<RelayEnd> {
  const feed = detachKeys.length > 0 ? detachMatcher(detachKeys) : undefined;
  for await (const chunk of world.stdin.chunks()) {
    const { pass, detached } = feed?.(chunk) ?? { pass: chunk, detached: false };
    try {
      if (pass.length > 0) await session.write(pass);
    } catch {
      // The process closed its stdin or has ended; session.exit says which, and how.
      return new Promise(() => {});
    }
    if (detached) return { type: 'detached' };
  }
  session.closeStdin();
  return new Promise(() => {});
}
