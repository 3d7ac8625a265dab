import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { checkRlimit, parseRlimitType, rlimitNames, rlimitType, unlimited } from './rlimit.ts';

test('numbers are those of <asm-generic/resource.h>', () => {
  const header = readFileSync('/usr/include/asm-generic/resource.h', 'utf8');
  const defined = [...header.matchAll(/^#\s*define (RLIMIT_[A-Z]+)\s+(\d+)/gm)];
  assert.equal(defined.length, rlimitNames.length);
  for (const [, name = '', number] of defined) assert.equal(parseRlimitType(name).number, Number(number), name);
});

test('Docker names and types are inverse to each other', () => {
  for (const name of rlimitNames) assert.equal(parseRlimitType(rlimitType(name)).name, name);
});

const invalid = (error: unknown): boolean => error instanceof OnggiError && error.code === 'invalid';

test('unknown types are refused', () => {
  for (const type of ['', 'nofile', 'RLIMIT_', 'RLIMIT_TOSTRING', 'RLIMIT___PROTO__']) {
    assert.throws(() => parseRlimitType(type), invalid);
  }
});

test('a soft limit above the hard one and numbers out of range are refused', () => {
  checkRlimit('nofile', 5n, unlimited);
  checkRlimit('nofile', unlimited, unlimited);
  assert.throws(() => checkRlimit('nofile', 6n, 5n), invalid);
  assert.throws(() => checkRlimit('nofile', -1n, 5n), invalid);
  assert.throws(() => checkRlimit('nofile', 0n, unlimited + 1n), invalid);
});
