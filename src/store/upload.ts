/**
 * A blob that comes in pieces over a longer time: what came so far is kept, hashed, and can be gone on with. It lies
 * under ROOT/tmp with a lock, so the collector takes it when this process is killed.
 *
 * Writes and syncs don't block the event loop: a server has other clients.
 */
import { createHash, type Hash } from 'node:crypto';
import { close, createReadStream, fsync, ftruncate, openSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { fromSystemError, OnggiError } from '../errors.ts';
import { type Digest, digestAlgorithm, hasherFor, parseDigest } from '../oci/digest.ts';
import type { WrittenBlob } from './blob.ts';
import { blobPath, type Layout } from './layout.ts';
import { createTemporary } from './temporary.ts';

/** How far an upload was; `rewind` goes back there. */
export type UploadMark = { readonly size: number; readonly hash: Hash };

/** Not for use from several places at once: each call is awaited before the next. Disposing of it removes what came. */
export type Upload = AsyncDisposable & {
  /** Where it lies until it is published. */
  readonly path: string;
  /** Bytes that came. */
  readonly size: number;
  /** @throws OnggiError `exhausted` when the disk is full */
  write(bytes: Uint8Array): Promise<void>;
  mark(): UploadMark;
  rewind(mark: UploadMark): Promise<void>;
  /** Synced and closed, ready to be published. @throws OnggiError `corrupt` when the bytes have another digest */
  finish(digest: Digest): Promise<WrittenBlob>;
};

const writeAt = promisify(write);
const truncate = promisify(ftruncate);
const sync = promisify(fsync);
const closeFile = promisify(close);

export function createUpload(layout: Layout): Upload {
  const temporary = createTemporary(layout);
  const tried = `write upload "${temporary.path}"`;
  let fd: number | undefined;
  try {
    fd = openSync(temporary.path, 'wx', 0o600);
  } catch (error) {
    temporary[Symbol.dispose]();
    throw fromSystemError(error, tried);
  }
  // Nearly all digests are sha256; for another one the file is read again at the end.
  let hash = createHash('sha256');
  let size = 0;
  const opened = (): number => {
    if (fd === undefined) throw new OnggiError('internal', `${tried}: it is closed`);
    return fd;
  };
  const shut = async (): Promise<void> => {
    const open = fd;
    fd = undefined;
    if (open !== undefined) await closeFile(open);
  };
  return {
    path: temporary.path,
    get size() {
      return size;
    },
    async write(bytes) {
      try {
        for (let offset = 0; offset < bytes.length; ) {
          const { bytesWritten } = await writeAt(opened(), bytes, offset, bytes.length - offset, size + offset);
          offset += bytesWritten;
        }
      } catch (error) {
        throw fromSystemError(error, tried);
      }
      hash.update(bytes);
      size += bytes.length;
    },
    mark: () => ({ size, hash: hash.copy() }),
    async rewind(mark) {
      await truncate(opened(), mark.size);
      ({ size } = mark);
      // A mark can be used again.
      hash = mark.hash.copy();
    },
    async finish(digest) {
      const hex =
        digestAlgorithm(digest) === 'sha256' ? hash.copy().digest('hex') : await hashFile(temporary.path, digest);
      const found = parseDigest(`${digestAlgorithm(digest)}:${hex}`);
      if (found !== digest) {
        throw new OnggiError('corrupt', `blob "${digest}": the bytes that came have digest "${found}"`);
      }
      try {
        await sync(opened());
      } catch (error) {
        throw fromSystemError(error, tried);
      }
      await shut();
      return { digest, size, move: { from: temporary.path, to: blobPath(layout, digest) } };
    },
    async [Symbol.asyncDispose]() {
      await shut();
      temporary[Symbol.dispose]();
    },
  };
}

async function hashFile(path: string, like: Digest): Promise<string> {
  const hash = hasherFor(like);
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
