import assert from 'node:assert/strict';
import test from 'node:test';
import type { IdMapLine } from '../types/user-namespace.ts';
import { autoMap, checkMaps, mapAll, type Range, rangesOf } from './id-ranges.ts';

test('ranges of the first name that has some; lines that are none are passed over', () => {
  const text = 'a:1:2\nb:10:20\nb:x:1\nb:50:0\nb:4294967290:100\nb:40:5\n';
  assert.deepEqual(rangesOf(text, ['none', 'b', 'a']), [
    { first: 10, size: 20 },
    { first: 40, size: 5 },
  ]);
  assert.deepEqual(rangesOf(text, ['none']), []);
  assert.deepEqual(mapAll(rangesOf(text, ['b'])), [
    { containerId: 0, hostId: 10, size: 20 },
    { containerId: 20, hostId: 40, size: 5 },
  ]);
});

const ranges = [{ first: 1000, size: 10_000 }];
const taken = [
  { first: 3000, size: 1000 },
  { first: 500, size: 600 },
  { first: 10_000, size: 5000 },
];
/** INSIDE:OUTSIDE:SIZE */
const words = (lines: readonly IdMapLine[]) =>
  lines.map(({ containerId, hostId, size }) => `${containerId}:${hostId}:${size}`).join(' ');
const mapped = (others: readonly Range[], size: number | undefined, lines: readonly IdMapLine[] = []) =>
  words(autoMap(ranges, others, { size, lines }));

test('ids are the first that are free in a row, else those of several gaps', () => {
  assert.equal(mapped([], 2000), '0:1000:2000');
  assert.equal(mapped(taken, 1000), '0:1100:1000');
  assert.equal(mapped(taken, 5000), '0:4000:5000');
  assert.equal(mapped(taken, 7000), '0:1100:1900 1900:4000:5100');
  // The usual size is a wish.
  assert.equal(mapped(taken, undefined), '0:4000:6000');
  assert.throws(() => mapped(taken, 8000), /8000 ids are asked for, and 7900 are left/);
  assert.throws(() => mapped([{ first: 1000, size: 9500 }], undefined), /65536 ids are asked for, and 500 are left/);
});

test('lines that have to be there are, and neither their ids nor those of the machine are twice', () => {
  const line = (containerId: number, hostId: number, size: number) => ({ containerId, hostId, size });
  assert.equal(mapped([], 300, [line(7, 7, 1)]), '0:1000:7 7:7:1 8:1007:292');
  assert.equal(mapped([], 300, [line(100, 1003, 10)]), '0:1013:100 100:1003:10 110:1113:190');
  assert.equal(mapped([], 500, [line(0, 5000, 1000)]), '0:5000:1000');
  assert.equal(mapped([], undefined, [line(70_000, 3, 1)]), '0:1000:10000 70000:3:1');
  const lines = autoMap(ranges, taken, { size: 3, lines: [line(0, 5000, 2), line(1, 9000, 2)] });
  assert.throws(() => checkMaps({ uids: lines, gids: lines }), /uidmap: two of its ranges overlap/);
});

test('maps without a root or with ids twice are refused', () => {
  const line = { containerId: 0, hostId: 5, size: 3 };
  checkMaps({ uids: [line], gids: [line, { containerId: 3, hostId: 9, size: 1 }] });
  assert.throws(() => checkMaps({ uids: [line], gids: [{ ...line, containerId: 1 }] }), /gidmap: it has no id 0/);
  assert.throws(() => checkMaps({ uids: [line, { containerId: 2, hostId: 50, size: 1 }], gids: [line] }), /overlap/);
  assert.throws(() => checkMaps({ uids: [line, { containerId: 9, hostId: 7, size: 1 }], gids: [line] }), /overlap/);
});
