import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage, type Fields } from './message.ts';

const hex = (fields: Fields): string => Buffer.from(encodeMessage(fields)).toString('hex');

test('numbers, words and messages, as the description of the format shows them', () => {
  assert.equal(hex([[1, 150]]), '089601');
  assert.equal(hex([[2, 'testing']]), '120774657374696e67');
  assert.equal(hex([[3, [[1, 150]]]]), '1a03089601');
  assert.equal(hex([[50, true]]), '900301');
  assert.equal(hex([[38, 0x4000_0000]]), 'b0028080808004');
});

test('what was encoded is decoded; of several fields of one number the last', () => {
  const found = decodeMessage(
    encodeMessage([
      [1, 2 ** 40],
      [2, 'ä'],
      [17, false],
      [1, 7],
    ]),
  );
  assert.deepEqual(
    found,
    new Map<number, number | Uint8Array>([
      [1, 7],
      [2, Uint8Array.of(0xc3, 0xa4)],
      [17, 0],
    ]),
  );
  assert.deepEqual(decodeMessage(Uint8Array.from([0x0d, 1, 2, 3, 4, 0x11, 1, 2, 3, 4, 5, 6, 7, 8]))?.size, 2);
});

test('what is no message is not taken for one', () => {
  for (const bad of ['08', '0896', '1205aa', '0bff', '08ffffffffffffffffffff01']) {
    assert.equal(decodeMessage(Buffer.from(bad, 'hex')), undefined, bad);
  }
});
