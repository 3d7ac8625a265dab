import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable, judgeTarget, median, type Row } from './table.ts';

const row: Row = {
  title: 'run',
  unit: 'ms',
  values: new Map([
    ['onggi', 30],
    ['docker', 200],
    ['crun', 5.5],
  ]),
  targets: [
    { column: 'docker', factor: 1 / 6 },
    { column: 'crun', factor: 5 },
    { column: 'podman', factor: 1 },
  ],
};

test('the median of odd and even counts', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test('targets are met, missed, or not measured', () => {
  assert.deepEqual(
    row.targets.map((target) => judgeTarget(row, target)),
    ['met', 'MISSED', 'not measured'],
  );
  assert.equal(judgeTarget(row, { value: 29.9 }), 'MISSED');
  assert.equal(judgeTarget({ ...row, values: new Map() }, { value: 1 }), 'not measured');
});

test('the table names ratios, and why a column is empty', () => {
  const columns = [
    { name: 'onggi' },
    { name: 'docker' },
    { name: 'crun' },
    { name: 'podman', missing: 'not installed' },
  ];
  const [head, rule, line] = formatTable([{ ...row, targets: row.targets.slice(0, 2) }], columns).split('\n');
  assert.match(head ?? '', /^\| +\| onggi \| docker +\| crun +\| podman +\| target +\|$/);
  assert.match(rule ?? '', /^\| -+ \|/);
  assert.equal(
    line,
    '| run | 30 ms | 200 ms (6.7x) | 5.5 ms (0.18x) | not installed | at most 1/6 of docker: met; at most 5x crun: MISSED |',
  );
});
