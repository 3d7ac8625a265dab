import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTransientStatus, parseRetryAfter, retryDelay } from './retry.ts';

const policy = { attempts: 5, firstDelay: 100, longestDelay: 300, longestWait: 10_000 };

const delays: readonly (readonly [failures: number, retryAfter: number | null, random: number, number | undefined])[] =
  [
    [1, null, 1, 100],
    [1, null, 0, 50],
    [2, null, 1, 200],
    [3, null, 1, 300],
    [4, null, 0, 150],
    [5, null, 1, undefined],
    [1, 5000, 1, 5000],
    [1, 10, 1, 100],
    [1, 10_001, 1, undefined],
    [5, 1, 1, undefined],
  ];

for (const [failures, retryAfter, random, expected] of delays) {
  test(`after failure ${failures}, asked to wait ${retryAfter}, random ${random}: ${expected}`, () => {
    assert.equal(retryDelay(policy, failures, retryAfter, random), expected);
  });
}

const now = Date.parse('2026-03-01T12:00:00Z');
const headers: readonly (readonly [string | null, number | null])[] = [
  [null, null],
  ['120', 120_000],
  ['0', 0],
  [' 3 ', 3000],
  ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
  ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
  ['soon', null],
];

for (const [header, expected] of headers) {
  test(`Retry-After "${header}" is ${expected} ms`, () => {
    assert.equal(parseRetryAfter(header, now), expected);
  });
}

test('a time before now is no wait', () => {
  // Some runtimes read "-5" as a year; it must not become a wait.
  assert.ok((parseRetryAfter('-5', now) ?? 0) === 0);
});

test('overload and absence may pass, refusals do not', () => {
  assert.deepEqual([408, 429, 500, 502, 503, 504].map(isTransientStatus), Array(6).fill(true));
  assert.deepEqual([200, 400, 401, 403, 404, 501].map(isTransientStatus), Array(6).fill(false));
});
