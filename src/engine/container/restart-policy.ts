/** When a container that has ended is to run again (moby, restartmanager). Pure. */
import type { RestartPolicy } from '../types.ts';

/** Milliseconds: the first wait, the longest one, and how long it must have run for the waits to begin anew. */
const [firstWait, longestWait, steady] = [100, 60_000, 10_000];

export type LastRun = {
  readonly exitCode: number;
  /** Milliseconds. */
  readonly ranFor: number;
  /** Somebody has stopped it. */
  readonly stopped: boolean;
  /** Restarts by its policy up to now, and the wait before the last one. */
  readonly count: number;
  readonly wait: number;
};

/** @returns milliseconds from its end to its next start; null when it is to stay ended */
export function nextRestart(policy: RestartPolicy | undefined, last: LastRun): number | null {
  if (policy === undefined || policy.name === 'no' || last.stopped) return null;
  if (policy.name === 'on-failure') {
    if (last.exitCode === 0) return null;
    if (policy.maximumRetries > 0 && last.count >= policy.maximumRetries) return null;
  }
  if (last.wait === 0 || last.ranFor >= steady) return firstWait;
  return Math.min(last.wait * 2, longestWait);
}
