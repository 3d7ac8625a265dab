import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storageFlags, storageOptions } from './storage.ts';

test('the size that a container may write', () => {
  const { parse } = storageFlags['storage-opt'];
  assert.deepEqual(storageOptions({ 'storage-opt': [] }), {});
  assert.deepEqual(storageOptions({ 'storage-opt': [parse('size=1m'), parse('SIZE=10G')] }), {
    storageSize: 10 * 2 ** 30,
  });
});

test('what is no size is refused by name', () => {
  const { parse } = storageFlags['storage-opt'];
  for (const text of ['size', 'size=', 'dm.basesize=1g', 'size=0', 'size=x']) {
    assert.throws(
      () => parse(text),
      (error: Error) => error.message.includes(text.split('=').at(-1) ?? ''),
      text,
    );
  }
});
