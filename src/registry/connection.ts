/**
 * One request and its answer over fetch(), with limits on waiting: for the answer to begin, and for each further piece
 * of it. A registry that goes quiet must not hold a pull for ever. Redirects are left to the caller.
 */
import { OnggiError } from '../errors.ts';
import { isLoopback } from './host.ts';

export type ConnectionLimits = {
  /** Milliseconds until the answer begins. */
  readonly answer: number;
  /** Milliseconds between two pieces of a body, counted only while somebody waits for one. */
  readonly stall: number;
};

export const defaultConnectionLimits: ConnectionLimits = { answer: 30_000, stall: 30_000 };

/** An answer whose body is still coming. Disposing of it ends the request, wherever it is. */
export type Connection = Disposable & {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  /** The next piece of the body; undefined after the last one. */
  read(): Promise<Uint8Array | undefined>;
};

export type RequestInit = {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

/**
 * @throws what fetch() throws when the connection breaks, here and in `read`; OnggiError `unavailable` when a limit is
 *   reached; the reason of `signal` when it is aborted
 */
export async function connect(
  url: URL,
  init: RequestInit,
  limits: ConnectionLimits,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const end = (): void => {
    signal?.removeEventListener('abort', onAbort);
    controller.abort();
  };
  try {
    const options = { ...init, redirect: 'manual', signal: controller.signal, ...direct(url) } as const;
    const response = await within(limits.answer, 'no answer', controller, fetch(url, options));
    const reader = response.body?.getReader();
    const read = async (): Promise<Uint8Array | undefined> => {
      if (reader === undefined) return undefined;
      const { value } = await within(limits.stall, 'no further bytes', controller, reader.read());
      return value;
    };
    return { url, status: response.status, headers: response.headers, read, [Symbol.dispose]: end };
  } catch (error) {
    end();
    throw error;
  }
}

/**
 * Bun sends requests to this very machine through the proxy of HTTP_PROXY too, if NO_PROXY does not name each address;
 * then credentials in plain text would leave the machine. Node knows no such option and uses no proxy by itself.
 */
function direct(url: URL): object {
  return isLoopback(url) ? { proxy: false } : {};
}

/** Races, since a runtime may need a while to notice that a request was aborted. */
async function within<T>(limit: number, what: string, controller: AbortController, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new OnggiError('unavailable', `${what} for ${limit / 1000} s`);
    late.reject(error);
    controller.abort(error);
  }, limit);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The body of a small answer, at most `limit` bytes of it; what is longer is cut off and its connection closed.
 * @returns the bytes, and whether that was all
 */
export async function readSmall(
  connection: Connection,
  limit: number,
): Promise<{ readonly bytes: Buffer; readonly whole: boolean }> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let piece = await connection.read(); piece !== undefined; piece = await connection.read()) {
    pieces.push(piece);
    size += piece.length;
    if (size > limit) return { bytes: Buffer.concat(pieces).subarray(0, limit), whole: false };
  }
  return { bytes: Buffer.concat(pieces), whole: true };
}
