import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastErrors } from './errors.ts';

test('of a log the last errors are told', () => {
  const log =
    '(00.1) ok\n(00.2) Error (criu/net.c:1): first\n(00.3) Warn (x): y\n(00.4) Error (criu/cr-dump.c:2): Dumping FAILED.\n';
  assert.equal(lastErrors(log), 'Error (criu/net.c:1): first; Error (criu/cr-dump.c:2): Dumping FAILED.');
});
