import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { gzipped } from './parallel-gzip.ts';

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const text = Buffer.from('onggi keeps food for years and still breathes. '.repeat(60_000));
for (const [what, bytes, size] of [
  ['nothing', Buffer.alloc(0), 1],
  ['a byte', Buffer.from('x'), 1],
  ['text', text, 70_001],
  ['noise', randomBytes(3_500_000), 1_000_000],
  ['exactly two blocks', randomBytes(2 * 1024 * 1024), 4096],
] as const) {
  test(`gunzip of gzip is ${what}`, async () => {
    const packed = Buffer.concat(await Array.fromAsync(gzipped(pieces(bytes, size))));
    assert.ok(gunzipSync(packed).equals(bytes));
    const again = Buffer.concat(await Array.fromAsync(gzipped(pieces(bytes, 999))));
    assert.ok(packed.equals(again), 'the same however the pieces are cut');
  });
}

test('text gets small', async () => {
  const packed = Buffer.concat(await Array.fromAsync(gzipped(pieces(text, 65_536))));
  assert.ok(packed.length < text.length / 50, String(packed.length));
});

test('what the source throws comes through', async () => {
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield randomBytes(3_000_000);
    throw new Error('no more');
  };
  await assert.rejects(Array.fromAsync(gzipped(broken())), /no more/);
});
