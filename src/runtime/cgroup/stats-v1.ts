/** Statistics out of the files of the v1 controllers, the choice of files being runc's. Pure. */
import type { BlockEntry, BlockList, BlockStats, CgroupStats, Count, MemoryUsage, ReadControl } from './stats.ts';
import { countOf, flatKeyed, listOf, present, scaled } from './stats-file.ts';

/** cpuacct.stat counts in ticks of USER_HZ, which is 100 on every architecture that onggi runs on. */
const nanosecondsPerTick = 10_000_000;

export function legacyStats(read: ReadControl, hugePages: readonly string[]): CgroupStats {
  return {
    cpu: cpu(read),
    cpuset: cpuset(read),
    memory: memory(read),
    pids: present({ current: countOf(read('pids', 'pids.current')), limit: pidsLimit(read('pids', 'pids.max')) }),
    blkio: blockIo(read),
    hugetlb: hugetlb(read, hugePages),
    intel_rdt: {},
    network_interfaces: null,
  };
}

export function pidsLimit(text: string | undefined): Count {
  return text?.trim() === 'max' ? 0 : countOf(text);
}

function cpu(read: ReadControl): CgroupStats['cpu'] {
  const ticks = flatKeyed(read('cpuacct', 'cpuacct.stat'));
  const stat = flatKeyed(read('cpu', 'cpu.stat'));
  const percpu = (read('cpuacct', 'cpuacct.usage_percpu') ?? '').trim().split(/\s+/).filter(Boolean).map(countOf);
  // "cpu user system" and then a line for each CPU.
  const all = (read('cpuacct', 'cpuacct.usage_all') ?? '').trim().split('\n').slice(1);
  const column = (index: number): Count[] => all.map((line) => countOf(line.split(' ')[index]));
  return {
    usage: {
      ...present({
        total: countOf(read('cpuacct', 'cpuacct.usage')),
        percpu,
        percpu_kernel: column(2),
        percpu_user: column(1),
      }),
      kernel: scaled(ticks['system'], nanosecondsPerTick),
      user: scaled(ticks['user'], nanosecondsPerTick),
    },
    throttling: present({
      periods: stat['nr_periods'] ?? 0,
      throttledPeriods: stat['nr_throttled'] ?? 0,
      throttledTime: stat['throttled_time'] ?? 0,
    }),
  };
}

function cpuset(read: ReadControl): CgroupStats['cpuset'] {
  const count = (name: string): Count => countOf(read('cpuset', `cpuset.${name}`));
  return {
    ...present({ cpus: listOf(read('cpuset', 'cpuset.cpus')) }),
    cpu_exclusive: count('cpu_exclusive'),
    ...present({ mems: listOf(read('cpuset', 'cpuset.mems')) }),
    mem_hardwall: count('mem_hardwall'),
    mem_exclusive: count('mem_exclusive'),
    memory_migrate: count('memory_migrate'),
    memory_spread_page: count('memory_spread_page'),
    memory_spread_slab: count('memory_spread_slab'),
    memory_pressure: count('memory_pressure'),
    sched_load_balance: count('sched_load_balance'),
    sched_relax_domain_level: count('sched_relax_domain_level'),
  };
}

function memory(read: ReadControl): CgroupStats['memory'] {
  const raw = flatKeyed(read('memory', 'memory.stat'));
  const usage = (kind: string): MemoryUsage => {
    const count = (name: string): Count => countOf(read('memory', `memory.${kind}${name}`));
    return {
      limit: count('limit_in_bytes'),
      ...present({ usage: count('usage_in_bytes'), max: count('max_usage_in_bytes') }),
      failcnt: count('failcnt'),
    };
  };
  return {
    ...present({ cache: raw['cache'] ?? 0 }),
    usage: usage(''),
    swap: usage('memsw.'),
    kernel: usage('kmem.'),
    kernelTCP: usage('kmem.tcp.'),
    ...(Object.keys(raw).length > 0 && { raw }),
  };
}

/** Of the BFQ scheduler where it counts, else of throttling, which sees all devices. */
function blockIo(read: ReadControl): BlockStats {
  const bfq = entries(read('blkio', 'blkio.bfq.io_serviced_recursive'));
  const lists: readonly (readonly [BlockList, string])[] =
    bfq.length > 0
      ? [
          ['ioServiceBytesRecursive', 'blkio.bfq.io_service_bytes_recursive'],
          ['ioServicedRecursive', 'blkio.bfq.io_serviced_recursive'],
          ['ioQueueRecursive', 'blkio.bfq.io_queued_recursive'],
          ['ioServiceTimeRecursive', 'blkio.bfq.io_service_time_recursive'],
          ['ioWaitTimeRecursive', 'blkio.bfq.io_wait_time_recursive'],
          ['ioMergedRecursive', 'blkio.bfq.io_merged_recursive'],
          ['ioTimeRecursive', 'blkio.bfq.time_recursive'],
          ['sectorsRecursive', 'blkio.bfq.sectors_recursive'],
        ]
      : [
          ['ioServiceBytesRecursive', 'blkio.throttle.io_service_bytes_recursive'],
          ['ioServicedRecursive', 'blkio.throttle.io_serviced_recursive'],
        ];
  return present(Object.fromEntries(lists.map(([name, file]) => [name, entries(read('blkio', file))])));
}

/** "8:0 Read 4096" or "8:0 4096" a line, and "Total 4096" at the end. */
function entries(text: string | undefined): BlockEntry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line.trim());
    if (match === null) return [];
    const [, major, minor, op = '', value] = match;
    return [present({ major: Number(major), minor: Number(minor), op, value: countOf(value) })];
  });
}

function hugetlb(read: ReadControl, sizes: readonly string[]): CgroupStats['hugetlb'] {
  return Object.fromEntries(
    sizes.flatMap((size) => {
      // Reservations count where the kernel knows them: pages are reserved before they are used.
      const rsvd = read('hugetlb', `hugetlb.${size}.rsvd.usage_in_bytes`) === undefined ? '' : 'rsvd.';
      const of = (name: string): string | undefined => read('hugetlb', `hugetlb.${size}.${rsvd}${name}`);
      if (of('usage_in_bytes') === undefined) return [];
      const counts = present({ usage: countOf(of('usage_in_bytes')), max: countOf(of('max_usage_in_bytes')) });
      return [[size, { ...counts, failcnt: countOf(of('failcnt')) }]];
    }),
  );
}
