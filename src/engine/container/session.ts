/** A `Session` over a shim connection. */
import { OnggiError } from '../../errors.ts';
import type { ExitReport, ShimClient } from '../../kernel/shim-client.ts';
import type { Ending, Session } from '../types.ts';

type Output = { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array };

export type SessionEnd = {
  /** The process has ended and its output is complete: settle its record, then tell how it ended. */
  ended(report: ExitReport): Promise<Ending>;
  /** The shim went away without a word. */
  lost(): Promise<Ending>;
};

/** What there is to tell of somebody who is attached. */
export type SessionNews = {
  resized(rows: number, columns: number): void;
  /** He has left, and the process goes on. */
  detached(): void;
};

/**
 * Bytes of unread output that are kept, so that a caller who only waits for the exit gets it when there was little
 * output. Beyond that the container's writes block until somebody reads.
 */
const unreadLimit = 1 << 20;

/** @param early output that came with the start, to be delivered first */
export function openSession(
  client: ShimClient,
  end: SessionEnd,
  early: readonly Output[] = [],
  news?: SessionNews,
): Session {
  const queue: Output[] = [...early];
  let unread = 0;
  let finished = false;
  let closed = false;
  let wakeReader: (() => void) | undefined;
  let wakePump: (() => void) | undefined;

  async function pump(): Promise<Ending> {
    let report: ExitReport | undefined;
    try {
      for await (const event of client.events) {
        if (event.type === 'exit') report = event;
        if (event.type !== 'output') continue;
        queue.push(event);
        unread += event.bytes.length;
        wakeReader?.();
        if (unread > unreadLimit) await new Promise<void>((resolve) => (wakePump = resolve));
      }
    } catch (error) {
      if (!(error instanceof OnggiError) || error.code !== 'unavailable') throw error;
    } finally {
      finished = true;
      wakeReader?.();
    }
    if (closed) throw new OnggiError('cancelled', 'wait for exit: the session was closed before');
    const ending = report === undefined ? await end.lost() : await end.ended(report);
    client.close();
    return ending;
  }

  const exit = pump();
  // A caller that never asks for the exit must not be ended by an unhandled rejection.
  exit.catch(() => {});

  async function* output(): AsyncGenerator<Output, void, undefined> {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) {
        unread = Math.max(0, unread - next.bytes.length);
        if (unread <= unreadLimit) wakePump?.();
        yield next;
      } else if (finished) {
        return;
      } else {
        await new Promise<void>((resolve) => (wakeReader = resolve));
      }
    }
  }

  const close = (why?: 'detached'): void => {
    if (why === 'detached' && !closed) news?.detached();
    closed = true;
    wakePump?.();
    client.close();
  };
  return {
    output: output(),
    write: (bytes) => client.write(bytes),
    closeStdin: () => client.closeStdin(),
    resize(rows, columns) {
      client.resize(rows, columns);
      news?.resized(rows, columns);
    },
    signal(signal) {
      // A process that has just ended can't be told any more; its exit says so.
      client.signal(signal).catch(() => {});
    },
    exit,
    close,
    async [Symbol.asyncDispose]() {
      close();
    },
  };
}
