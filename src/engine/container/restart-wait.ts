/** Starting a container again by its policy: who waits for the moment, and how such a process comes to be. */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { containerById } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { startAgain } from './start.ts';

/** Milliseconds after which the row is looked at again: somebody may have stopped or removed the container meanwhile. */
const look = 500;

/** Resolves when the container was started, or is not to be started any more. */
export async function restartWhenDue(context: Context, id: string): Promise<void> {
  for (;;) {
    const row = containerById(context.store.database, id);
    if (row === undefined || row.state !== 'exited' || row.restartAt === null) return;
    const left = row.restartAt - Date.now();
    // A clock that was set back must not keep it waiting: no wait is longer than the one that was chosen.
    if (left <= 0 || left > row.restartWait) break;
    await pause(Math.min(left, look));
  }
  await startAgain(context, id);
}

/** Starts a program that outlives this one. With no program nobody is started: the next operation sees to it. */
export function runDetached([program, ...args]: readonly string[]): void {
  if (program === undefined) return;
  const child = spawn(program, args, { detached: true, stdio: 'ignore' });
  // It is an attempt: whoever looks at the container later makes another one.
  child.on('error', () => {});
  child.unref();
}
