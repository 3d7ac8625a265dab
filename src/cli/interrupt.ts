/** Work that SIGINT and SIGTERM end in good order. */
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';

export async function interruptible<T>(
  context: Context,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  using _ = context.signals.on(['SIGINT', 'SIGTERM'], () =>
    abort.abort(new OnggiError('cancelled', `${what} interrupted`)),
  );
  return await work(abort.signal);
}
