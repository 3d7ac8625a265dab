/** `make test-weakened` takes minutes and runs seldom; that it still finds what it takes out is told at once. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { weaknesses } from '../test/security/weakness.ts';

test('each defence that is to be taken out is where it is looked for', () => {
  for (const { test: attack, edits } of weaknesses) {
    for (const { file, from } of edits) {
      const text = readFileSync(join(import.meta.dirname, '..', file), 'utf8');
      assert.ok(text.includes(from), `${attack}: ${file} has no "${from}" (test/security/weakness.ts)`);
    }
  }
});
