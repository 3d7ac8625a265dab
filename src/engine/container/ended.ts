/** Whether a container has ended, and how: what every look at one asks. Touches nothing. */
import { native } from '../../kernel/addon.ts';
import { isLocked } from '../../kernel/lock.ts';
import { isAlive } from '../../kernel/process-identity.ts';
import { type ContainerRow, runningProcesses } from '../../store/container-row.ts';
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

const looking = 'look at the containers that run';

/** A look at all containers whose rows say that they run, by a thread: to ask of three hundred takes a millisecond. */
export interface Look extends Disposable {
  /** Ids of those that seem to have ended. Waits for the look. */
  ended(): readonly string[];
}

/** One call looks at all of them, and opens nothing of those whose shims hold a claim (native/system/alive.h). */
export function beginLook({ database, layout }: Store): Look {
  const lines = runningProcesses(database);
  let found: readonly string[] | undefined;
  const ahead = lines === '' ? 0 : native(looking, (calls) => calls.endedAhead(layout.containers, layout.alive, lines));
  const ended = (): readonly string[] => {
    found ??= ahead === 0 ? [] : native(looking, (calls) => calls.endedFound(ahead));
    return found;
  };
  return { ended, [Symbol.dispose]: ended };
}

function seemsEnded({ layout }: Store, { id, pid, pidStartTime }: ContainerRow): boolean {
  const line = `${id} ${pid ?? 0} ${pidStartTime ?? 0}`;
  return native(looking, (calls) => calls.ended(layout.containers, layout.alive, line)).length > 0;
}

/** Whether a container whose row says that it has a process has ended; its shim may still be writing how. */
export function hasEnded(store: Store, row: ContainerRow): boolean {
  if (row.state === 'running' && !seemsEnded(store, row)) return false;
  const { pid, pidStartTime: startTime } = row;
  if (pid !== null && startTime !== null && !isAlive({ pid, startTime })) return true;
  return foundEnding(store, row) !== undefined;
}
