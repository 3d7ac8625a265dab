import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from './proxy.ts';
import { failsWith } from './testing.ts';

const proxies = { HTTPS_PROXY: 'http://secure:3128', http_proxy: 'plain:8080' };

const cases: readonly (readonly [url: string, noProxy: string, string | null])[] = [
  ['https://r.example/', '', 'http://secure:3128/'],
  ['http://r.example/', '', 'http://plain:8080/'],
  ['https://localhost:5000/', '', null],
  ['http://127.0.0.1:5000/', '', null],
  ['https://[::1]/', '', null],
  ['https://r.example/', '*', null],
  ['https://r.example/', 'other, r.example', null],
  ['https://a.r.example/', 'R.example', null],
  ['https://xr.example/', 'r.example', 'http://secure:3128/'],
  ['https://r.example/', '.r.example', 'http://secure:3128/'],
  ['https://a.r.example/', '.r.example', null],
  ['https://a.r.example/', '*.r.example', null],
  ['https://r.example:5000/', 'r.example:5000', null],
  ['https://r.example/', 'r.example:443', null],
  ['https://r.example:5001/', 'r.example:5000', 'http://secure:3128/'],
  ['https://10.1.2.3/', '10.0.0.0/8', null],
  ['https://[fd00::5]:5000/', '[fd00::5]:5000', null],
];

for (const [url, noProxy, expected] of cases) {
  test(`${url} without proxy for "${noProxy}": ${expected}`, () => {
    assert.equal(proxyFor(new URL(url), { ...proxies, NO_PROXY: noProxy }), expected);
  });
}

test('what is no proxy is refused without its password in the message', () => {
  const url = new URL('https://r.example/');
  for (const [address, code] of [
    ['socks5://user:canary@p', 'unsupported'],
    ['http://', 'invalid'],
    ['http://user:canary@p:x', 'invalid'],
  ] as const) {
    assert.throws(
      () => proxyFor(url, { HTTPS_PROXY: address }),
      (error) => {
        assert.doesNotMatch(String(error), /canary/);
        return failsWith(code)(error);
      },
    );
  }
  assert.equal(proxyFor(url, { HTTPS_PROXY: '' }), null);
  assert.equal(proxyFor(url, {}), null);
});
