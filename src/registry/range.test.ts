import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToSkip } from './range.ts';
import { failsWith } from './testing.ts';

const size = 100;

test('the first answer is all of it', () => {
  assert.equal(bytesToSkip({ status: 200, contentRange: null, contentLength: '100' }, 0, size, 'blob'), 0);
  assert.equal(bytesToSkip({ status: 200, contentRange: null, contentLength: null }, 0, size, 'blob'), 0);
});

test('a registry without ranges sends all of it again', () => {
  assert.equal(bytesToSkip({ status: 200, contentRange: null, contentLength: '100' }, 40, size, 'blob'), 40);
});

test('the rest is the rest', () => {
  const part = { status: 206, contentLength: '60' };
  assert.equal(bytesToSkip({ ...part, contentRange: 'bytes 40-99/100' }, 40, size, 'blob'), 0);
  assert.equal(bytesToSkip({ ...part, contentRange: 'bytes 40-99/*' }, 40, size, 'blob'), 0);
});

const wrong: readonly (readonly [status: number, contentRange: string | null, contentLength: string | null])[] = [
  [200, null, '99'],
  [200, null, '101'],
  [206, 'bytes 41-99/100', null],
  [206, 'bytes 40-99/101', null],
  [206, 'bytes 0-99/100', null],
  [206, 'bytes */100', null],
  [206, null, null],
];

for (const [status, contentRange, contentLength] of wrong) {
  test(`answer ${status} with range ${contentRange} and length ${contentLength} is another blob's`, () => {
    const answer = { status, contentRange, contentLength };
    assert.throws(() => bytesToSkip(answer, 40, size, 'blob "x"'), failsWith('corrupt', /^blob "x": /));
  });
}
