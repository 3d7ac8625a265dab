import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseListenAddress } from './listen-address.ts';

const cases = {
  '127.0.0.1:80': { host: '127.0.0.1', port: 80 },
  ':5001': { host: '0.0.0.0', port: 5001 },
  localhost: { host: 'localhost', port: 5000 },
  '[::1]:0': { host: '::1', port: 0 },
  '[::]': { host: '::', port: 5000 },
};
for (const [text, wanted] of Object.entries(cases)) {
  test(`"${text}"`, () => assert.deepEqual(parseListenAddress(text), wanted));
}

for (const text of ['', '::1', '1.2.3.4:', 'a:65536', 'a b', '[::1', 'a:b', 'http://a:1']) {
  test(`"${text}" is refused`, () => assert.throws(() => parseListenAddress(text), { code: 'invalid' }));
}
