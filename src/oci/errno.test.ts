import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getSystemErrorMap } from 'node:util';
import { errnoName } from './errno.ts';

test('the engine of JavaScript gives them the same names', () => {
  let compared = 0;
  for (const [errno, [name]] of getSystemErrorMap()) {
    // What libuv has made up for itself has numbers that Linux doesn't use.
    if (errno < -1000) continue;
    // libuv's second name of EOPNOTSUPP; the C library and the kernel's own messages use the first.
    assert.equal(errnoName(-errno), name === 'ENOTSUP' ? 'EOPNOTSUPP' : name);
    compared += 1;
  }
  assert.ok(compared > 60, `${compared} compared`);
});

test('one without a name keeps its number', () => {
  assert.equal(errnoName(0), 'errno 0');
  assert.equal(errnoName(41), 'errno 41');
  assert.equal(errnoName(524), 'errno 524');
});
