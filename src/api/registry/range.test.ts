import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receivedRange, sentRange, wantedRange } from './range.ts';

const wanted: readonly (readonly [header: string | undefined, range: unknown])[] = [
  [undefined, 'whole'],
  ['bytes=0-', { start: 0, end: 100 }],
  ['bytes=10-19', { start: 10, end: 20 }],
  ['bytes=90-1000', { start: 90, end: 100 }],
  ['bytes=-10', { start: 90, end: 100 }],
  ['bytes=-1000', { start: 0, end: 100 }],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=9-8', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=0-1,3-4', 'whole'],
  ['lines=0-1', 'whole'],
  ['bytes=0-99999999999999999999', 'whole'],
];
for (const [header, range] of wanted) test(`wanted ${header}`, () => assert.deepEqual(wantedRange(header, 100), range));

test('of nothing there is no part', () => assert.equal(wantedRange('bytes=0-', 0), 'unsatisfiable'));

const sent: readonly (readonly [header: string, range: unknown])[] = [
  ['0-99', { start: 0, end: 100 }],
  ['bytes 5-5/*', { start: 5, end: 6 }],
  ['bytes=5-5/10', { start: 5, end: 6 }],
  ['6-5', undefined],
  ['-5', undefined],
  ['5-', undefined],
  ['0x1-2', undefined],
  ['1-9999999999999999', undefined],
  ['1-2-3', undefined],
];
for (const [header, range] of sent) test(`sent ${header}`, () => assert.deepEqual(sentRange(header), range));

test('what came', () => assert.deepEqual([0, 1, 100].map(receivedRange), ['0-0', '0-0', '0-99']));
