import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { OnggiError } from '../errors.ts';
import { compressionOf, decompress } from './decompress.ts';

const text = Buffer.from('the quick brown jar '.repeat(50_000));

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of decompress(source)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

const packed = {
  plain: text,
  gzip: gzipSync(text),
  'gzip of two members': Buffer.concat([gzipSync(text.subarray(0, 1000)), gzipSync(text.subarray(1000))]),
  zstd: zstdCompressSync(text),
  'zstd of two frames': Buffer.concat([
    zstdCompressSync(text.subarray(0, 1000)),
    zstdCompressSync(text.subarray(1000)),
  ]),
};

for (const [what, bytes] of Object.entries(packed)) {
  test(`${what} comes out as it went in`, async () => {
    for (const size of [1 << 20, 1000, 3]) {
      if (size === 3 && bytes.length > 100_000) continue;
      assert.ok((await collect(chunks(bytes, size))).equals(text), `chunks of ${size}`);
    }
  });
}

test('nothing and little come through', async () => {
  assert.equal((await collect(chunks(Buffer.alloc(0), 1))).length, 0);
  assert.equal((await collect(chunks(Buffer.from('abc'), 1))).toString(), 'abc');
});

for (const what of ['gzip', 'zstd'] as const) {
  test(`${what}: cut or changed is corrupt`, async () => {
    const cut = packed[what].subarray(0, packed[what].length - 20);
    // Bun's zstd ends quietly where the bytes end; the end mark of the archive and the digests tell it all the same.
    const found = await collect(chunks(cut, 1000)).catch((error: OnggiError) => error.code);
    assert.ok(found === 'corrupt' || (what === 'zstd' && found.length < text.length));
    const changed = Buffer.from(packed[what]);
    changed.fill(0xff, 30, 60);
    await assert.rejects(collect(chunks(changed, 1000)), { code: 'corrupt' });
  });

  test(`${what}: the error of the source comes through, and a reader may leave early`, async () => {
    async function* failing() {
      yield packed[what].subarray(0, 50);
      throw new OnggiError('unavailable', 'gone');
    }
    await assert.rejects(collect(failing()), { code: 'unavailable' });
    let returned = false;
    async function* endless() {
      try {
        yield packed[what];
        for (;;) yield packed[what];
      } finally {
        returned = true;
      }
    }
    for await (const piece of decompress(endless())) {
      assert.ok(piece.length > 0);
      break;
    }
    assert.equal(returned, true);
  });
}

test('bytes behind the end of the compressed data are read, for the digest of the whole', async () => {
  let count = 0;
  const bytes = Buffer.concat([packed.gzip, Buffer.alloc(300_000)]);
  async function* counted() {
    for await (const chunk of chunks(bytes, 1000)) {
      count += chunk.length;
      yield chunk;
    }
  }
  assert.ok((await collect(counted())).equals(text));
  assert.equal(count, bytes.length);
});

test('other compressions are refused by name', () => {
  for (const bytes of [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], Buffer.from('BZh91AY')]) {
    assert.throws(() => compressionOf(Uint8Array.from(bytes)), { code: 'unsupported' });
  }
});
