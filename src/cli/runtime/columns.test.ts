import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from './columns.ts';

test('columns are as wide as what is in them and three blanks, at least twelve', () => {
  const rows = [
    ['ID', 'BUNDLE', 'OWNER'],
    ['a-long-container', '/b', 'root'],
  ];
  assert.equal(table(rows), 'ID                 BUNDLE      OWNER\na-long-container   /b          root\n');
});
