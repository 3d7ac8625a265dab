import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsControl } from './control-character.ts';

test('all of category Cc and nothing else is a control character', () => {
  for (let code = 0; code < 0x3000; code++) {
    const text = `a${String.fromCharCode(code)}b`;
    assert.equal(holdsControl(text), /\p{Cc}/u.test(text), `U+${code.toString(16)}`);
  }
  assert.equal(holdsControl('1\t2', '\t'), false);
  assert.equal(holdsControl('1\t2\n', '\t'), true);
});
