/** `events`: what has happened in the store, and what happens from now on, by whatever process. */
import { type Changes, watchChanges } from '../../kernel/watch.ts';
import { type EventFile, makeEventDirectory, openEventFiles } from '../../store/event-log.ts';
import type { Context } from '../context.ts';
import type { EngineEvent, EventQuery } from '../types/event.ts';
import { eventFilter } from './filter.ts';
import { decodeEvent } from './line.ts';

/** @throws OnggiError `invalid` (filter, order of the times) */
export async function* events(
  { store }: Context,
  query: EventQuery,
  signal?: AbortSignal,
): AsyncGenerator<EngineEvent, void, undefined> {
  const wanted = eventFilter(query.filters ?? []);
  const { since, until } = query;
  const first = since === undefined ? 0n : nanoseconds(since);
  const end = until === undefined ? undefined : nanoseconds(until);
  const matches = (event: EngineEvent) =>
    event.time >= first && (end === undefined || event.time <= end) && wanted(event);
  const past = until !== undefined && until <= Date.now();
  if (!past) makeEventDirectory(store.layout);
  // Watched before the first look, so that nothing falls between the two.
  using changes = past ? undefined : changesOf(store.layout.events, until, signal);
  const open = openEventFiles(store.layout);
  try {
    if (since === undefined && until === undefined) for (const file of open) file.skip();
    for (let over = false; ; ) {
      for (const event of drain(open)) if (matches(event)) yield event;
      if (changes === undefined || over) return;
      // One look more after the end: what came before it counts.
      over = (await changes.next()) === 'over';
      open.push(...openEventFiles(store.layout, open.at(-1)?.inode));
    }
  } finally {
    for (const file of open) file[Symbol.dispose]();
  }
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n;
}

/** All that is there now. The file before the last one is kept: somebody may just be writing to it. */
function* drain(open: EventFile[]): Generator<EngineEvent, void, undefined> {
  for (const file of open) {
    for (const line of file.lines()) {
      const event = decodeEvent(line);
      if (event !== undefined) yield event;
    }
  }
  for (const file of open.splice(0, open.length - 2)) file[Symbol.dispose]();
}

/** setTimeout takes 31 bits of milliseconds. */
const longestWait = 2 ** 31 - 1;

function changesOf(directory: string, until: number | undefined, signal: AbortSignal | undefined): Changes {
  const changes = watchChanges([directory], signal);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (): void => {
    const left = (until ?? 0) - Date.now();
    if (left <= 0) changes.finish();
    else timer = setTimeout(wait, Math.min(left, longestWait));
  };
  if (until !== undefined) wait();
  return {
    ...changes,
    [Symbol.dispose]() {
      changes[Symbol.dispose]();
      clearTimeout(timer);
    },
  };
}
