import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGoDuration } from './duration.ts';

for (const [text, milliseconds] of [
  ['5s', 5000],
  ['1m30s', 90_000],
  ['.5h', 1_800_000],
  ['1.5s', 1500],
  ['20ms', 20],
  ['2000us', 2],
] as const) {
  test(`${text} are ${milliseconds} ms`, () => assert.equal(parseGoDuration(text), milliseconds));
}

for (const text of ['', '5', 's', '5 s', '-5s', '0s', '5x', '5s!', '1000h']) {
  test(`"${text}" is refused`, () => assert.throws(() => parseGoDuration(text)));
}
