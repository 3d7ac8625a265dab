/**
 * A connection to a running shim. Events arrive in the order in which the shim said them, and only as fast as they are
 * read: while nobody asks for the next one the socket is paused, the shim's buffer fills, and the container's write
 * blocks. Nothing is dropped.
 */
import type { Socket } from 'node:net';
import { fromSystemError, OnggiError } from '../errors.ts';
import { type ClientFrame, decodeFrames, encodeFrame, type Interest, nothing, type ShimEvent } from './frame.ts';
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

/** Loads what `connectShim` needs, 2 ms of it, for those who have to wait for a shim anyway. */
export async function loadClient(): Promise<void> {
  await import('node:net');
}

/**
 * Connects and says HELLO.
 *
 * @param signal gives up connecting
 * @throws OnggiError `not-found` (no such socket), `unavailable` (nobody listens), `cancelled`
 */
export async function connectShim(path: string, interest: Interest, signal?: AbortSignal): Promise<ShimClient> {
  const { connect } = await import('node:net');
  const socket = await connected(path, connect, signal);
  socket.write(encodeFrame({ type: 'hello', interest }));
  return clientOf(socket, path);
}

function connected(path: string, connect: (path: string) => Socket, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(cancelled(path, signal));
      return;
    }
    const address = socketAddress(path);
    const socket = connect(address.path);
    const settle = (act: () => void): void => {
      address[Symbol.dispose]();
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      act();
    };
    const onError = (error: Error): void => settle(() => reject(fromSystemError(error, `connect to shim "${path}"`)));
    const onAbort = (): void =>
      settle(() => {
        socket.destroy();
        reject(cancelled(path, signal));
      });
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => settle(() => resolve(socket)));
  });
}

function cancelled(path: string, signal: AbortSignal | undefined): OnggiError {
  return new OnggiError('cancelled', `connect to shim "${path}": given up`, { cause: signal?.reason });
}

function stdinOf(path: string): StdinChannel {
  using address = socketAddress(path);
  return openStdin(address.path);
}

function clientOf(socket: Socket, path: string): ShimClient {
  let state: ClientState = 'greeted';
  let closed = false;
  let channel: StdinChannel | undefined;
  const close = (): void => {
    closed = true;
    channel?.[Symbol.dispose]();
    socket.destroy();
  };
  const stdin = (): StdinChannel => {
    if (closed) throw new OnggiError('unavailable', `write to shim "${path}": the connection is closed`);
    channel ??= stdinOf(path);
    return channel;
  };
  const send = (frame: ClientFrame): void => {
    if (!closed) socket.write(encodeFrame(frame));
  };
  // A write to a shim that has gone reports here as well as at the reader, which tells it.
  socket.on('error', () => {});

  async function* read(): AsyncGenerator<ShimEvent, void, undefined> {
    let rest = nothing;
    try {
      // Not destroyed at the end of reading: to a client that reconciles, its own close is a message to the shim.
      const chunks: AsyncIterable<Uint8Array> = socket.iterator({ destroyOnReturn: false });
      for await (const chunk of chunks) {
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
    signal: (signal) => written(socket, encodeFrame({ type: 'signal', signal }), path),
    check: () => send({ type: 'check' }),
    killAll: () => send({ type: 'kill-all' }),
    linger: (milliseconds) => written(socket, encodeFrame({ type: 'linger', milliseconds }), path),
    close,
    [Symbol.dispose]: close,
  };
}

function written(socket: Socket, bytes: Uint8Array, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) {
      reject(new OnggiError('unavailable', `write to shim "${path}": the connection is closed`));
      return;
    }
    socket.write(bytes, (error) => {
      if (error) reject(fromSystemError(error, `write to shim "${path}"`));
      else resolve();
    });
  });
}
