/**
 * Content-addressed files: bytes as received, named by their digest. Written under ROOT/tmp, hashed on the way, and
 * named last (publish.ts). Blobs are not secret among each other, but ROOT is private to its owner.
 */
import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { startWriteback } from '../kernel/open-file.ts';
import { type Digest, digestAlgorithm, hasher, hasherFor, parseDigest, sha256 } from '../oci/digest.ts';
import { blobPath, type Layout } from './layout.ts';
import { type Move, publish } from './publish.ts';
import { createTemporary } from './temporary.ts';

export type WrittenBlob = {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Gives the blob its name, for `publishSynced`. */
  readonly move: Move;
};

/** A blob on its way in. Disposing of it removes it unless it was published. */
export type BlobWriter = Disposable & {
  /** @throws OnggiError `corrupt` over the limit, `exhausted` when the disk is full */
  write(bytes: Uint8Array): void;
  /** @throws OnggiError `corrupt` when the digest or size is not the expected one */
  finish(): WrittenBlob;
};

export type BlobExpectation = {
  /** Absent: whatever comes, named by sha256. */
  readonly digest?: Digest;
  readonly size?: number;
  /** Bytes after which a blob of unknown size is refused. */
  readonly limit?: number;
};

/** Bytes after which the disk is told to begin. */
const writebackSize = 8 * 1024 * 1024;

/** Not synced: the caller publishes with `publishBlob`, or with others by syncfs(2) and `publishSynced`. */
export function createBlobWriter(layout: Layout, expected: BlobExpectation): BlobWriter {
  const temporary = createTemporary(layout);
  const tried = `write blob "${expected.digest ?? temporary.path}"`;
  const hash = expected.digest === undefined ? hasher('sha256') : hasherFor(expected.digest);
  const limit = expected.size ?? expected.limit ?? Number.MAX_SAFE_INTEGER;
  let fd: number;
  try {
    fd = openSync(temporary.path, 'wx', 0o600);
  } catch (error) {
    temporary[Symbol.dispose]();
    throw fromSystemError(error, tried);
  }
  let size = 0;
  let begun = 0;
  let open = true;
  const close = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  return {
    write(bytes) {
      size += bytes.length;
      if (size > limit) throw new OnggiError('corrupt', `${tried}: over ${limit} bytes`);
      hash.update(bytes);
      try {
        writeAll(fd, bytes);
        if (size - begun >= writebackSize) {
          startWriteback(fd, begun, size - begun);
          begun = size;
        }
      } catch (error) {
        throw fromSystemError(error, tried);
      }
    },
    finish() {
      close();
      const algorithm = expected.digest === undefined ? 'sha256' : digestAlgorithm(expected.digest);
      const digest = parseDigest(`${algorithm}:${hash.digest('hex')}`);
      if (expected.size !== undefined && size !== expected.size) {
        throw new OnggiError('corrupt', `${tried}: ${expected.size} bytes were announced, ${size} came`);
      }
      if (expected.digest !== undefined && digest !== expected.digest) {
        throw new OnggiError('corrupt', `${tried}: the bytes that came have digest "${digest}"`);
      }
      return { digest, size, move: { from: temporary.path, to: blobPath(layout, digest) } };
    },
    [Symbol.dispose]() {
      close();
      temporary[Symbol.dispose]();
    },
  };
}

/** Names a finished blob, durably. Idempotent. */
export function publishBlob(blob: WrittenBlob): void {
  publish(blob.move.from, blob.move.to);
}

/** Stores small bytes (a manifest, a config) durably. Idempotent; the row that names them comes after. */
export function putBlob(layout: Layout, bytes: Uint8Array): Digest {
  const digest = sha256(bytes);
  if (hasBlob(layout, digest)) return digest;
  using writer = createBlobWriter(layout, { digest });
  writer.write(bytes);
  publishBlob(writer.finish());
  return digest;
}

export function hasBlob(layout: Layout, digest: Digest): boolean {
  return existsSync(blobPath(layout, digest));
}

/** Bytes; undefined when it is not there. */
export function blobSize(layout: Layout, digest: Digest): number | undefined {
  return statSync(blobPath(layout, digest), { throwIfNoEntry: false })?.size;
}

/**
 * A whole blob, verified, for those that fit in memory.
 * @throws OnggiError `not-found`; `corrupt` when it is over `limit` bytes or was changed on disk
 */
export function readBlob(layout: Layout, digest: Digest, limit: number): Buffer {
  const path = blobPath(layout, digest);
  try {
    if (statSync(path).size > limit) throw new OnggiError('corrupt', `blob "${digest}": over ${limit} bytes`);
    const bytes = readFileSync(path);
    const found = hasherFor(digest).update(bytes).digest('hex');
    if (`${digestAlgorithm(digest)}:${found}` !== digest) {
      throw new OnggiError('corrupt', `blob "${digest}": changed on disk`, { hint: 'Pull the image again.' });
    }
    return bytes;
  } catch (error) {
    throw fromSystemError(error, `read blob "${digest}"`);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) offset += writeSync(fd, bytes, offset);
}
