import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basicAuthorization, redact, secretsOf } from './credentials.ts';

test('basic authorization is base64 of UTF-8 (RFC 7617)', () => {
  assert.equal(basicAuthorization('Aladdin', 'open sesame'), 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  assert.equal(basicAuthorization('käse', 'ß:x'), `Basic ${Buffer.from('käse:ß:x').toString('base64')}`);
});

test('what a registry sends back of what it was sent is not shown', () => {
  const credentials = { username: 'user', password: 'hunter2' };
  const header = basicAuthorization('user', 'hunter2');
  const said = `got "${header}", so password "hunter2" and token "tok-123"`;
  const shown = redact(said, secretsOf(credentials, 'Bearer tok-123'));
  assert.equal(shown, 'got "Basic <redacted>", so password "<redacted>" and token "<redacted>"');
  assert.equal(
    redact('identity and registry', secretsOf({ identityToken: 'identity' }, null)),
    '<redacted> and registry',
  );
  assert.equal(
    redact('identity and registry', secretsOf({ registryToken: 'registry' }, null)),
    'identity and <redacted>',
  );
});

test('an empty password hides nothing', () => {
  assert.equal(redact('all of it', secretsOf({ username: 'u', password: '' }, null)), 'all of it');
});
