import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockBytes, interfaceBytes, memoryInUse, memoryLimit } from './sample.ts';

test('the cache that can be dropped is not in use', () => {
  const usage = { limit: 1000, usage: 500, failcnt: 0 };
  assert.equal(memoryInUse({ usage, raw: { total_inactive_file: 100, inactive_file: 1 } }), 400);
  assert.equal(memoryInUse({ usage, raw: { inactive_file: 100 } }), 400);
  assert.equal(memoryInUse({ usage, raw: { inactive_file: 600 } }), 500);
  assert.equal(memoryInUse({ usage }), 500);
});

test('without a limit of its own it has the machine’s', () => {
  assert.equal(memoryLimit({ usage: { limit: 1000, failcnt: 0 } }, 2000), 1000);
  assert.equal(memoryLimit({ usage: { limit: 18446744073709551615n, failcnt: 0 } }, 2000), 2000);
  assert.equal(memoryLimit({ usage: { limit: 0, failcnt: 0 } }, 2000), 2000);
});

test('all interfaces but the loopback', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     999       1    0    0    0     0          0         0      999       1    0    0    0     0       0          0
  eth0:     840       8    0    0    0     0          0         0       20       1    0    0    0     0       0          0
  eth1:60 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0
`;
  assert.deepEqual(interfaceBytes(text), { received: 900, sent: 25 });
  assert.deepEqual(interfaceBytes(''), { received: 0, sent: 0 });
});

test('reads and writes of all devices', () => {
  const ioServiceBytesRecursive = [
    { op: 'Read', value: 10 },
    { op: 'Write', value: 20n },
    { op: 'read', value: 5 },
    { op: 'Total', value: 35 },
    { op: 'Write' },
  ];
  assert.deepEqual(blockBytes({ ioServiceBytesRecursive }), { read: 15, written: 20 });
  assert.deepEqual(blockBytes({}), { read: 0, written: 0 });
});
