import assert from 'node:assert/strict';
import test from 'node:test';
import { sha256 } from './digest.ts';
import { canonicalName, familiarName, familiarRepository, parseReference, pinned } from './reference.ts';

const digest = sha256('x');

/** written, canonical, familiar */
const cases: readonly (readonly [string, string, string])[] = [
  ['alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['alpine:3.20', 'docker.io/library/alpine:3.20', 'alpine:3.20'],
  ['library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['docker.io/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['index.docker.io/library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['a/b', 'docker.io/a/b:latest', 'a/b:latest'],
  ['a/b/c', 'docker.io/a/b/c:latest', 'a/b/c:latest'],
  ['library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
  ['localhost/a', 'localhost/a:latest', 'localhost/a:latest'],
  ['localhost:5000/a:1', 'localhost:5000/a:1', 'localhost:5000/a:1'],
  ['127.0.0.1:5000/a/b__c-d.e', '127.0.0.1:5000/a/b__c-d.e:latest', '127.0.0.1:5000/a/b__c-d.e:latest'],
  ['[::1]:5000/a', '[::1]:5000/a:latest', '[::1]:5000/a:latest'],
  ['Host/a', 'Host/a:latest', 'Host/a:latest'],
  [`alpine@${digest}`, `docker.io/library/alpine@${digest}`, `alpine@${digest}`],
  [`alpine:3@${digest}`, `docker.io/library/alpine@${digest}`, `alpine@${digest}`],
];

for (const [written, canonical, familiar] of cases) {
  test(`reference ${written}`, () => {
    const reference = parseReference(written);
    assert.equal(canonicalName(reference), canonical);
    assert.equal(familiarName(reference), familiar);
    assert.deepEqual(parseReference(canonical), reference);
    assert.deepEqual(parseReference(familiar), reference);
  });
}

const bad = [
  '',
  ':',
  'a:',
  '/a',
  'a/',
  'a//b',
  'a b',
  'Alpine',
  'a:b:c',
  'a:-x',
  `a:${'x'.repeat(129)}`,
  '-a',
  'a-',
  'a___b',
  'a..b',
  'a@',
  'a@sha256:abc',
  `a@${digest.toUpperCase()}`,
  '../a',
  'a.b/../c',
  'exa mple.com/a',
  'http://example.com/a',
  'example.com:99999999/a',
  'a\u0000b',
  'a\n',
  'f'.repeat(64),
  `${'a/'.repeat(150)}b`,
  'x'.repeat(2000),
];

for (const text of bad) {
  test(`refused: ${JSON.stringify(text).slice(0, 60)}`, () => {
    assert.throws(() => parseReference(text), { code: 'invalid' });
  });
}

test('pinning keeps the repository', () => {
  const reference = parseReference('localhost:5000/a:1');
  assert.equal(familiarRepository(reference), 'localhost:5000/a');
  assert.equal(canonicalName(pinned(reference, digest)), `localhost:5000/a@${digest}`);
});
