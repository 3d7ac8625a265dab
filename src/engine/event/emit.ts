/** Telling what has happened. On the path of every command: loads nothing and costs one write. */
import { native } from '../../kernel/addon.ts';
import { appendEvents } from '../../store/event-log.ts';
import type { Store } from '../../store/store.ts';
import { encodeEvent } from './line.ts';
import type { News } from './news.ts';

/** Of the last event of this process: events have an order, whatever the clock does. */
let last = 0n;

function now(): bigint {
  const time = native('tell the time', (calls) => calls.now());
  last = time > last ? time : last + 1n;
  return last;
}

/** All of them by one write. Never fails: what can't be told is lost. */
export function emit(store: Store, ...news: readonly News[]): void {
  if (news.length === 0) return;
  appendEvents(store.layout, news.map((each) => encodeEvent({ ...each, time: now() })).join(''));
}
