import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resources } from '../../oci/runtime-spec.ts';
import type { Setting } from './setting.ts';
import { legacySettings } from './v1.ts';
import { ioWeight, unifiedSettings, weightOfShares } from './v2.ts';

const files = (
  resources: Resources,
  settings: (resources: Resources) => Setting[] = unifiedSettings,
): Record<string, string> => Object.fromEntries(settings(resources).map(({ file, value }) => [file, value]));

test('shares become weights through both ends and both defaults', () => {
  assert.deepEqual([1, 2, 1024, 262_144, 999_999].map(weightOfShares), [1, 1, 100, 10_000, 10_000]);
  let before = 0;
  for (let shares = 2; shares <= 262_144; shares += 997) {
    const weight = weightOfShares(shares);
    assert.ok(Number.isInteger(weight) && weight >= before && weight >= 1 && weight <= 10_000, `${shares} ${weight}`);
    before = weight;
  }
});

test('v2 counts swap by itself; without a limit of memory there is none of swap', () => {
  assert.deepEqual(files({ memory: { limit: 100, swap: 150 } }), { 'memory.max': '100', 'memory.swap.max': '50' });
  assert.deepEqual(files({ memory: { limit: 100, swap: 100 } }), { 'memory.max': '100', 'memory.swap.max': '0' });
  assert.deepEqual(files({ memory: { limit: 100, swap: -1 } }), { 'memory.max': '100', 'memory.swap.max': 'max' });
  assert.deepEqual(files({ memory: { limit: -1 } }), { 'memory.max': 'max', 'memory.swap.max': 'max' });
  assert.deepEqual(files({ memory: { limit: 100 } }), { 'memory.max': '100' });
});

test('quota and period are one file in v2, and each may be missing', () => {
  assert.deepEqual(files({ cpu: { quota: 5000 } }), { 'cpu.max': '5000 100000' });
  assert.deepEqual(files({ cpu: { period: 50_000 } }), { 'cpu.max': 'max 50000' });
  assert.deepEqual(files({ cpu: { quota: -1, period: 50_000 } }), { 'cpu.max': 'max 50000' });
  assert.deepEqual(files({ cpu: {} }), {});
});

test('no limit of processes is "max" or nothing', () => {
  assert.deepEqual(files({ pids: { limit: -1 } }), { 'pids.max': 'max' });
  assert.deepEqual(files({ pids: { limit: 0 } }), {});
  assert.deepEqual(
    files({ pids: { limit: 7 } }, (all) => legacySettings(all)),
    { 'pids.max': '7' },
  );
});

test('v1 writes the limit of memory before that of memory and swap, and the period before the quota', () => {
  const order = legacySettings({ memory: { swap: 150, limit: 100 }, cpu: { quota: 5000, period: 10_000 } }).map(
    ({ file }) => file,
  );
  assert.deepEqual(order, [
    'memory.limit_in_bytes',
    'memory.memsw.limit_in_bytes',
    'cpu.cfs_period_us',
    'cpu.cfs_quota_us',
  ]);
});

test('block I/O weights', () => {
  assert.deepEqual(files({ blockIO: { weight: 10 } }), { 'io.bfq.weight': 'default 10' });
  assert.deepEqual([10, 505, 1000].map(ioWeight), [1, 5000, 10_000]);
  const [setting] = unifiedSettings({ blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 1000 }] } });
  assert.deepEqual([setting?.value, setting?.fallback], ['8:0 1000', { file: 'io.weight', value: '8:0 10000' }]);
  assert.deepEqual(
    files({ blockIO: { weight: 500 } }, (all) => legacySettings(all)),
    { 'blkio.bfq.weight': '500' },
  );
});

test('an idle group has no shares of its own', () => {
  for (const settings of [(all: Resources) => unifiedSettings(all), (all: Resources) => legacySettings(all)]) {
    const names = Object.keys(files({ cpu: { shares: 512, idle: 1 } }, settings));
    assert.deepEqual(names, ['cpu.idle']);
    assert.equal(Object.keys(files({ cpu: { shares: 512, idle: 0 } }, settings)).length, 2);
  }
});

test('quotas and periods that no kernel takes are refused by name', () => {
  for (const [cpu, message] of [
    [{ quota: 999 }, /resources\.cpu\.quota: "999" is not a whole number from 1000/],
    [{ quota: -2 }, /resources\.cpu\.quota: "-2" is not a whole number from -1/],
    [{ period: 999 }, /resources\.cpu\.period: "999" is not a whole number from 1000 to 1000000/],
    [{ period: 1_000_001 }, /resources\.cpu\.period: "1000001"/],
  ] as const) {
    assert.throws(() => unifiedSettings({ cpu }), message);
  }
  assert.deepEqual(files({ cpu: { quota: 0, period: 0 } }), {});
});
