/** Stopping and starting again. */
import { allowRemount } from '../../image/snapshot.ts';
import { parseSignal } from '../../runtime/signal.ts';
import { containerStates, updateContainer } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import type { StopOptions } from './containers.ts';
import { stop } from './end.ts';
import { lookUp } from './look-up.ts';
import { startDetached } from './start.ts';

/**
 * One that is to be removed at its end is kept while it is stopped, as with Docker: from here until its next start it
 * is an ordinary container, so a restart that is killed half-way loses nothing.
 */
export async function restart(context: Context, ref: string, options: StopOptions): Promise<void> {
  if (options.signal !== undefined) parseSignal(options.signal);
  const { id, row, files } = await lookUp(context, ref);
  const { database } = context.store;
  if (row.autoRemove) updateContainer(database, id, containerStates, { autoRemove: false });
  await stop(context, id, options);
  if (row.autoRemove) {
    allowRemount(files);
    updateContainer(database, id, containerStates, { autoRemove: true });
  }
  await startDetached(context, id);
  emit(context.store, containerNews(await lookUp(context, id), 'restart'));
}
