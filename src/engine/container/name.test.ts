import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newContainerId, parseContainerName, randomContainerName, shortId } from './name.ts';

test('names as Docker allows them', () => {
  for (const name of ['ab', 'A_b.c-9', '0x', 'a'.repeat(255)]) assert.equal(parseContainerName(name), name);
  assert.equal(parseContainerName('/web'), 'web');
});

test('other names are refused, and told short', () => {
  for (const name of ['', 'a', '/', '-ab', '.ab', '_ab', 'a b', 'a/b', '//ab', 'ä-b', 'ab\n', 'a\0b']) {
    assert.throws(
      () => parseContainerName(name),
      {
        code: 'invalid',
        message: /^Invalid container name \(.{0,80}\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed$/s,
      },
      JSON.stringify(name),
    );
  }
});

test('a name that is too long', () => {
  assert.equal(parseContainerName('a'.repeat(255)).length, 255);
  assert.throws(() => parseContainerName('a'.repeat(256)), {
    message: `Invalid container name (${'a'.repeat(80)}...), it is longer than 255`,
  });
});

test('ids are 256 random bits', () => {
  const ids = Array.from({ length: 100 }, newContainerId);
  for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(new Set(ids).size, 100);
  assert.equal(shortId(ids[0] ?? ''), ids[0]?.slice(0, 12));
});

test('made-up names are names, and get longer when they are taken', () => {
  for (let attempt = 0; attempt < 12; attempt++) {
    const name = randomContainerName(attempt);
    assert.equal(parseContainerName(name), name);
    assert.match(name, attempt === 0 ? /^[a-z]+_[a-z]+$/ : /^[a-z]+_[a-z]+\d{1,9}$/);
  }
  assert.ok(new Set(Array.from({ length: 200 }, () => randomContainerName(0))).size > 100);
});
