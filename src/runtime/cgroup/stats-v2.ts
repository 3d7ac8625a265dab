/** Statistics out of the files of a v2 cgroup, told in the terms of v1 as runc does. Pure. */
import type { BlockEntry, BlockStats, CgroupStats, Count, MemoryUsage, ReadControl } from './stats.ts';
import { countOf, flatKeyed, present, pressureOf, scaled, sum, unlimited } from './stats-file.ts';
import { pidsLimit } from './stats-v1.ts';

export function unifiedStats(read: ReadControl, hugePages: readonly string[]): CgroupStats {
  const file = (name: string): string | undefined => read('', name);
  return {
    cpu: cpu(file),
    // runc tells nothing of v2's cpusets either; its type has no optional fields here.
    cpuset: noCpuset,
    memory: memory(file),
    pids: present({ current: countOf(file('pids.current')), limit: pidsLimit(file('pids.max')) }),
    blkio: blockIo(file),
    hugetlb: hugetlb(file, hugePages),
    intel_rdt: {},
    network_interfaces: null,
  };
}

type ReadFile = (name: string) => string | undefined;

const noCpuset: CgroupStats['cpuset'] = {
  cpu_exclusive: 0,
  mem_hardwall: 0,
  mem_exclusive: 0,
  memory_migrate: 0,
  memory_spread_page: 0,
  memory_spread_slab: 0,
  memory_pressure: 0,
  sched_load_balance: 0,
  sched_relax_domain_level: 0,
};

/** cpu.stat counts microseconds. */
function cpu(file: ReadFile): CgroupStats['cpu'] {
  const stat = flatKeyed(file('cpu.stat'));
  const nanoseconds = (key: string): Count => scaled(stat[key], 1000);
  return {
    usage: {
      ...present({ total: nanoseconds('usage_usec') }),
      kernel: nanoseconds('system_usec'),
      user: nanoseconds('user_usec'),
    },
    throttling: present({
      periods: stat['nr_periods'] ?? 0,
      throttledPeriods: stat['nr_throttled'] ?? 0,
      throttledTime: nanoseconds('throttled_usec'),
    }),
    ...pressure(file('cpu.pressure')),
  };
}

function pressure(text: string | undefined): { readonly psi?: NonNullable<ReturnType<typeof pressureOf>> } {
  const psi = pressureOf(text);
  return psi === undefined ? {} : { psi };
}

const noUsage: MemoryUsage = { limit: 0, failcnt: 0 };

/** v1 counts swap together with the memory, and so does this document; the peaks of the two can't be added. */
function memory(file: ReadFile): CgroupStats['memory'] {
  const raw = flatKeyed(file('memory.stat'));
  const [used, limit] = [countOf(file('memory.current')), countOf(file('memory.max'))];
  const swapLimit = countOf(file('memory.swap.max'));
  const hasSwap = file('memory.swap.current') !== undefined;
  const total = swapLimit === unlimited || limit === unlimited ? unlimited : sum(swapLimit, limit);
  return {
    ...present({ cache: raw['file'] ?? 0 }),
    usage: { limit, ...present({ usage: used, max: countOf(file('memory.peak')) }), failcnt: 0 },
    swap: hasSwap
      ? { limit: total, ...present({ usage: sum(countOf(file('memory.swap.current')), used) }), failcnt: 0 }
      : noUsage,
    kernel: noUsage,
    kernelTCP: noUsage,
    ...(Object.keys(raw).length > 0 && { raw }),
    ...pressure(file('memory.pressure')),
  };
}

/** "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" a line (cgroup-v2.rst, "io.stat"). */
function blockIo(file: ReadFile): BlockStats {
  const bytes: BlockEntry[] = [];
  const requests: BlockEntry[] = [];
  for (const line of (file('io.stat') ?? '').split('\n')) {
    const [device = '', ...pairs] = line.trim().split(' ');
    const [major, minor] = device.split(':').map(Number);
    for (const pair of pairs) {
      const [key = '', value] = pair.split('=');
      const op = { r: 'Read', w: 'Write', d: 'Discard' }[key.slice(0, 1)];
      if (op === undefined) continue;
      const entry = present({ major, minor, op, value: countOf(value) });
      if (key.endsWith('bytes')) bytes.push(entry);
      else if (key.endsWith('ios')) requests.push(entry);
    }
  }
  return {
    ...present({ ioServiceBytesRecursive: bytes, ioServicedRecursive: requests }),
    ...pressure(file('io.pressure')),
  };
}

function hugetlb(file: ReadFile, sizes: readonly string[]): CgroupStats['hugetlb'] {
  return Object.fromEntries(
    sizes.flatMap((size) => {
      const rsvd = file(`hugetlb.${size}.rsvd.current`);
      const usage = rsvd ?? file(`hugetlb.${size}.current`);
      if (usage === undefined) return [];
      const failed = flatKeyed(file(`hugetlb.${size}.events`))['max'] ?? 0;
      return [[size, { ...present({ usage: countOf(usage) }), failcnt: failed }]];
    }),
  );
}
