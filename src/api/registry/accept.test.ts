import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accepts, bareType } from './accept.ts';

const type = 'application/vnd.oci.image.index.v1+json';

for (const header of [undefined, '', '*/*', type, `text/html, ${type};q=0.5`, 'application/*', type.toUpperCase()]) {
  test(`accepts ${header}`, () => assert.ok(accepts(header, type)));
}
for (const header of ['text/html', `${type};q=0`, `${type}; q=0.0`, 'text/*', `${type}x`]) {
  test(`does not accept ${header}`, () => assert.ok(!accepts(header, type)));
}

test('a type without its parameters', () => {
  assert.equal(bareType('Text/HTML; charset=utf-8'), 'text/html');
  assert.equal(bareType(undefined), '');
});
