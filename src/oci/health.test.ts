import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthConfig, healthTestWords, mergeHealth, parseHealthTest } from './health.ts';

test('the arguments of HEALTHCHECK, both ways', () => {
  for (const words of [['NONE'], ['CMD', 'a', 'b c'], ['CMD-SHELL', 'a || b']]) {
    const parsed = parseHealthTest(words);
    assert.ok(parsed !== undefined);
    assert.deepEqual(healthTestWords(parsed), words);
  }
  for (const words of [[], ['CMD'], ['CMD-SHELL'], ['cmd', 'x'], ['']]) assert.equal(parseHealthTest(words), undefined);
});

test('the user has the last word on each part, and can do without', () => {
  const image: HealthConfig = { test: { line: 'a' }, interval: 5, retries: 2 };
  const table: [HealthConfig | undefined, HealthConfig | undefined, HealthConfig | undefined][] = [
    [undefined, undefined, undefined],
    [undefined, image, image],
    [{ interval: 7 }, undefined, { interval: 7 }],
    [{ interval: 7 }, image, { test: { line: 'a' }, interval: 7, retries: 2 }],
    [{ test: { args: ['b'] } }, image, { test: { args: ['b'] }, interval: 5, retries: 2 }],
    [{ test: null }, image, { test: null }],
  ];
  for (const [user, from, wanted] of table) assert.deepEqual(mergeHealth(user, from), wanted);
});
