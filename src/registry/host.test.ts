import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostOfRegistry, isLoopback, mayFollow, originsOf } from './host.ts';

const origins: readonly (readonly [string, readonly string[]])[] = [
  ['docker.io', ['https://registry-1.docker.io']],
  ['ghcr.io', ['https://ghcr.io']],
  ['registry.example:5000', ['https://registry.example:5000']],
  ['localhost:5000', ['http://localhost:5000', 'https://localhost:5000']],
  ['127.0.0.1:5000', ['http://127.0.0.1:5000', 'https://127.0.0.1:5000']],
  ['127.8.9.10', ['http://127.8.9.10', 'https://127.8.9.10']],
  ['[::1]:5000', ['http://[::1]:5000', 'https://[::1]:5000']],
  // Names and addresses that only look like this machine.
  ['localhost.example', ['https://localhost.example']],
  ['127.0.0.1.example', ['https://127.0.0.1.example']],
  ['10.0.0.1:5000', ['https://10.0.0.1:5000']],
  ['0.0.0.0:5000', ['https://0.0.0.0:5000']],
  ['[::2]:5000', ['https://[::2]:5000']],
];

for (const [registry, expected] of origins) {
  test(`registry "${registry}" answers at ${expected.join(' or ')}`, () => {
    assert.deepEqual(originsOf(hostOfRegistry(registry)), expected);
  });
}

test('what can be no host is said to be none', () => {
  for (const host of ['127.0.0.1:99999', '1.2.3.400', '[::::]:5000']) {
    assert.throws(() => originsOf(host), {
      code: 'invalid',
      message: `registry "${host}": no host and port that there can be`,
    });
  }
});

test('other spellings of loopback addresses are the address that will be connected to', () => {
  assert.ok(isLoopback(new URL('http://127.1:80')));
  assert.ok(isLoopback(new URL('http://2130706433')));
  assert.ok(isLoopback(new URL('http://LOCALHOST')));
  assert.ok(!isLoopback(new URL('http://128.0.0.1')));
});

const followed: readonly (readonly [from: string, target: string, may: boolean])[] = [
  ['https://a.example', 'https://b.example/x', true],
  ['https://a.example', 'http://b.example/x', false],
  ['https://a.example', 'http://127.0.0.1/x', false],
  ['http://127.0.0.1:5000', 'http://localhost:6000/x', true],
  ['http://127.0.0.1:5000', 'http://b.example/x', false],
  ['http://127.0.0.1:5000', 'https://b.example/x', true],
  ['https://a.example', 'https://user:word@b.example/x', false],
  ['https://a.example', 'file:///etc/passwd', false],
  ['http://127.0.0.1:5000', 'data:text/plain,x', false],
];

for (const [from, target, may] of followed) {
  test(`from ${from} ${may ? 'we go' : "we don't go"} to ${target}`, () => {
    assert.equal(mayFollow(new URL(from), new URL(target)), may);
  });
}

test('an insecure registry is asked by https first, and may send us on to itself in plain http', () => {
  assert.deepEqual(originsOf('r.example:5000', true), ['https://r.example:5000', 'http://r.example:5000']);
  const [from, to] = [new URL('http://r.example:5000/v2/'), new URL('http://r.example:5001/token')];
  assert.equal(mayFollow(from, to), false);
  assert.equal(mayFollow(from, to, true), true);
  assert.equal(mayFollow(new URL('https://r.example/'), to, true), false);
});
