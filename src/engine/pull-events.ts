/** The events of a pull on their way from many layers to one reader. */
import type { PullEvent } from './types.ts';

export type PullEvents = AsyncIterable<PullEvent> & {
  put(event: PullEvent): void;
  /** Nothing comes any more; the reader ends after what is waiting, with `failure` if there is one. */
  end(failure?: { readonly error: unknown }): void;
};

/**
 * Keeps what the reader has not taken yet. Of the progress of one layer that is only the latest, so a slow reader
 * costs no memory and slows nothing down.
 */
export function makePullEvents(): PullEvents {
  // A map, for it keeps the order of what is new and replaces what is known.
  const waiting = new Map<string, PullEvent>();
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
      const progress = event.type === 'layer-progress';
      count += 1;
      waiting.set(progress ? event.digest : `#${count}`, event);
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
