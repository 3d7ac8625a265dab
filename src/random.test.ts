import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, randomHex } from './random.ts';

test('bytes in hexadecimal, all of them', () => {
  const seen = new Set<string>();
  for (let round = 0; round < 100; round++) {
    const value = randomHex(32);
    assert.match(value, /^[0-9a-f]{64}$/);
    for (const byte of value.match(/../g) ?? []) seen.add(byte);
  }
  // Of 3200 draws, the chance that more than two bytes never come is below one in a million.
  assert.ok(seen.size >= 254, `${seen.size} different bytes`);
});

test('numbers are below their limit and reach all of its range', () => {
  for (const limit of [1, 2, 10, 2 ** 31, 2 ** 32]) {
    const drawn = Array.from({ length: 200 }, () => randomBelow(limit));
    assert.ok(
      drawn.every((value) => Number.isInteger(value) && value >= 0 && value < limit),
      `${limit}`,
    );
    assert.ok(Math.max(...drawn) >= Math.floor((limit - 1) / 2) && Math.min(...drawn) <= limit / 2, `${limit}`);
  }
});
