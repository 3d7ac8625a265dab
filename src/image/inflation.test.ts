import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { defaultInflationLimits, inflated, inflationLimits } from './inflation.ts';

test('limits are those of the environment, 0 is none', () => {
  assert.deepEqual(inflationLimits({}), defaultInflationLimits);
  const { size, ratio } = inflationLimits({ ONGGI_LAYER_SIZE: '20g', ONGGI_LAYER_RATIO: '0' });
  assert.deepEqual([size, ratio], [20 * 2 ** 30, Number.MAX_SAFE_INTEGER]);
  for (const wrong of ['', 'much', '-1', '1x', '9999999999999999', '1.5g']) {
    assert.throws(() => inflationLimits({ ONGGI_LAYER_SIZE: wrong }), { code: 'invalid' }, wrong);
  }
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function sizeOf(bytes: Uint8Array, limits: { size?: number; ratio?: number; free?: number }): Promise<number> {
  let size = 0;
  for await (const piece of inflated(once(bytes), 'x', { ...defaultInflationLimits, ...limits })) size += piece.length;
  return size;
}

test('what grows too much is refused before it is passed on', async () => {
  const megabyte = gzipSync(Buffer.alloc(1024 * 1024));
  assert.equal(await sizeOf(megabyte, { size: 1024 * 1024 }), 1024 * 1024);
  await assert.rejects(sizeOf(megabyte, { size: 1024 * 1024 - 1 }), { code: 'exhausted' });
  assert.equal(await sizeOf(megabyte, { ratio: 100, free: 1024 * 1024 }), 1024 * 1024);
  await assert.rejects(sizeOf(megabyte, { ratio: 100, free: 1024 }), { code: 'exhausted' });
  assert.equal(await sizeOf(Buffer.alloc(5000), { ratio: 1, free: 0 }), 5000);
});
