/** Files by name, to read: those of a directory, or of an archive (archive.ts). Who reads them does not care which. */
import { closeSync, constants, fstatSync, openSync, read } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';

export type Files = Disposable & {
  /** As errors call it: 'directory "/srv/app"'. */
  readonly what: string;
  /** Bytes; undefined when there is no such regular file. */
  size(path: string): number | undefined;
  /** The whole file. @throws OnggiError `not-found`, `corrupt` (over `limit` bytes) */
  read(path: string, limit: number): Promise<Buffer>;
  /**
   * @param fleeting a piece may change once the one after the next is asked for
   * @throws OnggiError `not-found`; `corrupt` when it gets shorter meanwhile
   */
  stream(path: string, signal?: AbortSignal, fleeting?: boolean): AsyncIterable<Buffer>;
};

/** Large pieces: each one is a turn of the event loop. */
const pieceSize = 512 * 1024;

/** Those that come again and again stay in the caches of a processor. */
const fleetingSize = 256 * 1024;

/** One is being written, one hashed, one read. */
const fleetingPieces = 3;

/**
 * `count` bytes of an open file from `offset` on. While a piece is worked on, the next one is read.
 * @param fleeting a piece may change once the one after the next is asked for: so no memory is asked of the kernel for
 *   each, which takes longer than to fill it
 * @throws OnggiError `corrupt` when there are fewer; `cancelled`
 */
export async function* readRange(
  fd: number,
  offset: number,
  count: number,
  what: string,
  signal?: AbortSignal,
  fleeting = false,
): AsyncGenerator<Buffer> {
  const room = fleeting ? rotating(Math.min(fleetingSize, count)) : (size: number) => Buffer.allocUnsafe(size);
  const most = fleeting ? fleetingSize : pieceSize;
  const begin = (done: number): Promise<Buffer> | undefined => {
    if (done === count) return undefined;
    const piece = readAt(fd, room(Math.min(most, count - done)), offset + done, what);
    // Whoever waits for it hears of it.
    piece.catch(() => {});
    return piece;
  };
  let next = begin(0);
  try {
    for (let done = 0; next !== undefined; ) {
      if (signal?.aborted) throw new OnggiError('cancelled', `read ${what}: given up`, { cause: signal.reason });
      const piece = await next;
      if (piece.length === 0) throw new OnggiError('corrupt', `${what}: ends after ${done} of ${count} bytes`);
      done += piece.length;
      next = begin(done);
      yield piece;
    }
  } finally {
    // The caller may close the file now.
    await next?.catch(() => {});
  }
}

/** @returns rooms of up to `size` bytes, of which a few take turns */
function rotating(size: number): (wanted: number) => Buffer {
  const rooms: Buffer[] = [];
  let turn = 0;
  return (wanted) => {
    const index = turn % fleetingPieces;
    turn += 1;
    const known = rooms[index];
    const room = known ?? Buffer.allocUnsafeSlow(size);
    if (known === undefined) rooms.push(room);
    return room.subarray(0, wanted);
  };
}

function readAt(fd: number, into: Buffer, position: number, what: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, position, (error, length) => {
      if (error === null) resolve(into.subarray(0, length));
      else reject(fromSystemError(error, `read ${what}`));
    });
  });
}

/** @throws OnggiError `corrupt` over the limit */
export async function readWhole(pieces: AsyncIterable<Buffer>, size: number, limit: number, what: string) {
  if (size > limit) throw new OnggiError('corrupt', `${what}: ${size} bytes, ${limit} are the most`);
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/**
 * Opens a regular file. What is none is not waited for (a FIFO) or touched (a device).
 * @throws OnggiError `not-found`, `invalid`
 */
export function openRegular(path: string, what: string): Disposable & { readonly fd: number; readonly size: number } {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw fromSystemError(error, `open ${what}`);
  }
  const found = fstatSync(fd);
  if (!found.isFile()) {
    closeSync(fd);
    throw new OnggiError('invalid', `open ${what}: not a regular file`);
  }
  return { fd, size: found.size, [Symbol.dispose]: () => closeSync(fd) };
}

/** Files below a directory that the user names. Paths come from digests and fixed names, never from what is read. */
export function directoryFiles(directory: string): Files {
  const nameOf = (path: string) => `"${join(directory, path)}"`;
  const open = (path: string) => openRegular(join(directory, path), nameOf(path));
  return {
    what: `directory "${directory}"`,
    size(path) {
      try {
        using file = open(path);
        return file.size;
      } catch (error) {
        if (error instanceof OnggiError && (error.code === 'not-found' || errnoOf(error.cause) === 'ENOTDIR')) {
          return undefined;
        }
        throw error;
      }
    },
    async read(path, limit) {
      using file = open(path);
      return await readWhole(readRange(file.fd, 0, file.size, nameOf(path)), file.size, limit, nameOf(path));
    },
    async *stream(path, signal, fleeting) {
      using file = open(path);
      yield* readRange(file.fd, 0, file.size, nameOf(path), signal, fleeting);
    },
    [Symbol.dispose]() {},
  };
}
