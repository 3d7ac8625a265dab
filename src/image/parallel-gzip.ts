/**
 * gzip (RFC 1952) on all processors: pieces are deflated side by side, each ends on a byte (a flush, as pigz(1) does it),
 * and together they are one stream that any program reads. Pure: the threads are zlib's own.
 */
import type { InputType } from 'node:zlib';

export type GzipOptions = {
  /** 1 to 9, of zlib. The default is nearly as small as 6 and much faster. */
  readonly level?: number;
};

const blockSize = 1024 * 1024;
/** The thread pool of the runtime has four threads. */
const ahead = 4;

/** No name, no time: the same bytes give the same file. */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block (RFC 1951, "BFINAL", static codes). */
const lastBlock = Buffer.from([0x03, 0x00]);

/** @throws what `bytes` throws */
export async function* gzipped(
  bytes: AsyncIterable<Uint8Array>,
  { level = 3 }: GzipOptions = {},
): AsyncGenerator<Uint8Array> {
  const { constants, crc32, deflateRaw } = await import('node:zlib');
  const deflate = (block: InputType): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const options = { level, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: blockSize };
      deflateRaw(block, options, (error, result) => (error === null ? resolve(result) : reject(error)));
    });
  const waiting: Promise<Buffer>[] = [];
  let [sum, size] = [0, 0];
  yield header;
  try {
    for await (const block of blocks(bytes)) {
      sum = crc32(block, sum);
      // The trailer has room for the size modulo 2^32.
      size = (size + block.length) % 2 ** 32;
      const made = deflate(block);
      made.catch(() => {});
      waiting.push(made);
      const first = waiting.length < ahead ? undefined : waiting.shift();
      if (first !== undefined) yield await first;
    }
    for (const made of waiting) yield await made;
  } finally {
    await Promise.allSettled(waiting);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum >>> 0, 0);
  trailer.writeUInt32LE(size >>> 0, 4);
  yield lastBlock;
  yield trailer;
}

/** Copies of the bytes in blocks of one size: whoever brings them may use their memory again. */
async function* blocks(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(blockSize);
  let used = 0;
  for await (const piece of bytes) {
    for (let rest = piece; rest.length > 0; ) {
      const taken = rest.subarray(0, blockSize - used);
      block.set(taken, used);
      used += taken.length;
      rest = rest.subarray(taken.length);
      if (used < blockSize) continue;
      yield block;
      block = Buffer.allocUnsafe(blockSize);
      used = 0;
    }
  }
  if (used > 0) yield block.subarray(0, used);
}
