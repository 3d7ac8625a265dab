/**
 * The table of the containers that run, straight out of the rows. With hundreds it takes a fifth of the time of one that is
 * made of summaries: commands that are over at once run without JavaScript's compiler (scripts/seal-executable.ts).
 */
import { native } from '../../kernel/addon.ts';
import { hasUnlisted, upContainerLines } from '../../store/container-lines.ts';
import { beginLook } from '../container/ended.ts';
import { settleStale } from '../container/reconcile.ts';
import type { Context } from '../context.ts';
import type { DurationStep, TableShape } from '../types.ts';

/** Newest first. Undefined where lists show what the row of one of them does not tell. */
export async function upContainersTable(context: Context, shape: TableShape): Promise<string | undefined> {
  const { database } = context.store;
  if (hasUnlisted(database)) return undefined;
  using look = beginLook(context.store);
  const found = upContainerLines(database);
  if (found === undefined) return undefined;
  const rows = (await settleStale(context, look)) ? upContainerLines(database) : found;
  if (rows === undefined) return undefined;
  const { headings, now, least, gap, durations } = shape;
  const lines = `${headings.join('\t')}\n${rows}`;
  return native('make a table', (calls) => calls.table(lines, now, least, gap, durations.map(stepText)));
}

function stepText(step: DurationStep): string {
  return `${step.below} ${step.each === undefined ? '0 0' : `${step.each} ${step.early}`} ${step.words}`;
}
