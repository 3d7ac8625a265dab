/**
 * One request and its answer, with limits on waiting: for the answer to begin, for each further piece of it, and for
 * each piece that is sent to be taken. A registry that goes quiet must not hold anybody for ever. Redirects are left to
 * the caller.
 */
import { OnggiError } from '../errors.ts';
import { type Body, exchange, type RequestInit } from './exchange.ts';
import type { Route } from './route.ts';

export type { Body, Method, RequestInit } from './exchange.ts';

export type ConnectionLimits = {
  /** Milliseconds until the answer begins. */
  readonly answer: number;
  /** Milliseconds between two pieces of a body, counted only while somebody waits for one. */
  readonly stall: number;
  /** Milliseconds until the answer begins once a blob was sent: the registry may copy and hash it first. */
  readonly commit: number;
  /** Milliseconds of waiting in which at least `leastBytes` of a body must come; absent: `slowTime`. */
  readonly slow?: number;
};

/** Some 140 bytes a second: less is no line, but somebody who keeps us by a byte now and then. */
const leastBytes = 16 * 1024;
const slowTime = 120_000;

export const defaultConnectionLimits: ConnectionLimits = { answer: 30_000, stall: 30_000, commit: 600_000 };

/** An answer whose body is still coming. Disposing of it ends the request, wherever it is. */
export type Connection = Disposable & {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  /** The next piece of the body; undefined after the last one. */
  read(): Promise<Uint8Array | undefined>;
};

export type Way = { readonly limits: ConnectionLimits; readonly route: Route };

/**
 * @throws what the runtime throws when the connection breaks, here and in `read`; OnggiError `unavailable` when a limit
 *   is reached; the reason of `signal` when it is aborted
 */
export async function connect(
  url: URL,
  init: RequestInit,
  { limits, route }: Way,
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
  using watch = watchOver(controller);
  try {
    const body = watched(init.body, limits, watch);
    const { method, headers } = init;
    watch.start(limits.answer, 'no answer');
    const request = { method, headers, ...(body !== undefined && { body }) };
    const answer = await Promise.race([exchange(url, request, route, controller.signal), watch.late]);
    const checkPace = paceOf(limits);
    const read = async (): Promise<Uint8Array | undefined> => {
      using waiting = watchOver(controller);
      waiting.start(limits.stall, 'no further bytes');
      const begun = performance.now();
      const piece = await Promise.race([answer.read(), waiting.late]);
      if (piece !== undefined) checkPace(piece.length, performance.now() - begun);
      return piece;
    };
    return { url, status: answer.status, headers: answer.headers, read, [Symbol.dispose]: end };
  } catch (error) {
    end();
    throw error;
  }
}

/** Only the time in which somebody waited counts. @throws OnggiError `unavailable` */
function paceOf({ slow = slowTime }: ConnectionLimits): (bytes: number, waited: number) => void {
  let came = 0;
  let time = 0;
  return (bytes, waited) => {
    came += bytes;
    time += waited;
    if (time < slow) return;
    if (came < leastBytes)
      throw new OnggiError('unavailable', `only ${came} bytes in ${Math.round(time / 100) / 10} s`);
    came = 0;
    time = 0;
  };
}

type Watch = Disposable & {
  /** Rejects when the time is over; a race, since a runtime may need a while to notice that a request was aborted. */
  readonly late: Promise<never>;
  /** Counts from now, in place of what was counted before. */
  start(limit: number, what: string): void;
  stop(): void;
};

function watchOver(controller: AbortController): Watch {
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const stop = (): void => clearTimeout(timer);
  return {
    late: late.promise,
    start(limit, what) {
      stop();
      // An answer may come before all was sent.
      if (over) return;
      timer = setTimeout(() => {
        const error = new OnggiError('unavailable', `${what} for ${limit / 1000} s`);
        late.reject(error);
        controller.abort(error);
      }, limit);
    },
    stop,
    [Symbol.dispose]() {
      over = true;
      stop();
    },
  };
}

/** The time that the source of a body takes is its own; that until a piece is taken is the registry's. */
function watched(body: Body | undefined, limits: ConnectionLimits, watch: Watch): Body | undefined {
  if (typeof body !== 'object' || !('chunks' in body)) return body;
  const { chunks, size } = body;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    watch.stop();
    for await (const chunk of chunks) {
      watch.start(limits.stall, 'no bytes taken');
      yield chunk;
      watch.stop();
    }
    watch.start(limits.commit, 'no answer');
  };
  return { size, chunks: counted() };
}

/** Milliseconds for all of a small answer. */
const smallTime = 120_000;

/**
 * The body of a small answer, at most `limit` bytes of it; what is longer is cut off and its connection closed.
 * @returns the bytes, and whether that was all
 */
export async function readSmall(
  connection: Connection,
  limit: number,
): Promise<{ readonly bytes: Buffer; readonly whole: boolean }> {
  const pieces: Uint8Array[] = [];
  const begun = performance.now();
  let size = 0;
  for (let piece = await connection.read(); piece !== undefined; piece = await connection.read()) {
    pieces.push(piece);
    size += piece.length;
    if (size > limit) return { bytes: Buffer.concat(pieces).subarray(0, limit), whole: false };
    // One byte now and then is no stall, but would keep us for days.
    if (performance.now() - begun > smallTime)
      throw new OnggiError('unavailable', `not whole after ${smallTime / 1000} s`);
  }
  return { bytes: Buffer.concat(pieces), whole: true };
}
