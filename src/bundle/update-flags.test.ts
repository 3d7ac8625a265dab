import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourcesOfFlags } from './update-flags.ts';

const none = {
  blkioWeight: undefined,
  cpuPeriod: undefined,
  cpuQuota: undefined,
  cpuBurst: undefined,
  cpuShares: undefined,
  cpuRealtimePeriod: undefined,
  cpuRealtimeRuntime: undefined,
  cpuIdle: undefined,
  cpus: undefined,
  mems: undefined,
  memory: undefined,
  memoryReservation: undefined,
  memorySwap: undefined,
  pidsLimit: undefined,
};

test('only what is given is named', () => {
  assert.deepEqual(resourcesOfFlags(none), { memory: {}, cpu: {} });
  assert.deepEqual(resourcesOfFlags({ ...none, memory: 1, cpus: '0', pidsLimit: 3, blkioWeight: 10 }), {
    memory: { limit: 1 },
    cpu: { cpus: '0' },
    pids: { limit: 3 },
    blockIO: { weight: 10 },
  });
});
