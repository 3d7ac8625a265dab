/**
 * A connection to a running shim. Events arrive in the order in which the shim said them, and only as fast as they are
 * read: while nobody asks for the next one the socket is paused, the shim's buffer fills, and the container's write
 * blocks. Nothing is dropped.
 */
import { fromSystemError, OnggiError } from '../errors.ts';
import { type ClientFrame, decodeFrames, encodeFrame, type Interest, nothing, type ShimEvent } from './frame.ts';
import { connectLocally, type LocalConnection } from './local-connection.ts';
import { accept, type ClientState } from './shim-protocol.ts';
import { socketAddress } from './socket-address.ts';
import { openStdin, type StdinChannel } from './stdin-channel.ts';

export type { ExitReport, Interest, ShimEvent, StepReport } from './frame.ts';

export interface ShimClient extends Disposable {
  /**
   * Every event up to and including `exit`, once; for one reader. Ends early, without error, after `close()`.
   * Throws OnggiError `unavailable` when the shim goes away before `exit`, `corrupt` when it breaks the protocol.
   */
  readonly events: AsyncGenerator<ShimEvent, void, undefined>;
  /** Lets the created container run. @throws OnggiError `conflict` unless its last status was `created` */
  start(): void;
  /** To the container's stdin; resolves when the kernel has taken the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  closeStdin(): void;
  resize(rows: number, columns: number): void;
  /** Sends a signal to the init; the shim records this process as its sender. Resolves when the kernel has the message. */
  signal(signal: number): Promise<void>;
  /** Has it check the health of its container; an event `health` answers. The shim closes where there is no check. */
  check(): void;
  /** Ends every process of the container. */
  killAll(): void;
  /** Has the shim run its reconcile command that long after the last client has left. Resolves when the kernel has the message. */
  linger(milliseconds: number): Promise<void>;
  /** Leaves; what runs, runs on. Idempotent. */
  close(): void;
}

/**
 * Connects and says HELLO.
 *
 * @param signal gives up connecting
 * @throws OnggiError `not-found` (no such socket), `unavailable` (nobody listens), `cancelled`
 */
export async function connectShim(path: string, interest: Interest, signal?: AbortSignal): Promise<ShimClient> {
  const connection = await connected(path, signal);
  const client = clientOf(connection, path);
  // A shim that goes away at once is told by the events.
  connection.write(encodeFrame({ type: 'hello', interest })).catch(() => {});
  return client;
}

async function connected(path: string, signal: AbortSignal | undefined): Promise<LocalConnection> {
  if (signal?.aborted) throw cancelled(path, signal);
  using address = socketAddress(path);
  let connection: LocalConnection;
  try {
    connection = await connectLocally(address.path);
  } catch (error) {
    throw fromSystemError(error, `connect to shim "${path}"`);
  }
  if (!signal?.aborted) return connection;
  connection.close();
  throw cancelled(path, signal);
}

function cancelled(path: string, signal: AbortSignal): OnggiError {
  return new OnggiError('cancelled', `connect to shim "${path}": given up`, { cause: signal.reason });
}

function stdinOf(path: string): StdinChannel {
  using address = socketAddress(path);
  return openStdin(address.path);
}

function clientOf(connection: LocalConnection, path: string): ShimClient {
  let state: ClientState = 'greeted';
  let closed = false;
  let channel: StdinChannel | undefined;
  const close = (): void => {
    closed = true;
    channel?.[Symbol.dispose]();
    connection.close();
  };
  const stdin = (): StdinChannel => {
    if (closed) throw new OnggiError('unavailable', `write to shim "${path}": the connection is closed`);
    channel ??= stdinOf(path);
    return channel;
  };
  const send = (frame: ClientFrame): void => {
    // A shim that has gone is told by the reader.
    if (!closed) connection.write(encodeFrame(frame)).catch(() => {});
  };
  const written = async (frame: ClientFrame): Promise<void> => {
    if (closed) throw new OnggiError('unavailable', `write to shim "${path}": the connection is closed`);
    try {
      await connection.write(encodeFrame(frame));
    } catch (error) {
      throw fromSystemError(error, `write to shim "${path}"`);
    }
  };

  async function* read(): AsyncGenerator<ShimEvent, void, undefined> {
    let rest = nothing;
    try {
      // Not closed at the end of reading: to a client that reconciles, its own close is a message to the shim.
      for await (const chunk of connection.chunks) {
        const decoded = decodeFrames(rest, chunk);
        rest = decoded.rest;
        for (const event of decoded.events) {
          state = accept(state, event);
          yield event;
          if (state === 'ended') return;
        }
      }
    } catch (error) {
      if (closed) return;
      throw fromSystemError(error, `read from shim "${path}"`);
    }
    if (!closed) throw new OnggiError('unavailable', `read from shim "${path}": it went away before the exit`);
  }

  return {
    events: read(),
    start() {
      if (state !== 'created') {
        throw new OnggiError('conflict', `start: the container is "${state}", not "created"`);
      }
      send({ type: 'start' });
    },
    write: async (bytes) => await stdin().write(bytes),
    closeStdin() {
      const end = async (): Promise<void> => await stdin().end();
      // A shim that has gone needs no end of input.
      end().catch(() => {});
    },
    resize: (rows, columns) => send({ type: 'resize', rows, columns }),
    signal: (signal) => written({ type: 'signal', signal }),
    check: () => send({ type: 'check' }),
    killAll: () => send({ type: 'kill-all' }),
    linger: (milliseconds) => written({ type: 'linger', milliseconds }),
    close,
    [Symbol.dispose]: close,
  };
}
