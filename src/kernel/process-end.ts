/** The end of this very process. */
import { addon } from './addon.ts';

/**
 * Ends this process at once (_exit(2)): no exit handler runs and no library closes what it holds. The last one to close
 * a SQLite database would empty and delete its log, with three fsyncs, and the next process begin a new one with two.
 */
export function endProcess(status: number): never {
  return addon().exitNow(status);
}
