/** The events of a pull or push on their way from many layers to one reader. */
import type { PullEvent, PushEvent } from '../types.ts';

export type TransferEvents<E> = AsyncIterable<E> & {
  put(event: E): void;
  /** Nothing comes any more; the reader ends after what is waiting, with `failure` if there is one. */
  end(failure?: { readonly error: unknown }): void;
};

/**
 * Keeps what the reader has not taken yet. Of the progress of one layer that is only the latest, so a slow reader
 * costs no memory and slows nothing down.
 */
export function makeTransferEvents<E extends PullEvent | PushEvent = PullEvent>(): TransferEvents<E> {
  // A map, for it keeps the order of what is new and replaces what is known.
  const waiting = new Map<string, E>();
  let count = 0;
  let ended = false;
  let failed: { readonly error: unknown } | undefined;
  let news = Promise.withResolvers<void>();
  const tell = (): void => {
    news.resolve();
    news = Promise.withResolvers<void>();
  };
  return {
    put(event) {
      count += 1;
      waiting.set(event.type === 'layer-progress' ? event.digest : `#${count}`, event);
      tell();
    },
    end(failure) {
      ended = true;
      failed = failure;
      tell();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const told = news.promise;
        for (const [key, event] of waiting) {
          waiting.delete(key);
          yield event;
        }
        if (ended && waiting.size === 0) break;
        if (waiting.size === 0) await told;
      }
      if (failed !== undefined) throw failed.error;
    },
  };
}

export type Transfer<E> = { readonly put: (event: E) => void; readonly signal: AbortSignal };

/** What `work` tells while it goes on, to whoever reads; leaving the loop early ends it. @throws what `work` throws */
export async function* transferEvents<E extends PullEvent | PushEvent>(
  outer: AbortSignal | undefined,
  work: (transfer: Transfer<E>) => Promise<void>,
): AsyncGenerator<E> {
  const stop = new AbortController();
  const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]);
  const events = makeTransferEvents<E>();
  const done = work({ put: events.put, signal }).then(
    () => events.end(),
    (error: unknown) => events.end({ error }),
  );
  try {
    yield* events;
  } finally {
    stop.abort();
    await done;
  }
}
