import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkNotSystem } from './system-path.ts';

test('directories of the system and the home of the user are not given away, what is below them may be', () => {
  for (const path of ['/', '/etc', '/usr', '/var/lib', '/h/me']) {
    assert.throws(() => checkNotSystem(path, '/h/me', 'chowning'), {
      code: 'denied',
      message: /chowning host path .* not allowed/,
    });
  }
  for (const path of ['/srv/www', '/home/x', '/h/me/data', '/etcetera']) checkNotSystem(path, '/h/me', 'chowning');
});
