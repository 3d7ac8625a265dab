import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RestartPolicy } from '../types.ts';
import { type LastRun, nextRestart } from './restart-policy.ts';

const failed: LastRun = { exitCode: 1, ranFor: 5, stopped: false, count: 0, wait: 0 };
const policy = (name: RestartPolicy['name'], maximumRetries = 0): RestartPolicy => ({ name, maximumRetries });

test('which policy starts what again', () => {
  const table: [RestartPolicy | undefined, Partial<LastRun>, boolean][] = [
    [undefined, {}, false],
    [policy('no'), {}, false],
    [policy('always'), { exitCode: 0 }, true],
    [policy('unless-stopped'), { exitCode: 0 }, true],
    [policy('always'), { stopped: true }, false],
    [policy('unless-stopped'), { stopped: true }, false],
    [policy('on-failure'), {}, true],
    [policy('on-failure'), { exitCode: 0 }, false],
    [policy('on-failure'), { count: 1000 }, true],
    [policy('on-failure', 2), { count: 1 }, true],
    [policy('on-failure', 2), { count: 2 }, false],
    [policy('on-failure'), { stopped: true }, false],
  ];
  for (const [which, last, again] of table) {
    assert.equal(nextRestart(which, { ...failed, ...last }) !== null, again, JSON.stringify([which, last]));
  }
});

test('waits double up to a minute, and begin anew after a run of ten seconds', () => {
  const waits: number[] = [];
  while (waits.length < 12) waits.push(nextRestart(policy('always'), { ...failed, wait: waits.at(-1) ?? 0 }) ?? 0);
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
  assert.equal(nextRestart(policy('always'), { ...failed, wait: 60000, ranFor: 10_000 }), 100);
});
