/** Files to write, by name: into a directory (directory-sink.ts), or one behind the other into an archive (archive-sink.ts). */
import { close, fdatasync, open, write } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { startWriteback } from '../kernel/open-file.ts';

/** Bytes after which the disk is told to begin. */
const writebackSize = 4 * 1024 * 1024;

export type Sink = AsyncDisposable & {
  /** As errors call it. */
  readonly what: string;
  has(path: string, size: number): boolean;
  /**
   * A file of `size` bytes. Whoever calls has verified `bytes`; when they fail, there is no such file. A piece stays as it
   * is until the one after the next is asked for: it is written while the next one is made.
   */
  put(path: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** What is written is on disk, and has its name. Disposing keeps files that are whole; it says nothing of failures. */
  finish(): Promise<void>;
};

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export function writeAll(fd: number, bytes: Uint8Array, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (rest: Uint8Array): void => {
      write(fd, rest, (error, written) => {
        // Somebody made the descriptor non-blocking (a pipe on standard output).
        if (error !== null && errnoOf(error) === 'EAGAIN') setTimeout(() => step(rest), 2);
        else if (error !== null) reject(fromSystemError(error, `write ${what}`));
        else if (written < rest.length) step(rest.subarray(written));
        else resolve();
      });
    };
    step(bytes);
  });
}

export function openFile(path: string, flags: string, mode: number, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, mode, (error, fd) => {
      if (error === null) resolve(fd);
      else reject(fromSystemError(error, `write ${what}`));
    });
  });
}

export function closeFile(fd: number): Promise<void> {
  return new Promise((resolve) => close(fd, () => resolve()));
}

export function syncFile(fd: number, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error === null ? resolve() : reject(fromSystemError(error, `sync ${what}`))));
  });
}

/**
 * Writes at the offset of the descriptor. While a piece is written, the next one is made, and the disk has begun with
 * those before: what is synced in the end is mostly there already.
 * @throws OnggiError `corrupt` when it is another number of bytes
 */
export async function writeSized(
  fd: number,
  size: number,
  bytes: AsyncIterable<Uint8Array>,
  what: string,
): Promise<void> {
  let taken = 0;
  let begun = 0;
  let writing = Promise.resolve();
  try {
    for await (const piece of bytes) {
      taken += piece.length;
      if (taken > size) break;
      await writing;
      if (taken - begun >= writebackSize) {
        // All of the file that is not on its way yet.
        startWriteback(fd, 0, 0);
        begun = taken;
      }
      writing = writeAll(fd, piece, what);
      // Whoever waits for it hears of it.
      writing.catch(() => {});
    }
  } finally {
    // Nothing is written behind the back of the caller, who may close the descriptor now.
    await Promise.allSettled([writing]);
  }
  await writing;
  if (taken !== size) throw new OnggiError('corrupt', `write ${what}: ${size} bytes were announced, other came`);
}
