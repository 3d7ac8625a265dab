import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codes, errnoOf, fromSystemError, OnggiError } from './errors.ts';

test('docs/errors.md has every code with its faces, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/errors.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|.*\| (\d+) \| (\d+) \| (\d+) \|$/gm)].map((match) =>
    match.slice(1),
  );
  const expected = Object.entries(codes).map(([code, { exit, http, grpc }]) => [code, `${exit}`, `${http}`, `${grpc}`]);
  assert.deepEqual(rows, expected);
});

test('control characters of foreign text do not reach the terminal', () => {
  const error = new OnggiError('invalid', 'name "\u001b[2J"', { hint: 'a\u0007b' });
  assert.equal(error.message, 'name "\ufffd[2J"');
  assert.equal(error.hint, 'a\ufffdb');
});

test('a system error keeps its cause and gets a code', () => {
  const cause = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  const error = fromSystemError(cause, 'write "/x"');
  assert.equal(error.code, 'exhausted');
  assert.equal(error.message, 'write "/x": ENOSPC: no space left on device');
  assert.equal(error.cause, cause);
  assert.match(error.hint ?? '', /space/);
  assert.equal(fromSystemError(error, 'again'), error);
  const open = Object.assign(new Error('EMFILE: too many open files, open'), { code: 'EMFILE', syscall: 'open' });
  const many = fromSystemError(open, 'open it');
  assert.deepEqual([many.code, many.message], ['exhausted', 'open it: EMFILE: too many open files']);
  assert.match(many.hint ?? '', /ulimit -n/);
  const bare = Object.assign(new Error('ENOTSUP: operation not supported on socket, write'), {
    code: 'ENOTSUP',
    syscall: 'write',
  });
  assert.equal(fromSystemError(bare, 'write "1"').message, 'write "1": ENOTSUP: operation not supported');
  assert.equal(errnoOf(cause), 'ENOSPC');
  assert.equal(errnoOf(new Error('x')), undefined);
  const message = "ENOENT: no such file or directory, open '/x'";
  const missing = Object.assign(new Error(message), { code: 'ENOENT', syscall: 'open', path: '/x' });
  assert.equal(fromSystemError(missing, 'read "/x"').message, 'read "/x": ENOENT: no such file or directory');
  assert.equal(fromSystemError(missing, 'read it').message, `read it: ${message}`);
});
