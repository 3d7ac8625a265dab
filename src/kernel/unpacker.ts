/**
 * The process that makes the files of a layer (native/unpack/unpack.c): it sees nothing of the machine but the layer, and is
 * told by records what to make. Acts.
 */
import { read, write } from 'node:fs';
import { errnoOf, fromSystemError } from '../errors.ts';
import { addon, native, shimPath } from './addon.ts';
import { type Descriptor, ownDescriptor } from './descriptor.ts';
import type { Directory } from './directory.ts';

/** Bytes that are sent at once: each send is a turn of a thread, which took a fifth of a commit with a quarter of them. */
export const packetSize = 256 * 1024;

/** Disposing of it kills the process, if it still lives, and waits until it is gone. */
export type UnpackerProcess = Disposable & {
  /**
   * Sends a packet; one after the other, in this order. The bytes must not change until then.
   * @returns false when the process has ended, and has left an answer perhaps
   */
  send(packet: Uint8Array): Promise<boolean>;
  /** Says that no more packets come, and waits for the answer. Call it once. Empty when the process was killed. */
  answer(): Promise<Buffer>;
};

/** @param layer an empty directory; the process is its only writer. @throws OnggiError `not-found` without the shim */
export function startUnpacker(layer: Directory): UnpackerProcess {
  const path = shimPath();
  using opened = new DisposableStack();
  const executable = opened.use(native(`prepare "${path}"`, (calls) => ownDescriptor(calls.sealedExecutable(path))));
  const packets = pipe(opened);
  const answers = pair(opened);
  const pid = native(`start "${path}"`, (calls) =>
    calls.spawn(executable.fd, ['onggi-shim', '--unpack'], [], [packets.theirs.fd, answers.theirs.fd, layer.fd]),
  );
  packets.theirs[Symbol.dispose]();
  answers.theirs[Symbol.dispose]();
  const owned = opened.move();
  let alive = true;
  let busy = 0;
  let disposed = false;
  /** A descriptor that a thread is about to use must not become another one's. */
  const closeIdle = (): void => {
    if (disposed && busy === 0) owned.dispose();
  };
  const act = async <T>(work: (done: (error: Error | null, result: T) => void) => void): Promise<T> => {
    busy += 1;
    try {
      return await new Promise<T>((resolve, reject) =>
        work((error, result) => (error === null ? resolve(result) : reject(error))),
      );
    } finally {
      busy -= 1;
      closeIdle();
    }
  };
  const end = (kill: boolean): void => {
    if (!alive) return;
    alive = false;
    if (kill) process.kill(pid, 'SIGKILL');
    native('wait for the unpacker', (calls) => calls.waitProcess(pid));
  };
  return {
    async send(packet) {
      if (disposed) return false;
      try {
        for (let sent = 0; sent < packet.length; ) {
          const at = sent;
          sent += await act<number>((done) => write(packets.ours.fd, packet, at, packet.length - at, null, done));
        }
        return true;
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'EPIPE' || errno === 'ECONNRESET') return false;
        throw fromSystemError(error, 'send to the unpacker');
      }
    },
    async answer() {
      packets.ours[Symbol.dispose]();
      const pieces: Buffer[] = [];
      const piece = Buffer.allocUnsafe(packetSize);
      try {
        for (;;) {
          const length = await act<number>((done) => read(answers.ours.fd, piece, 0, piece.length, null, done));
          if (length === 0) break;
          pieces.push(Buffer.from(piece.subarray(0, length)));
        }
      } catch (error) {
        throw fromSystemError(error, 'hear from the unpacker');
      }
      end(false);
      return Buffer.concat(pieces);
    },
    [Symbol.dispose]() {
      if (disposed) return;
      end(true);
      disposed = true;
      closeIdle();
    },
  };
}

type Pair = { readonly ours: Descriptor; readonly theirs: Descriptor };

function pipe(opened: DisposableStack): Pair {
  const [theirs, ours] = native('make a pipe', () => addon().widePipe());
  return { ours: opened.use(ownDescriptor(ours)), theirs: opened.use(ownDescriptor(theirs)) };
}

function pair(opened: DisposableStack): Pair {
  const [ours, theirs] = native('make a channel', () => addon().packetPair());
  return { ours: opened.use(ownDescriptor(ours)), theirs: opened.use(ownDescriptor(theirs)) };
}
