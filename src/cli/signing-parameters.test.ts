import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { parseSigningParameters } from './signing-parameters.ts';

test('a key, and where its passphrase stands', () => {
  const parse = (text: string) => parseSigningParameters(text, 'file "sign.yaml"');
  assert.deepEqual(parse('privateKeyFile: a.key\n'), { key: 'a.key', passphraseFile: undefined });
  const both = '---\nprivateKeyFile: "/a b.key"\nprivateKeyPassphraseFile: /secret\nfulcio:\n';
  assert.deepEqual(parse(both), { key: '/a b.key', passphraseFile: '/secret' });
  for (const [text, code, message] of [
    ['', 'invalid', /not a list of "key: value"/],
    ['- a', 'invalid', /not a list of "key: value"/],
    ['privateKeyPassphraseFile: /secret', 'invalid', /"privateKeyFile" is missing/],
    ['privateKeyFile: [a]', 'invalid', /"privateKeyFile" is not a path/],
    ['privateKeyFile: a\nprivateKey: b', 'invalid', /"privateKey" is not known/],
    ['privateKeyFile: a\nrekorURL: https://rekor.example', 'unsupported', /"rekorURL" is not supported/],
    ['fulcio:\n  fulcioURL: https://fulcio.example', 'unsupported', /"fulcio" is not supported/],
  ] as const) {
    const wanted = (error: unknown) =>
      error instanceof OnggiError && error.code === code && message.test(error.message);
    assert.throws(() => parse(text), wanted, text);
  }
});
