import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupsOf, staticClosure } from './bundle-groups.ts';

const files = new Map([
  ['cli/a.ts', "import { x } from '../both.ts';\nimport type { T } from '../types.ts';\nexport const a = x;"],
  ['cli/b.ts', "import '../both.ts';\nexport const b = () => import('../late.ts');"],
  ['both.ts', "import { readFileSync } from 'node:fs';\nexport * from './deep.ts';\nexport const x = readFileSync;"],
  ['deep.ts', "import './both.ts';\nexport const deep = 1;"],
  ['late.ts', 'export {};'],
  ['types.ts', 'export type T = 1;'],
]);

test('what is imported later, or for its types alone, is not needed', () => {
  assert.deepEqual([...staticClosure(files, ['cli/b.ts'])].sort(), ['both.ts', 'cli/b.ts', 'deep.ts']);
  assert.throws(() => staticClosure(files, ['cli/c.ts']), /no such module: cli\/c.ts/);
});

test('modules that the same commands need are one group', () => {
  const groups = groupsOf(files, { a: ['cli/a.ts'], 'b c': ['cli/b.ts'] });
  assert.deepEqual(Object.fromEntries(groups), {
    'cli/a.ts': 'a',
    'both.ts': 'a+b-c',
    'deep.ts': 'a+b-c',
    'cli/b.ts': 'b-c',
  });
});
