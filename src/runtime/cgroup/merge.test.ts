import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeResources } from './merge.ts';

test('what is named changes, the rest stays', () => {
  const current = { memory: { limit: 100, swap: 200 }, cpu: { shares: 5, cpus: '0' }, pids: { limit: 9 } };
  assert.deepEqual(mergeResources(current, {}), current);
  assert.deepEqual(mergeResources(current, { memory: { limit: 150 }, cpu: { quota: 7 } }), {
    memory: { limit: 150, swap: 200 },
    cpu: { shares: 5, cpus: '0', quota: 7 },
    pids: { limit: 9 },
  });
});

test('0 and "" say "as it is", where they are no values of their own', () => {
  const current = { memory: { limit: 100 }, cpu: { cpus: '0', idle: 1, burst: 5 } };
  assert.deepEqual(mergeResources(current, { memory: { limit: 0 }, cpu: { cpus: '', shares: 0 } }), current);
  assert.deepEqual(mergeResources({ pids: { limit: 9 } }, { pids: { limit: 0 } }), { pids: { limit: 9 } });
  assert.deepEqual(mergeResources(current, { cpu: { idle: 0, burst: 0 } }).cpu, { cpus: '0', idle: 0, burst: 0 });
});

test('lists go by device', () => {
  const current = { blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] } };
  const change = {
    blockIO: {
      throttleReadBpsDevice: [
        { major: 8, minor: 0, rate: 2 },
        { major: 8, minor: 16, rate: 3 },
      ],
    },
    hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
    unified: { 'memory.high': '5' },
  };
  assert.deepEqual(mergeResources(current, change), change);
});

test('who lifts the limit of memory lifts that of both together', () => {
  const current = { memory: { limit: 100, swap: 200 } };
  assert.deepEqual(mergeResources(current, { memory: { limit: -1 } }).memory, { limit: -1, swap: -1 });
  assert.deepEqual(mergeResources(current, { memory: { limit: -1, swap: 0 } }).memory, { limit: -1, swap: -1 });
  assert.deepEqual(mergeResources({ memory: { limit: 100 } }, { memory: { limit: -1 } }).memory, { limit: -1 });
});

test('a limit above memory and swap together needs both', () => {
  const current = { memory: { limit: 100, swap: 200 } };
  assert.throws(() => mergeResources(current, { memory: { limit: 300 } }), { code: 'invalid' });
  assert.deepEqual(mergeResources(current, { memory: { limit: 300, swap: 400 } }).memory, { limit: 300, swap: 400 });
  assert.deepEqual(mergeResources(current, { memory: { limit: 300, swap: -1 } }).memory, { limit: 300, swap: -1 });
});

test('device rules stay as they are', () => {
  const devices = [{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }];
  assert.deepEqual(mergeResources({ devices }, { devices: [...devices] }), { devices });
  assert.deepEqual(mergeResources({ devices }, { devices: [] }), { devices });
  assert.throws(() => mergeResources({ devices }, { devices: [{ allow: true }] }), { code: 'unsupported' });
});

test('a field that changes goes before a file of v2 that was named earlier', () => {
  const current = { memory: { limit: 100 }, unified: { 'memory.max': '50', 'memory.high': '40', 'pids.max': '9' } };
  const { unified, memory } = mergeResources(current, { memory: { limit: 80 } });
  assert.deepEqual([memory, unified], [{ limit: 80 }, { 'memory.high': '40', 'pids.max': '9' }]);
  assert.deepEqual(mergeResources(current, { cpu: { shares: 5 } }).unified, current.unified);
  assert.deepEqual(mergeResources(current, { pids: { limit: 0 } }).unified, current.unified);
  const both = { pids: { limit: 5 }, unified: { 'pids.max': '6' } };
  assert.deepEqual(mergeResources(current, both).unified, { ...current.unified, 'pids.max': '6' });
});

test('limits of kernel memory are of the update that names them', () => {
  const memory = { limit: 100, kernel: 5, kernelTCP: 6 };
  assert.deepEqual(mergeResources({ memory }, { pids: { limit: 7 } }), { memory: { limit: 100 }, pids: { limit: 7 } });
  assert.deepEqual(mergeResources({}, { memory }), { memory });
});
