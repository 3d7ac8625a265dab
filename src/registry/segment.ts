/**
 * A large blob by several requests at the same time, given on in order: one connection seldom fills a long line. What is
 * ahead of the reader waits in memory, so there is little of it.
 */
import { type BlobAsk, type BlobRange, receiveRange } from './blob-range.ts';
import type { Repository } from './repository.ts';

const segmentSize = 8 * 1024 * 1024;

/** As `receiveRange`; a registry that answers a range with all of the blob is asked for the rest at once. */
export async function* receiveSegments(
  repository: Repository,
  ask: BlobAsk,
  { start, end }: BlobRange,
): AsyncGenerator<Uint8Array> {
  const stop = new AbortController();
  const signal = ask.signal === undefined ? stop.signal : AbortSignal.any([ask.signal, stop.signal]);
  let ranges = true;
  const onRange = (does: boolean): void => {
    ranges &&= does;
  };
  const segment = (at: number): BlobRange => ({ start: at, end: Math.min(end, at + segmentSize), onRange });
  // The first one by itself: it tells whether there are ranges at all.
  yield* receiveRange(repository, { ...ask, signal }, segment(start));
  let next = start + segmentSize;
  if (!ranges) {
    yield* receiveRange(repository, { ...ask, signal }, { start: next, end });
    return;
  }
  const ahead: Promise<Uint8Array[]>[] = [];
  try {
    for (;;) {
      for (; next < end && ahead.length < repository.segments; next += segmentSize) {
        const pieces = collected(receiveRange(repository, { ...ask, signal }, segment(next)));
        // It is waited for later, or not at all when an earlier one fails.
        pieces.catch(() => {});
        ahead.push(pieces);
      }
      const first = ahead.shift();
      if (first === undefined) return;
      yield* await first;
    }
  } finally {
    stop.abort();
    await Promise.allSettled(ahead);
  }
}

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}
