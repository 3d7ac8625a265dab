import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureGroups } from './group.ts';
import { isWorthAnother } from './hyperfine.ts';
import type { Row } from './table.ts';

const row: Row = { title: 'x', unit: 'ms', values: new Map([['onggi', 1]]), targets: [] };

test('a group that fails has a row that says so, and the others go on', async () => {
  const fails = () => {
    throw new Error('broken');
  };
  const rows = await measureGroups({ first: fails, second: () => row, third: async () => [row, row] }, []);
  assert.deepEqual(
    rows.map(({ title, failed = false }) => [title, failed]),
    [
      ['first', true],
      ['x', false],
      ['x', false],
      ['x', false],
    ],
  );
  assert.deepEqual(await measureGroups({ first: fails, second: () => row }, ['second']), [row]);
});

test('a group that there is not is refused before anything is measured', async () => {
  const never = () => assert.fail('measured');
  await assert.rejects(measureGroups({ run: never }, ['run', 'jump']), /no group "jump"; there are: run/);
});

test('what takes eight seconds is not repeated, what takes less is', () => {
  assert.ok(isWorthAnother([]));
  assert.ok(isWorthAnother([3000, 4000]));
  assert.ok(!isWorthAnother([11_000]));
  assert.ok(!isWorthAnother([4000, 5000, 3000]));
});
