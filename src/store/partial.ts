/**
 * Blobs on their way in from elsewhere that are worth keeping when their command is killed or loses its connection:
 * ROOT/tmp/partial-ALGORITHM-HEX, with NAME.lock held by who adds to it. Whoever asks for the same blob meanwhile, in
 * this process or another one, waits and then has it without a download. Nothing here is verified before `finish`.
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, linkSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fromSystemError, OnggiError } from '../errors.ts';
import { type Guard, lock, tryLock } from '../kernel/lock.ts';
import { type Digest, digestAlgorithm, digestHex, hasherFor, parseDigest } from '../oci/digest.ts';
import type { BlobWriter, WrittenBlob } from './blob.ts';
import { blobPath, type Layout } from './layout.ts';
import { createTemporary, discardTemporary, lockSuffix, partialPrefix } from './temporary.ts';

/** Smaller ones are sooner fetched again than looked after. */
export const leastPartial = 1024 * 1024;

const pieceSize = 1024 * 1024;

/**
 * Disposing of it lets the next one have it; the file goes once the blob has its name. The writer is disposed of by
 * itself, after publishing.
 */
export type PartialBlob = Disposable & {
  /** Bytes that are there from before; `known` brings them, to be written like those that follow. */
  readonly offset: number;
  known(): Iterable<Uint8Array>;
  readonly writer: BlobWriter;
  /** Removes it: its bytes are wrong. */
  discard(): void;
};

export type PartialAsk = { readonly digest: Digest; readonly size: number };

/** Waits for whoever has it. @throws OnggiError `cancelled` when `signal` gives up waiting; `exhausted`, ... */
export async function openPartial(
  layout: Layout,
  { digest, size }: PartialAsk,
  signal: AbortSignal,
): Promise<PartialBlob> {
  const path = join(layout.temporary, `${partialPrefix}${digestAlgorithm(digest)}-${digestHex(digest)}`);
  using undo = new DisposableStack();
  const guard = await lock(path + lockSuffix, 'exclusive', signal);
  let locked = true;
  const unlock = (): void => {
    if (locked) guard[Symbol.dispose]();
    locked = false;
  };
  undo.defer(unlock);
  const tried = `write blob "${digest}"`;
  const fd = openFile(path, tried);
  undo.defer(() => closeSync(fd));
  if (fstatSync(fd).size > size) ftruncateSync(fd, 0);
  const offset = fstatSync(fd).size;
  const hash = hasherFor(digest);
  const place = createTemporary(layout);
  let position = 0;
  const writer: BlobWriter = {
    write(bytes) {
      if (position + bytes.length > size) throw new OnggiError('corrupt', `${tried}: over ${size} bytes`);
      hash.update(bytes);
      try {
        // What is there already only takes part in the digest.
        const fresh = bytes.subarray(Math.min(bytes.length, Math.max(0, offset - position)));
        writeAll(fd, fresh, position + bytes.length - fresh.length);
      } catch (error) {
        throw fromSystemError(error, tried);
      }
      position += bytes.length;
    },
    finish(): WrittenBlob {
      const found = parseDigest(`${digestAlgorithm(digest)}:${hash.digest('hex')}`);
      if (position !== size) {
        throw new OnggiError('corrupt', `${tried}: ${size} bytes were announced, ${position} came`);
      }
      if (found !== digest) throw new OnggiError('corrupt', `${tried}: the bytes that came have digest "${found}"`);
      // A name of our own: the next one may use the file while this one waits for the rest of its image.
      linkSync(path, place.path);
      return { digest, size, move: { from: place.path, to: blobPath(layout, digest) } };
    },
    [Symbol.dispose]() {
      place[Symbol.dispose]();
      if (existsSync(blobPath(layout, digest))) removeIdlePartial(path);
    },
  };
  const owned = undo.move();
  return {
    offset,
    writer,
    *known() {
      for (let at = 0; at < offset; at += pieceSize) yield readPiece(fd, at, Math.min(pieceSize, offset - at), tried);
    },
    discard() {
      if (!locked) return;
      locked = false;
      discardTemporary(path, guard);
    },
    [Symbol.dispose]() {
      // Nothing came: there is nothing to keep.
      if (locked && fstatSync(fd).size === 0) {
        locked = false;
        discardTemporary(path, guard);
      }
      owned.dispose();
    },
  };
}

function openFile(path: string, tried: string): number {
  try {
    return openSync(path, existsSync(path) ? 'r+' : 'wx+', 0o600);
  } catch (error) {
    throw fromSystemError(error, tried);
  }
}

function readPiece(fd: number, at: number, length: number, tried: string): Uint8Array {
  const piece = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, piece, filled, length - filled, at + filled);
    if (count === 0) throw new OnggiError('corrupt', `${tried}: what was kept of it was cut off meanwhile`);
    filled += count;
  }
  return piece;
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let offset = 0;
  while (offset < bytes.length) offset += writeSync(fd, bytes, offset, bytes.length - offset, position + offset);
}

function removeIdlePartial(path: string): void {
  const guard: Guard | undefined = tryLock(path + lockSuffix, 'exclusive');
  if (guard !== undefined) discardTemporary(path, guard);
}
