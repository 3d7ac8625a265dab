/**
 * A connection of its own for what goes to a container's stdin: a process that does not read must not hold up the signals
 * that are sent to it. The kernel blocks a thread of the pool, which is all the backpressure that is needed; and a frame
 * is never cut off, which would stop all input for ever.
 */
import { closeSync, write } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { native } from './addon.ts';
import { type ClientFrame, encodeFrame, frameMax } from './frame.ts';

export type StdinChannel = Disposable & {
  /** Resolves when the kernel has taken the bytes. @throws OnggiError `unavailable` when the shim has gone */
  write(bytes: Uint8Array): Promise<void>;
  /** After all that was written before. */
  end(): Promise<void>;
};

/** @param path of the shim's socket, short enough for an address */
export function openStdin(path: string): StdinChannel {
  const fd = native(`connect to shim "${path}"`, (calls) => calls.connectLocal(path));
  let open = true;
  let last = send({ type: 'hello', interest: { stdin: true } });
  // Whoever writes next is told.
  last.catch(() => {});

  function send(frame: ClientFrame): Promise<void> {
    return writeAll(fd, encodeFrame(frame), path);
  }
  function enqueue(frame: ClientFrame): Promise<void> {
    last = last.then(() => {
      if (!open) throw new OnggiError('unavailable', `write to shim "${path}": the connection is closed`);
      return send(frame);
    });
    return last;
  }

  return {
    async write(bytes) {
      for (let offset = 0; offset < bytes.length; offset += frameMax) {
        await enqueue({ type: 'stdin', bytes: bytes.subarray(offset, offset + frameMax) });
      }
    },
    end: () => enqueue({ type: 'stdin-eof' }),
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      // Not while a write is under way: its number could be another file's by then. The shim's end ends such a write.
      last.then(
        () => closeSync(fd),
        () => closeSync(fd),
      );
    },
  };
}

async function writeAll(fd: number, bytes: Uint8Array, path: string): Promise<void> {
  for (let rest = bytes; rest.length > 0; ) {
    try {
      rest = rest.subarray(await writeOnce(fd, rest));
    } catch (error) {
      throw fromSystemError(error, `write to shim "${path}"`);
    }
  }
}

function writeOnce(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}
