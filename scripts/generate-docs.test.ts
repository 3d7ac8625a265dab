import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePages, stalePages } from './generate-docs.ts';

test('docs/cli is what the table of commands says', async () => {
  assert.deepEqual(stalePages(await makePages()), [], 'run scripts/generate-docs.ts');
});

test('a changed, a missing and a left-over page are noticed', async () => {
  const pages = await makePages();
  const changed = new Map(pages).set('run.md', 'x').set('new.md', 'x');
  changed.delete('ps.md');
  assert.deepEqual(stalePages(changed).sort(), ['new.md', 'ps.md', 'run.md']);
});
