import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { conformancePage, page } from './generate-conformance.ts';

test('docs/conformance.md is what the bundles say', () => {
  assert.equal(readFileSync(page, 'utf8'), conformancePage(), 'run scripts/generate-conformance.ts');
});
