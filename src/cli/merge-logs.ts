/** Several logs as one. Pure. */
import type { LogEntry } from '../engine/types.ts';

export type Sourced = { readonly source: number; readonly entry: LogEntry };

/**
 * In the order of time when the logs are at rest; as they come (`live`) when they go on, for nobody knows what is still to
 * come of the others.
 */
export async function* mergeLogs(
  logs: readonly AsyncIterable<LogEntry>[],
  live: boolean,
): AsyncGenerator<Sourced, void, undefined> {
  const iterators = logs.map((log) => log[Symbol.asyncIterator]());
  const ask = async (source: number) => ({ source, result: await iterators[source]?.next() });
  const asked = new Map(iterators.map((_, source) => [source, ask(source)]));
  try {
    while (asked.size > 0) {
      const heads = live ? [await Promise.race(asked.values())] : await Promise.all(asked.values());
      const first = earliest(
        heads.flatMap(({ source, result }) => (result?.done === false ? [{ source, entry: result.value }] : [])),
      );
      for (const { source, result } of heads) if (result?.done !== false) asked.delete(source);
      if (first === undefined) continue;
      yield first;
      asked.set(first.source, ask(first.source));
    }
  } finally {
    // Those that wait for more are not waited for.
    for (const iterator of iterators) iterator.return?.()?.catch(() => {});
  }
}

/** The times of a log are all of one length and zone. */
function earliest(heads: readonly Sourced[]): Sourced | undefined {
  let first: Sourced | undefined;
  for (const head of heads) if (first === undefined || head.entry.time < first.entry.time) first = head;
  return first;
}
