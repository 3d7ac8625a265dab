import assert from 'node:assert/strict';
import test from 'node:test';
import { checkMaps, freeRange, mapAll, rangesOf } from './id-ranges.ts';

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

test('a free range is the first gap that is large enough', () => {
  const ranges = [{ first: 1000, size: 10_000 }];
  const taken = [
    { first: 3000, size: 1000 },
    { first: 500, size: 600 },
    { first: 10_000, size: 5000 },
  ];
  assert.deepEqual(freeRange(ranges, [], 2000), { first: 1000, size: 2000 });
  assert.deepEqual(freeRange(ranges, taken, 1000), { first: 1100, size: 1000 });
  assert.deepEqual(freeRange(ranges, taken, 5000), { first: 4000, size: 5000 });
  // The usual size is a wish.
  assert.deepEqual(freeRange(ranges, taken, undefined), { first: 4000, size: 6000 });
  assert.throws(() => freeRange(ranges, taken, 7000), /7000 ids in a row are asked for/);
  assert.throws(() => freeRange(ranges, [{ first: 1000, size: 9500 }], undefined), /65536 ids/);
});

test('maps without a root or with ids twice are refused', () => {
  const line = { containerId: 0, hostId: 5, size: 3 };
  checkMaps({ uids: [line], gids: [line, { containerId: 3, hostId: 9, size: 1 }] });
  assert.throws(() => checkMaps({ uids: [line], gids: [{ ...line, containerId: 1 }] }), /gidmap: it has no id 0/);
  assert.throws(() => checkMaps({ uids: [line, { containerId: 2, hostId: 50, size: 1 }], gids: [line] }), /overlap/);
  assert.throws(() => checkMaps({ uids: [line, { containerId: 9, hostId: 7, size: 1 }], gids: [line] }), /overlap/);
});
