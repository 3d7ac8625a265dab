/** Reading a blob of the store as a stream. */
import { close, openSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { fromSystemError, OnggiError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { blobPath } from '../../store/layout.ts';
import type { Store } from '../../store/store.ts';
import type { StoredBlob } from './content.ts';

const readAt = promisify(read);
const closeFile = promisify(close);

/** Bytes of a piece: large enough that a turn of the event loop for each does not count, small enough for a thousand. */
const pieceSize = 128 << 10;

/** One that is removed while it is read stays readable to the end. */
export function storedBlob(store: Store, digest: Digest, size: number): StoredBlob {
  return {
    size,
    read(start, end) {
      let fd: number;
      try {
        fd = openSync(blobPath(store.layout, digest), 'r');
      } catch (error) {
        throw fromSystemError(error, `read blob "${digest}"`);
      }
      return pieces(fd, start, end, `blob "${digest}"`);
    },
  };
}

/** Closes the descriptor at the end, however it ends. It must be iterated. */
async function* pieces(fd: number, start: number, end: number, what: string): AsyncGenerator<Uint8Array> {
  try {
    for (let position = start; position < end; ) {
      const { bytesRead, buffer } = await readPiece(fd, position, Math.min(pieceSize, end - position));
      if (bytesRead === 0) throw new OnggiError('corrupt', `${what}: ends after ${position} bytes`);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await closeFile(fd);
  }
}

export async function readPiece(fd: number, position: number, length: number) {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await readAt(fd, buffer, 0, length, position);
  return { bytesRead, buffer };
}
