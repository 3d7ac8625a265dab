/** Streams that somebody may give up on. Pure. */
import { OnggiError } from '../errors.ts';

/** Gives up at once, also while nothing comes (a terminal, a pipe that nobody writes to). */
export async function* abortable(
  source: AsyncIterable<Uint8Array>,
  what: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new OnggiError('cancelled', `${what}: given up`, { cause: signal.reason }));
  aborted.catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      const next = await Promise.race([aborted, iterator.next()]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Without waiting: a source that is stuck would not answer.
    iterator.return?.()?.catch(() => {});
  }
}
