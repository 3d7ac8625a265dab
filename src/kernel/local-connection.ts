/**
 * A connection to a unix socket, read only as fast as somebody asks. Bun has sockets of its own; its node:net stands on
 * them, and costs a short command as much as three starts of the program: all streams are loaded for it.
 */

export interface LocalConnection {
  /** What arrives, in order, to its end; for one reader. Throws Node's system errors. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Resolves when the kernel has taken the bytes. Throws Node's system errors, `EPIPE` when the connection is closed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Idempotent; `chunks` ends. */
  close(): void;
}

/**
 * @param path short enough for an address (socket-address.ts)
 * @throws Node's system errors: `ENOENT`, `ECONNREFUSED` (nobody listens), `EACCES`, `EAGAIN` (too many wait)
 */
export async function connectLocally(path: string): Promise<LocalConnection> {
  const { Bun } = globalThis as { readonly Bun?: BunSockets };
  return Bun === undefined ? await connectByNode(path) : await connectByBun(Bun, path);
}

async function connectByNode(path: string): Promise<LocalConnection> {
  const { connect } = await import('node:net');
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve();
    });
  });
  // What fails is told to the reader or to the writer.
  socket.on('error', () => {});
  return {
    chunks: socket.iterator({ destroyOnReturn: false }),
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => void socket.destroy(),
  };
}

interface BunSocket {
  /** @returns how many bytes the kernel took, -1 when the connection is closed */
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  terminate(): void;
}

interface BunSockets {
  connect(options: {
    readonly unix: string;
    readonly socket: {
      data(socket: BunSocket, chunk: Uint8Array): void;
      drain(socket: BunSocket): void;
      close(socket: BunSocket, error?: Error): void;
      error(socket: BunSocket, error: Error): void;
    };
  }): Promise<BunSocket>;
}

async function connectByBun(bun: BunSockets, path: string): Promise<LocalConnection> {
  const inbox = new Inbox();
  const outbox = new Outbox();
  const socket = await bun.connect({
    unix: path,
    socket: {
      data: (from, chunk) => inbox.put(from, chunk),
      drain: (to) => outbox.flush(to),
      close(from, error) {
        inbox.end(error);
        outbox.flush(from);
      },
      error: (_, error) => inbox.end(error),
    },
  });
  return {
    chunks: inbox.take(socket),
    write: (bytes) => outbox.put(socket, bytes),
    close() {
      inbox.end();
      socket.terminate();
    },
  };
}

/** What came and was not asked for yet: one chunk of it, then the socket is paused. */
class Inbox {
  readonly #chunks: Uint8Array[] = [];
  #paused = false;
  #end: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;

  put(socket: BunSocket, chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    if (this.#wake === undefined) {
      this.#paused = true;
      socket.pause();
    }
    this.#wake?.();
  }

  /** The first end counts. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async *take(socket: BunSocket): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#end?.error !== undefined) throw this.#end.error;
      else if (this.#end !== undefined) return;
      else await this.#more(socket);
    }
  }

  async #more(socket: BunSocket): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#paused) socket.resume();
    this.#paused = false;
    await woken;
    this.#wake = undefined;
  }
}

/** What the kernel has not taken yet, in order. */
class Outbox {
  readonly #waiting: { rest: Uint8Array; readonly taken: () => void; readonly refused: (error: Error) => void }[] = [];

  put(socket: BunSocket, bytes: Uint8Array): Promise<void> {
    return new Promise((taken, refused) => {
      this.#waiting.push({ rest: bytes, taken, refused });
      if (this.#waiting.length === 1) this.flush(socket);
    });
  }

  flush(socket: BunSocket): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const count = socket.write(first.rest);
      if (count >= 0 && count < first.rest.length) {
        first.rest = first.rest.subarray(count);
        return;
      }
      this.#waiting.shift();
      if (count < 0) first.refused(Object.assign(new Error('the connection is closed'), { code: 'EPIPE' }));
      else first.taken();
    }
  }
}
