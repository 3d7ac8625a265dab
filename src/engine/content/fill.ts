/**
 * A blob on its way from another registry: kept and given at the same time, fetched once however many ask for it. Who
 * reads never gets the last bytes before all of it was verified, so nobody can take a damaged blob for a whole one.
 */
import { closeSync, openSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { receiveBlob } from '../../registry/blob.ts';
import type { Repository } from '../../registry/repository.ts';
import { publishBlob } from '../../store/blob.ts';
import { blobPath } from '../../store/layout.ts';
import { lockContent } from '../../store/lock.ts';
import { putRegistryBlob } from '../../store/registry-row.ts';
import type { Store } from '../../store/store.ts';
import { createUpload } from '../../store/upload.ts';
import { readPiece } from './blob.ts';
import type { StoredBlob } from './content.ts';

export type FillTarget = {
  readonly store: Store;
  /** The repository, in rows. */
  readonly key: string;
  readonly digest: Digest;
  readonly size: number;
};

type Fill = {
  readonly path: string;
  /** Bytes that may be read. */
  available: number;
  failure: unknown;
  /** Whoever waits for more. */
  readonly waiting: Set<() => void>;
};

/** By repository and digest. */
export type Fills = Map<string, Fill>;

const pieceSize = 128 << 10;
/** Held back until all is verified. */
const lastBytes = 1;

/** Joins the fill that is under way, or begins one. It goes on when nobody reads any more. */
export async function fillBlob(fills: Fills, target: FillTarget, repository: Repository): Promise<StoredBlob> {
  const key = `${target.key}@${target.digest}`;
  const fill = fills.get(key) ?? begin(fills, key, target, repository);
  return {
    size: target.size,
    read(start, end) {
      return follow(fill, openFill(fill, target), start, end);
    },
  };
}

/** It may have got its final name a moment ago. */
function openFill(fill: Fill, { store, digest }: FillTarget): number {
  try {
    return openSync(fill.path, 'r');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, `read blob "${digest}"`);
  }
  try {
    return openSync(blobPath(store.layout, digest), 'r');
  } catch (error) {
    throw fill.failure ?? fromSystemError(error, `read blob "${digest}"`);
  }
}

function begin(fills: Fills, key: string, target: FillTarget, repository: Repository): Fill {
  const upload = createUpload(target.store.layout);
  const fill: Fill = { path: upload.path, available: 0, failure: undefined, waiting: new Set() };
  fills.set(key, fill);
  const work = async (): Promise<void> => {
    const { digest, size, store } = target;
    await using _ = upload;
    for await (const piece of receiveBlob(repository, { digest, size })) {
      await upload.write(piece);
      advance(fill, Math.min(upload.size, size - lastBytes));
    }
    const blob = await upload.finish(digest);
    using _lock = await lockContent(store.layout, 'shared');
    publishBlob(blob);
    putRegistryBlob(store.database, target.key, blob, Date.now());
    advance(fill, size);
  };
  work()
    .catch((error: unknown) => {
      fill.failure = error;
    })
    .finally(() => {
      fills.delete(key);
      advance(fill, fill.available);
    });
  return fill;
}

function advance(fill: Fill, available: number): void {
  fill.available = available;
  for (const wake of fill.waiting) wake();
  fill.waiting.clear();
}

async function* follow(fill: Fill, fd: number, start: number, end: number): AsyncGenerator<Uint8Array> {
  try {
    for (let position = start; position < end; ) {
      const length = Math.min(pieceSize, end - position, fill.available - position);
      if (length <= 0) {
        if (fill.failure !== undefined) throw fill.failure;
        await new Promise<void>((resolve) => fill.waiting.add(resolve));
        continue;
      }
      const { bytesRead, buffer } = await readPiece(fd, position, length);
      if (bytesRead === 0) throw new OnggiError('corrupt', 'blob on its way: shorter than what was written');
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    closeSync(fd);
  }
}
