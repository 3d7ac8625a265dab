import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legacyStats } from './stats-v1.ts';
import { unifiedStats } from './stats-v2.ts';

const reading =
  (files: Readonly<Record<string, string>>) =>
  (_controller: string, file: string): string | undefined =>
    files[file];

test('v1: microscopic things of each controller', () => {
  const stats = legacyStats(
    reading({
      'cpuacct.usage': '123\n',
      'cpuacct.usage_percpu': '100 23 \n',
      'cpuacct.usage_all': 'cpu user system\n0 90 10\n1 20 3\n',
      'cpuacct.stat': 'user 3\nsystem 1\n',
      'cpu.stat': 'nr_periods 5\nnr_throttled 0\nthrottled_time 7\n',
      'cpuset.cpus': '0-1\n',
      'memory.stat': 'cache 4096\nrss 0\n',
      'memory.usage_in_bytes': '5000\n',
      'memory.limit_in_bytes': '9223372036854771712\n',
      'pids.current': '2\n',
      'pids.max': 'max\n',
      'blkio.throttle.io_serviced_recursive': '8:0 Read 3\n8:0 Write 0\nTotal 3\n',
      'hugetlb.2MB.usage_in_bytes': '0\n',
      'hugetlb.2MB.failcnt': '1\n',
    }),
    ['2MB', '1GB'],
  );
  assert.deepEqual(stats.cpu, {
    usage: {
      total: 123,
      percpu: [100, 23],
      percpu_kernel: [10, 3],
      percpu_user: [90, 20],
      kernel: 10_000_000,
      user: 30_000_000,
    },
    throttling: { periods: 5, throttledTime: 7 },
  });
  assert.deepEqual(stats.cpuset['cpus'], [0, 1]);
  assert.deepEqual(stats.memory.usage, { limit: 9223372036854771712n, usage: 5000, failcnt: 0 });
  assert.deepEqual(stats.memory.raw, { cache: 4096, rss: 0 });
  assert.deepEqual(stats.pids, { current: 2 });
  assert.deepEqual(stats.blkio.ioServicedRecursive, [
    { major: 8, op: 'Read', value: 3 },
    { major: 8, op: 'Write' },
  ]);
  assert.deepEqual(stats.hugetlb, { '2MB': { failcnt: 1 } });
});

test('v2 in the terms of v1, and pressure', () => {
  const psi = 'some avg10=1.50 avg60=0.00 avg300=0.10 total=99\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';
  const stats = unifiedStats(
    reading({
      'cpu.stat': 'usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 1\nnr_throttled 1\nthrottled_usec 4\n',
      'cpu.pressure': psi,
      'memory.stat': 'anon 1\nfile 2\n',
      'memory.current': '100\n',
      'memory.max': '1000\n',
      'memory.swap.current': '10\n',
      'memory.swap.max': '500\n',
      'pids.max': '7\n',
      'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n253:1 \n',
      'hugetlb.2MB.rsvd.current': '2097152\n',
      'hugetlb.2MB.events': 'max 3\n',
    }),
    ['2MB'],
  );
  assert.deepEqual(stats.cpu.usage, { total: 5000, kernel: 2000, user: 3000 });
  assert.deepEqual(stats.cpu.throttling, { periods: 1, throttledPeriods: 1, throttledTime: 4000 });
  assert.deepEqual(stats.cpu.psi?.some, { avg10: 1.5, avg60: 0, avg300: 0.1, total: 99 });
  assert.equal(stats.memory.psi, undefined);
  assert.deepEqual(stats.memory.swap, { limit: 1500, usage: 110, failcnt: 0 });
  assert.equal(stats.memory.cache, 2);
  assert.deepEqual(stats.blkio.ioServiceBytesRecursive, [
    { major: 8, op: 'Read', value: 1 },
    { major: 8, op: 'Write', value: 2 },
    { major: 8, op: 'Discard', value: 5 },
  ]);
  assert.deepEqual(stats.hugetlb, { '2MB': { usage: 2097152, failcnt: 3 } });
});

test('v2: no limits are the greatest number, as in runc', () => {
  const { memory } = unifiedStats(
    reading({ 'memory.max': 'max\n', 'memory.swap.max': 'max\n', 'memory.swap.current': '0\n' }),
    [],
  );
  assert.deepEqual([memory.usage.limit, memory.swap.limit], [18446744073709551615n, 18446744073709551615n]);
});
