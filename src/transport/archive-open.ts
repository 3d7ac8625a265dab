/** Opens an archive of images wherever its bytes come from: a file is read where it lies, all else is kept first. */
import { close, fstatSync, open, read } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { knownCompression } from '../image/decompress.ts';
import { type InflationLimits, inflated, inflationLimits } from '../image/inflation.ts';
import { archiveFiles } from './archive.ts';
import { type Files, readRange } from './files.ts';
import { namelessFile } from './recompress.ts';
import { closeFile, writeAll } from './sink.ts';

/**
 * @param path of a file, plain or compressed by gzip, zstd, xz or bzip2; "/dev/stdin" or a FIFO is read to its end
 * @param temporary directory for what can't be read where it lies
 * @throws OnggiError `not-found`, `invalid` (a directory), `corrupt`, `unsupported`, `exhausted`, `cancelled`
 */
export async function openArchive(
  path: string,
  temporary: string,
  signal?: AbortSignal,
  limits: InflationLimits = inflationLimits(process.env),
): Promise<Files> {
  const what = path === '/dev/stdin' ? 'standard input' : `archive "${path}"`;
  await using undo = new AsyncDisposableStack();
  const fd = await openAny(path, what);
  undo.defer(() => closeFile(fd));
  const found = fstatSync(fd);
  if (found.isDirectory()) throw new OnggiError('invalid', `open ${what}: it is a directory`);
  const regular = found.isFile();
  const bytes = regular ? readRange(fd, 0, found.size, what, signal) : readPipe(fd, what, signal);
  if (regular && (await isPlain(fd, found.size, what))) {
    const files = archiveFiles({ fd, size: found.size, [Symbol.dispose]: () => close(fd, () => {}) }, what);
    undo.move();
    return files;
  }
  const kept = namelessFile(temporary);
  undo.defer(() => closeFile(kept));
  const { withoutOldCompression } = await import('../image/old-compression.ts');
  const size = await keep(withoutOldCompression(bytes, what), kept, what, limits);
  const files = archiveFiles({ fd: kept, size, [Symbol.dispose]: () => close(kept, () => {}) }, what);
  undo.move();
  await closeFile(fd);
  return files;
}

/** Waits for the writer of a FIFO without keeping the process from its signals. */
function openAny(path: string, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (error, fd) => (error === null ? resolve(fd) : reject(fromSystemError(error, `open ${what}`))));
  });
}

async function isPlain(fd: number, size: number, what: string): Promise<boolean> {
  for await (const start of readRange(fd, 0, Math.min(size, 16), what)) return knownCompression(start) === 'none';
  return true;
}

const pieceSize = 256 * 1024;

async function* readPipe(fd: number, what: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for (;;) {
    if (signal?.aborted) throw new OnggiError('cancelled', `read ${what}: given up`, { cause: signal.reason });
    const piece = Buffer.allocUnsafe(pieceSize);
    const length = await readSome(fd, piece, what);
    if (length === 0) return;
    yield piece.subarray(0, length);
  }
}

function readSome(fd: number, into: Buffer, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      read(fd, into, 0, into.length, null, (error, length) => {
        if (error === null) resolve(length);
        // Somebody made the descriptor non-blocking.
        else if (errnoOf(error) === 'EAGAIN') setTimeout(attempt, 2);
        else reject(fromSystemError(error, `read ${what}`));
      });
    };
    attempt();
  });
}

async function keep(
  bytes: AsyncIterable<Uint8Array>,
  fd: number,
  what: string,
  limits: InflationLimits,
): Promise<number> {
  let size = 0;
  for await (const piece of inflated(bytes, what, limits)) {
    size += piece.length;
    await writeAll(fd, piece, `what came from ${what}`);
  }
  return size;
}
