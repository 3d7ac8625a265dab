import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { absolutePath, parentPath } from './slash-path.ts';

test('the same as node:path', () => {
  const from = '/a/b';
  for (const path of [
    '',
    '.',
    '..',
    '../..',
    '../../..',
    'c',
    './c/',
    'c//d',
    '../c',
    '/',
    '//x',
    '/x/../y/./z/',
    'ü/..',
  ])
    assert.equal(absolutePath(path, from), posix.resolve(from, path), path);
  assert.equal(
    absolutePath('c', () => from),
    '/a/b/c',
  );
  assert.equal(
    absolutePath('/c', () => assert.fail('nobody has to know')),
    '/c',
  );
  for (const path of ['/', '/a', '/a/b', '/a/b/c']) assert.equal(parentPath(path), posix.dirname(path), path);
});
