import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthFlags, healthFlags, healthOptions } from './health.ts';

function options(flags: Readonly<Record<string, string>>, none = false): unknown {
  const parsed = Object.entries(flags).map(([name, text]) => {
    const flag = healthFlags[`health-${name}` as 'health-cmd'];
    return [`health-${name}`, flag.parse(text)];
  });
  return healthOptions({ ...Object.fromEntries(parsed), 'no-healthcheck': none } as HealthFlags);
}

test('what the flags ask for', () => {
  assert.equal(options({}), undefined);
  // Docker's zeros say nothing.
  assert.equal(options({ cmd: '', interval: '0s', retries: '0' }), undefined);
  assert.deepEqual(options({}, true), { test: null });
  assert.deepEqual(
    options({
      cmd: 'a || b',
      interval: '1m30s',
      timeout: '1.5s',
      retries: '2',
      'start-period': '1h',
      'start-interval': '10ms',
      'on-failure': 'kill',
    }),
    {
      test: { line: 'a || b' },
      interval: 90_000,
      timeout: 1500,
      startPeriod: 3_600_000,
      startInterval: 10,
      retries: 2,
      onFailure: 'kill',
    },
  );
  assert.deepEqual(options({ timeout: '2s', 'on-failure': 'none' }), { timeout: 2000 });
});

test('what is refused, in the words of Docker', () => {
  const table: [Readonly<Record<string, string>>, boolean, RegExp][] = [
    [{ cmd: 'x' }, true, /--no-healthcheck conflicts with --health-\* options/],
    [{ interval: '-1s' }, false, /--health-interval cannot be negative/],
    [{ 'start-period': '-1s' }, false, /--health-start-period cannot be negative/],
    [{ retries: '-1' }, false, /--health-retries cannot be negative/],
    [{ timeout: 'soon' }, false, /invalid duration "soon"/],
    [{ 'on-failure': 'cry' }, false, /cry/],
  ];
  for (const [flags, none, message] of table) assert.throws(() => options(flags, none), message);
});
