import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Code, OnggiError } from '../errors.ts';
import { connectionFailure, refusal } from './failure.ts';

const asked = {
  what: 'image "localhost:5000/app:1"',
  host: 'localhost:5000',
  retryAfter: null,
  secrets: [],
  advice: 'Log in.',
};

const refusals: readonly (readonly [status: number, code: Code, transient: boolean, hint: string | undefined])[] = [
  [400, 'invalid', false, undefined],
  [401, 'unauthorized', false, 'Log in.'],
  [403, 'denied', false, 'Log in.'],
  [404, 'not-found', false, 'Check the name and the tag.'],
  [406, 'unsupported', false, undefined],
  [429, 'unavailable', true, 'Too many requests: wait a while. Log in.'],
  [500, 'unavailable', true, undefined],
  [503, 'unavailable', true, undefined],
  [302, 'unavailable', false, undefined],
  [418, 'unavailable', false, undefined],
];

for (const [status, code, transient, hint] of refusals) {
  test(`answer ${status} is ${code}${transient ? ', for now' : ''}`, () => {
    const failure = refusal({ ...asked, status, body: '' });
    assert.equal(failure.error.code, code);
    assert.equal(failure.transient, transient);
    assert.equal(failure.error.hint, hint);
  });
}

test('the message says what was asked, who answered and what', () => {
  const body = JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: {} }] });
  assert.equal(
    refusal({ ...asked, status: 404, body }).error.message,
    'image "localhost:5000/app:1": "localhost:5000" answered 404 (MANIFEST_UNKNOWN: manifest unknown)',
  );
  assert.match(refusal({ ...asked, status: 429, body: '', retryAfter: 90_000 }).error.message, /asks to wait 90 s$/);
});

const bodies: readonly string[] = [
  '',
  '<html>no</html>',
  '[]',
  'null',
  '{"errors":{}}',
  '{"errors":[null]}',
  '{"errors":[{"code":7}]}',
];
for (const body of bodies) {
  test(`a body that is no list of errors is left out: ${body}`, () => {
    assert.match(refusal({ ...asked, status: 500, body }).error.message, /answered 500$/);
  });
}

test('foreign text is short, on one line, without control characters and secrets', () => {
  const message = `line\nline \u001b[31m my-secret ${'x'.repeat(5000)}`;
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message }] });
  const { error } = refusal({ ...asked, status: 403, body, secrets: ['my-secret'] });
  assert.ok(error.message.length < 400);
  assert.doesNotMatch(error.message, /\n|\u001b|my-secret/);
});

function withCode(code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error('inner'), { code }) });
}

const connections: readonly (readonly [unknown, reached: boolean, words: RegExp, transient: boolean])[] = [
  [withCode('ECONNREFUSED'), false, /connection refused/, false],
  [withCode('ECONNREFUSED'), true, /connection refused/, true],
  [withCode('ENOTFOUND'), false, /no such host/, false],
  [withCode('ECONNRESET'), false, /connection lost/, true],
  [Object.assign(new TypeError('x'), { code: 'ECONNRESET' }), false, /connection lost/, true],
  [withCode('UND_ERR_SOCKET'), true, /connection lost/, true],
  [withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), true, /certificate is not trusted/, false],
  [new TypeError('fetch failed'), false, /connection failed/, true],
  [new OnggiError('unavailable', 'no answer for 30 s'), false, /no answer for 30 s/, true],
];

for (const [error, reached, words, transient] of connections) {
  test(`broken connection: ${words}${reached ? ', reached before' : ''}${transient ? ', for now' : ''}`, () => {
    const failure = connectionFailure({ what: 'blob "x"', host: 'r.example', error, reached });
    assert.equal(failure.error.code, 'unavailable');
    assert.match(failure.error.message, words);
    assert.match(failure.error.message, /^blob "x": "r\.example": /);
    assert.equal(failure.transient, transient);
  });
}
