import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { checkContainerId } from './container-id.ts';

for (const id of ['a', 'web-1', 'A_b.c+d', '...', 'x'.repeat(255)]) {
  test(`"${id.slice(0, 20)}" is an id`, () => assert.equal(checkContainerId(id), id));
}

for (const id of ['', '.', '..', 'a/b', '../x', 'a b', 'a\0b', 'a\nb', 'é', 'a@b', 'x'.repeat(256)]) {
  test(`${JSON.stringify(id.slice(0, 20))} is none`, () => {
    assert.throws(
      () => checkContainerId(id),
      (error) => error instanceof OnggiError && error.code === 'invalid',
    );
  });
}
