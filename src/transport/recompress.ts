/** Layers compressed in another way than they came, made in a nameless file: their digest is known at the end only. */
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError } from '../errors.ts';
import { decompress } from '../image/decompress.ts';
import { hasher, parseDigest } from '../oci/digest.ts';
import type { Descriptor } from '../oci/image-spec.ts';
import { readRange } from './files.ts';
import { checkLevel, type Format, layerTypes } from './format.ts';
import { closeFile, writeAll } from './sink.ts';

export type MadeBlob = AsyncDisposable & { readonly descriptor: Descriptor; open(): AsyncIterable<Uint8Array> };

/**
 * @param directory where the file lies as long as it is used
 * @param mediaType of the layer as it came: its family is kept
 * @throws OnggiError what `bytes` throws, `corrupt`, `exhausted`, `invalid` for a level that the format has not
 */
export async function recompress(
  bytes: AsyncIterable<Uint8Array>,
  mediaType: string,
  format: Format,
  directory: string,
): Promise<MadeBlob> {
  checkLevel(format);
  const fd = namelessFile(directory);
  try {
    const hash = hasher('sha256');
    let size = 0;
    for await (const piece of compressed(decompress(bytes), format)) {
      hash.update(piece);
      size += piece.length;
      await writeAll(fd, piece, 'a compressed layer');
    }
    const docker = Object.values(layerTypes).some(([, type]) => type === mediaType);
    const digest = parseDigest(`sha256:${hash.digest('hex')}`);
    const [oci = '', other = ''] = layerTypes[format.format];
    return {
      descriptor: { mediaType: docker ? other : oci, digest, size },
      open: () => readRange(fd, 0, size, 'a compressed layer'),
      [Symbol.asyncDispose]: () => closeFile(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

async function* compressed(bytes: AsyncIterable<Uint8Array>, { format, level }: Format): AsyncGenerator<Uint8Array> {
  if (format === 'none') {
    yield* bytes;
    return;
  }
  const zlib = await import('node:zlib');
  const { Readable } = await import('node:stream');
  const { constants: known } = zlib;
  const stream =
    format === 'gzip'
      ? zlib.createGzip({ chunkSize: 256 * 1024, ...(level !== undefined && { level }) })
      : zlib.createZstdCompress({
          chunkSize: 256 * 1024,
          ...(level !== undefined && { params: { [known.ZSTD_c_compressionLevel]: level } }),
        });
  const source = Readable.from(bytes, { objectMode: false });
  // An error of the source must reach whoever reads the result.
  source.on('error', (error) => stream.destroy(error));
  for await (const piece of source.pipe(stream)) yield piece as Buffer;
}

const O_TMPFILE = 0o20200000;

/** A file that goes with its descriptor. @throws OnggiError `not-found` (directory), `denied`, `exhausted` */
export function namelessFile(directory: string): number {
  const mode = 0o600;
  try {
    return openSync(directory, constants.O_RDWR | O_TMPFILE, mode);
  } catch (error) {
    // Some network file systems have no O_TMPFILE.
    if (errnoOf(error) !== 'EOPNOTSUPP' && errnoOf(error) !== 'EISDIR') {
      throw fromSystemError(error, `make a temporary file in "${directory}"`);
    }
  }
  const path = join(directory, `onggi-${process.pid}-${Math.random().toString(36).slice(2)}`);
  const fd = openSync(path, 'wx+', mode);
  unlinkSync(path);
  return fd;
}
