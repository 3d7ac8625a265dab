import assert from 'node:assert/strict';
import test from 'node:test';
import { versionRange } from './version-range.ts';

const tags = [
  '0.2.3',
  '0.2.9',
  '0.3.0',
  '1.0.0',
  'v1.2',
  '1.2.3',
  '1.2.4-rc1',
  '1.3.0',
  '2',
  '2.0.1',
  'latest',
  '3-alpine',
];

for (const [range, wanted] of [
  ['>= 1.2, < 2', ['v1.2', '1.2.3', '1.3.0']],
  ['>=1.2.3 <1.3', ['1.2.3']],
  ['~1.2', ['v1.2', '1.2.3']],
  ['~1', ['1.0.0', 'v1.2', '1.2.3', '1.3.0']],
  ['^1.2', ['v1.2', '1.2.3', '1.3.0']],
  ['^0.2.3', ['0.2.3', '0.2.9']],
  ['1.2.x', ['v1.2', '1.2.3']],
  ['=1.2.3 || 2.*', ['1.2.3', '2', '2.0.1']],
  ['1.0 - 1.2', ['1.0.0', 'v1.2', '1.2.3']],
  ['!=1.2.3, >1.0.0, <2', ['v1.2', '1.3.0']],
  ['>1', ['2', '2.0.1']],
  ['<=0.2', ['0.2.3', '0.2.9']],
  ['>=1.2.4-rc1, <1.3', ['1.2.4-rc1']],
  ['*', ['0.2.3', '0.2.9', '0.3.0', '1.0.0', 'v1.2', '1.2.3', '1.3.0', '2', '2.0.1']],
] as const) {
  test(`range ${range}`, () => assert.deepEqual(tags.filter(versionRange(range)), wanted));
}

test('what is no range is refused', () => {
  for (const text of ['', 'latest', '>>1', '1.2.3.4', '>=', '1 ||']) {
    assert.throws(() => versionRange(text), { code: 'invalid' }, text);
  }
});
