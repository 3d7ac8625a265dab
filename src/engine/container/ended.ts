/** Whether a container has ended, and how: what every look at one asks. Touches nothing. */
import { native } from '../../kernel/addon.ts';
import { isLocked } from '../../kernel/lock.ts';
import { isAlive } from '../../kernel/process-identity.ts';
import type { ContainerRow, ListedContainer } from '../../store/container-row.ts';
import type { Store } from '../../store/store.ts';
import { filesOf } from './container.ts';
import { type FoundEnding, lostEnding, readEnding } from './ending.ts';

/** The ending of a container whose row says that it lives; undefined while it does live. */
export function foundEnding(store: Store, row: ContainerRow): FoundEnding | undefined {
  const files = filesOf(store, row.id);
  const recorded = readEnding(files.exit);
  if (recorded !== undefined) return recorded;
  // Order matters: the record is written before the lock is let go, so look again after the lock was seen free.
  if (isLocked(files.shimLock)) return undefined;
  return readEnding(files.exit) ?? readEnding(files.recorded) ?? nobodysEnding();
}

/** What there is to say when neither the shim nor its record is there. */
export function nobodysEnding(): FoundEnding {
  return { ending: lostEnding(Date.now()), released: false };
}

/**
 * Of these, those that seem to have ended though their rows say that they run. One call looks at all of them, and opens
 * nothing of those whose shims hold a claim (native/system/alive.h): of three hundred, each by itself takes 25 ms.
 * @returns ids
 */
export function endedAmong({ layout }: Store, rows: readonly ListedContainer[]): string[] {
  let lines = '';
  for (const { state, id, pid, pidStartTime } of rows) {
    if (state === 'running') lines += `${id} ${pid ?? 0} ${pidStartTime ?? 0}\n`;
  }
  if (lines === '') return [];
  return native('look at the containers that run', (calls) => calls.ended(layout.containers, layout.alive, lines));
}

/** Whether a container whose row says that it has a process has ended; its shim may still be writing how. */
export function hasEnded(store: Store, row: ContainerRow): boolean {
  if (row.state === 'running' && endedAmong(store, [row]).length === 0) return false;
  const { pid, pidStartTime: startTime } = row;
  if (pid !== null && startTime !== null && !isAlive({ pid, startTime })) return true;
  return foundEnding(store, row) !== undefined;
}
