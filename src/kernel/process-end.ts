/** The end of this very process, and its limits. */
import { addon, native } from './addon.ts';

/**
 * Ends this process at once (_exit(2)): no exit handler runs and no library closes what it holds. The last one to close
 * a SQLite database would empty and delete its log, with three fsyncs, and the next process begin a new one with two.
 */
export function endProcess(status: number): never {
  return addon().exitNow(status);
}

/**
 * As many descriptors as this process may have, for one that serves many. Not for one that starts others: they would get
 * the limit, too.
 */
export function raiseDescriptorLimit(): void {
  native('raise the limit of descriptors', (calls) => calls.raiseDescriptorLimit());
}
