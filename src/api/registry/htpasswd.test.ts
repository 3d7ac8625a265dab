import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import { parseBasic, parsePasswords } from './htpasswd.ts';

const hash = (cost = '05') => `$2y$${cost}$${'a'.repeat(53)}`;

test('users and their hashes', () => {
  const found = parsePasswords(`# comment\nann:${hash()}\n\n bob:${hash()} \r\n`, '/p');
  assert.deepEqual(
    [...found],
    [
      ['ann', hash()],
      ['bob', hash()],
    ],
  );
});

for (const [name, line] of [
  ['md5', 'ann:$apr1$abc$def'],
  ['sha1', 'ann:{SHA}abc'],
  ['plain', 'ann:canary'],
  ['no user', `:${hash()}`],
  ['no colon', 'canary'],
  ['a cost that takes minutes', `ann:${hash('31')}`],
] as const) {
  test(`refused, without showing it: ${name}`, () => {
    assert.throws(
      () => parsePasswords(`ok:${hash()}\n${line}`, '/p'),
      (error) => {
        assert.ok(error instanceof OnggiError && error.code === 'invalid');
        assert.match(error.message, /line 2/);
        assert.doesNotMatch(error.message, /canary|apr1/);
        return true;
      },
    );
  });
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
test('basic authentication', () => {
  assert.deepEqual(parseBasic(basic('ann:a:b')), { user: 'ann', password: 'a:b' });
  assert.deepEqual(parseBasic(basic('ä:').replace('Basic', 'bAsIc')), { user: 'ä', password: '' });
  for (const wrong of [
    undefined,
    '',
    'Bearer x',
    basic('ann'),
    'Basic !!',
    `Basic ${'a'.repeat(3000)}`,
    'Basic YTpi YTpi',
  ]) {
    assert.equal(parseBasic(wrong), undefined, String(wrong));
  }
});
