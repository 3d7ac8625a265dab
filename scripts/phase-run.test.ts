import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Phase, runPhases } from './phase-run.ts';
import { none } from './test-summary.ts';

test('phases go on side by side, and their output is shown one after another', async () => {
  const gates = new Map(['a', 'b', 'c'].map((name) => [name, Promise.withResolvers<void>()]));
  const started: string[] = [];
  const phases = [...gates].map(
    ([name, { promise }]): Phase => ({
      name,
      title: name.toUpperCase(),
      async run(print) {
        started.push(name);
        print(`${name} begins`);
        await promise;
        print(`${name} ends`);
        return { ...none, passed: 1 };
      },
    }),
  );
  const lines: string[] = [];
  const running = runPhases(phases, 2, (line) => lines.push(line.trim()));
  assert.deepEqual(
    [started, lines],
    [
      ['a', 'b'],
      ['== A', 'a begins'],
    ],
  );
  gates.get('b')?.resolve();
  while (started.length < 3) await new Promise(setImmediate);
  assert.deepEqual(lines, ['== A', 'a begins'], 'what is not its turn waits');
  gates.get('a')?.resolve();
  while (lines.length < 7) await new Promise(setImmediate);
  assert.deepEqual(
    lines.slice(2),
    ['a ends', '== B', 'b begins', 'b ends', '== C', 'c begins'].slice(0, lines.length - 2),
  );
  gates.get('c')?.resolve();
  const results = await running;
  assert.deepEqual(
    results.map(({ name, counts }) => [name, counts.passed]),
    [...gates.keys()].map((name) => [name, 1]),
  );
  assert.deepEqual(lines.slice(2), ['a ends', '== B', 'b begins', 'b ends', '== C', 'c begins', 'c ends']);
});

test('of no phases there is nothing to show', async () => {
  const lines: string[] = [];
  assert.deepEqual(await runPhases([], 2, (line) => lines.push(line)), []);
  assert.deepEqual(lines, []);
});
