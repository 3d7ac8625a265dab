/** Processes whose parent has ended and that become ours (prctl(2), PR_SET_CHILD_SUBREAPER). */
import { setTimeout as pause } from 'node:timers/promises';
import { native } from './addon.ts';

/** From now on orphans among the descendants of this process become its children; each is to be waited for. */
export function adoptOrphans(): void {
  native('become a subreaper', (addon) => addon.becomeSubreaper());
}

/** Milliseconds between two looks: nobody tells an event loop that a process it has not started itself has ended. */
const interval = 10;

/** Waits for a child that this process has not started. @returns its exit status, and the signal that ended it or 0 */
export async function orphanExit(pid: number): Promise<{ readonly exitCode: number; readonly signal: number }> {
  for (;;) {
    const status = native(`wait for process ${pid}`, (addon) => addon.reapProcess(pid));
    // The macros of wait(2).
    if (status !== undefined) return { exitCode: (status >> 8) & 0xff, signal: status & 0x7f };
    await pause(interval);
  }
}
