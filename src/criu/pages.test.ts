import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPageMap } from './pages.ts';

const header = [0x19, 0x43, 0x56, 0x54, 0x25, 0x40, 0x08, 0x56];

function image(...messages: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([...header, ...messages.flatMap((message) => [message.length, 0, 0, 0, ...message])]);
}

test('pages that are in the file are counted', () => {
  // vaddr 0x400000, 3 pages, present; 2 pages of the parent; 300 pages without flags, as older versions write them.
  const entries = [
    [0x08, 0x80, 0x80, 0x80, 0x02, 0x10, 3, 0x20, 4],
    [0x08, 1, 0x10, 2, 0x18, 1, 0x20, 1],
    [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x10, 0xac, 0x02],
    [0x08, 1, 0x10, 7, 0x18, 1],
  ];
  assert.deepEqual(readPageMap('x', image([0x08, 5], ...entries)), { pages: 5, size: 303 * 4096 });
  assert.deepEqual(readPageMap('x', image([0x08, 1])), { pages: 1, size: 0 });
});

test('a damaged map is refused', () => {
  const whole = image([0x08, 5], [0x08, 1, 0x10, 3]);
  for (const damaged of [
    image(),
    image([0x10, 5]),
    image([0x08]),
    image([0x0a, 0]),
    image([0x08, ...Array<number>(11).fill(0xff)]),
    whole.subarray(0, -1),
    whole.subarray(0, header.length + 2),
    image([0x08, 1], [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
  ]) {
    assert.throws(() => readPageMap('pagemap-1.img', damaged), { code: 'corrupt' });
  }
});
