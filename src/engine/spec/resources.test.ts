import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device } from '../../oci/runtime-spec.ts';
import type { Resources } from '../types.ts';
import { deviceCgroupRules, type ResourceFacts, resourceLimits } from './resources.ts';

const disk: Device = { path: '/dev/sda', type: 'b', major: 8, minor: 0 };

function limits(asked: Resources, warnings: string[] = [], legacyMemory = true) {
  const facts: ResourceFacts = {
    cpus: 2,
    swap: true,
    legacyMemory,
    devicesAt: (path) => (path === '/dev/sda' ? [disk] : path === '/dev/null' ? [{ ...disk, type: 'c' }] : []),
    warn: (message) => void warnings.push(message),
  };
  return resourceLimits(asked, facts);
}

test('what cgroup v2 does not have is discarded with the words of Docker', () => {
  const warnings: string[] = [];
  const asked = { memory: 32 << 20, memorySwappiness: 13, oomKillDisable: true };
  assert.deepEqual(limits(asked, warnings, false).memory, { limit: 32 << 20, swap: 64 << 20 });
  assert.deepEqual(warnings, [
    'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
    'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
  ]);
  assert.deepEqual(limits({ ...asked, memorySwappiness: -1, oomKillDisable: false }, [], false), {
    memory: { limit: 32 << 20, swap: 64 << 20 },
  });
  assert.throws(() => limits({ memorySwappiness: 101 }, [], false), /range is 0-100/);
});

test('each limit becomes its field of config.json', () => {
  assert.deepEqual(limits({}), {});
  assert.deepEqual(limits({ cpuPeriod: 5000, cpuQuota: -1, cpuRealtimePeriod: 100, cpuRealtimeRuntime: 50 }).cpu, {
    period: 5000,
    quota: -1,
    realtimePeriod: 100,
    realtimeRuntime: 50,
  });
  assert.deepEqual(limits({ memorySwappiness: 0 }).memory, { swappiness: 0 });
  assert.deepEqual(limits({ blkioWeightDevices: [{ path: '/dev/sda', weight: 50 }] }).blockIO, {
    weightDevice: [{ major: 8, minor: 0, weight: 50 }],
  });
  const rate = [{ path: '/dev/sda', rate: 9 }];
  const throttle = [{ major: 8, minor: 0, rate: 9 }];
  assert.deepEqual(
    limits({ deviceReadBps: rate, deviceWriteBps: rate, deviceReadIops: rate, deviceWriteIops: rate }).blockIO,
    {
      throttleReadBpsDevice: throttle,
      throttleWriteBpsDevice: throttle,
      throttleReadIOPSDevice: throttle,
      throttleWriteIOPSDevice: throttle,
    },
  );
});

test('who keeps the OOM killer away from unlimited memory is warned', () => {
  const warnings: string[] = [];
  assert.deepEqual(limits({ oomKillDisable: true }, warnings).memory, { disableOOMKiller: true });
  assert.match(warnings.join(), /OOM killer is disabled for the container, but no memory limit is set/);
});

const wrong: readonly [Resources, string | RegExp][] = [
  [{ nanoCpus: 1e9, cpuPeriod: 5000 }, 'Conflicting options: Nano CPUs and CPU Period cannot both be set'],
  [{ nanoCpus: 1e9, cpuQuota: 5000 }, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
  [{ cpuPeriod: 999 }, /^CPU cfs period can not be less than 1ms/],
  [{ cpuPeriod: 1_000_001 }, /or larger than 1s \(i\.e\. 1000000\)/],
  [{ cpuQuota: 999 }, /^CPU cfs quota can not be less than 1ms/],
  [{ cpuRealtimeRuntime: 11, cpuRealtimePeriod: 10 }, /real-time runtime can not be higher than/],
  [{ cpuRealtimeRuntime: 1_000_001 }, /real-time runtime can not be higher than/],
  [{ cpuShares: 1 }, /^The minimum allowed cpu-shares is 2/],
  [{ memoryReservation: 1 << 20 }, /^Minimum memory reservation allowed is 6MB/],
  [{ memorySwappiness: 101 }, /^Invalid memory swappiness/],
  [{ blkioWeight: 9 }, /^Range of blkio weight is from 10 to 1000/],
  [{ deviceReadBps: [{ path: '/dev/none', rate: 1 }] }, /^limit I\/O of "\/dev\/none": there is no block device/],
  [{ deviceReadBps: [{ path: '/dev/null', rate: 1 }] }, /there is no block device/],
];

test('limits that make no sense are refused in Docker’s words', async (t) => {
  for (const [asked, message] of wrong) {
    await t.test(JSON.stringify(asked), () => assert.throws(() => limits(asked), { message }));
  }
});

test('a rule for any device has no numbers', () => {
  assert.deepEqual(
    deviceCgroupRules([
      { type: 'c', major: 13, minor: -1, access: 'rw' },
      { type: 'a', major: -1, minor: -1, access: 'm' },
    ]),
    [
      { allow: true, type: 'c', major: 13, access: 'rw' },
      { allow: true, type: 'a', access: 'm' },
    ],
  );
});
