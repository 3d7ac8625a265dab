import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resources } from '../types.ts';
import { changedResources } from './resource-change.ts';

const MiB = 1 << 20;

test('what is named changes, the rest stays', () => {
  const current: Resources = { memory: 64 * MiB, pidsLimit: 5, cpusetCpus: '0' };
  assert.deepEqual(changedResources(current, { pidsLimit: -1, cpuShares: 9 }), {
    memory: 64 * MiB,
    pidsLimit: -1,
    cpusetCpus: '0',
    cpuShares: 9,
  });
  assert.deepEqual(changedResources({}, {}), {});
});

test('memory and swap together stay what they were', () => {
  assert.equal(changedResources({ memory: 64 * MiB }, { memory: 100 * MiB }).memorySwap, 128 * MiB);
  assert.equal(changedResources({ memory: 64 * MiB, memorySwap: -1 }, { memory: 900 * MiB }).memorySwap, -1);
  assert.equal(changedResources({}, { memory: 64 * MiB }).memorySwap, undefined);
  const both = { memory: 900 * MiB, memorySwap: 900 * MiB };
  assert.deepEqual(changedResources({ memory: 64 * MiB }, both), both);
  assert.throws(() => changedResources({ memory: 64 * MiB }, { memory: 129 * MiB }), {
    code: 'invalid',
    message: /already set memoryswap limit, update the memoryswap at the same time/,
  });
});

const conflicts: readonly [Resources, Resources, RegExp][] = [
  [{ cpuPeriod: 5000 }, { nanoCpus: 1e9 }, /Nano CPUs cannot be updated as CPU Period has already been set/],
  [{ cpuQuota: 5000 }, { nanoCpus: 1e9 }, /Nano CPUs cannot be updated as CPU Quota has already been set/],
  [{ nanoCpus: 1e9 }, { cpuPeriod: 5000 }, /CPU Period cannot be updated as NanoCPUs has already been set/],
  [{ nanoCpus: 1e9 }, { cpuQuota: 5000 }, /CPU Quota cannot be updated as NanoCPUs has already been set/],
];

test('CPU time is limited in one way at a time', () => {
  for (const [current, change, message] of conflicts) {
    assert.throws(() => changedResources(current, change), { code: 'invalid', message });
  }
  assert.equal(changedResources({ nanoCpus: 1e9 }, { nanoCpus: 2e9 }).nanoCpus, 2e9);
});
