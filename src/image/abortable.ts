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
  let failure: OnggiError | undefined;
  let giveUp: (error: OnggiError) => void = () => {};
  const onAbort = (): void => {
    failure = new OnggiError('cancelled', `${what}: given up`, { cause: signal.reason });
    giveUp(failure);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      if (failure !== undefined) throw failure;
      // Not by Promise.race with one promise for the whole stream, which would keep every piece until the end.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Without waiting: a source that is stuck would not answer.
    iterator.return?.()?.catch(() => {});
  }
}
