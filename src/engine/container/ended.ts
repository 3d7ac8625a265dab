/** Whether a container has ended, and how: what every look at one asks. Touches nothing. */
import { isLocked } from '../../kernel/lock.ts';
import { isAlive } from '../../kernel/process-identity.ts';
import type { ContainerRow } from '../../store/container-row.ts';
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

/** Whether a container whose row says "running" has ended; its shim may still be writing how. */
export function hasEnded(store: Store, row: ContainerRow): boolean {
  const { pid, pidStartTime: startTime } = row;
  if (pid !== null && startTime !== null && !isAlive({ pid, startTime })) return true;
  return foundEnding(store, row) !== undefined;
}
