/** How the kernel schedules the process: scheduler, ioPriority, execCPUAffinity, personality and memoryPolicy of config.json. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';
import type { Linux, Process, Scheduler } from '../../oci/runtime-spec.ts';
import type { InitStep, PrepareStep } from './steps.ts';

/** <linux/sched.h> */
const policies: ReadonlyMap<string, number> = new Map([
  ['SCHED_OTHER', 0],
  ['SCHED_FIFO', 1],
  ['SCHED_RR', 2],
  ['SCHED_BATCH', 3],
  ['SCHED_IDLE', 5],
  ['SCHED_DEADLINE', 6],
]);

/** <linux/sched.h> */
const schedulerFlags: ReadonlyMap<string, bigint> = new Map([
  ['SCHED_FLAG_RESET_ON_FORK', 0x01n],
  ['SCHED_FLAG_RECLAIM', 0x02n],
  ['SCHED_FLAG_DL_OVERRUN', 0x04n],
  ['SCHED_FLAG_KEEP_POLICY', 0x08n],
  ['SCHED_FLAG_KEEP_PARAMS', 0x10n],
  ['SCHED_FLAG_UTIL_CLAMP_MIN', 0x20n],
  ['SCHED_FLAG_UTIL_CLAMP_MAX', 0x40n],
]);

/** <linux/ioprio.h> */
const ioClasses: ReadonlyMap<string, number> = new Map([
  ['IOPRIO_CLASS_RT', 1],
  ['IOPRIO_CLASS_BE', 2],
  ['IOPRIO_CLASS_IDLE', 3],
]);

/** <linux/personality.h>; the specification names these two (config-linux.md, "Personality"). */
const domains: ReadonlyMap<string, number> = new Map([
  ['LINUX', 0],
  ['LINUX32', 8],
]);

/** personality(2). The specification leaves the names open; these are those of the manual page. */
const personalityFlags: ReadonlyMap<string, number> = new Map([
  ['UNAME26', 0x002_0000],
  ['ADDR_NO_RANDOMIZE', 0x004_0000],
  ['FDPIC_FUNCPTRS', 0x008_0000],
  ['MMAP_PAGE_ZERO', 0x010_0000],
  ['ADDR_COMPAT_LAYOUT', 0x020_0000],
  ['READ_IMPLIES_EXEC', 0x040_0000],
  ['ADDR_LIMIT_32BIT', 0x080_0000],
  ['SHORT_INODE', 0x100_0000],
  ['WHOLE_SECONDS', 0x200_0000],
  ['STICKY_TIMEOUTS', 0x400_0000],
  ['ADDR_LIMIT_3GB', 0x800_0000],
]);

/** What needs privileges that `identity` drops, or must precede it. @throws OnggiError `invalid`, `unsupported` */
export function compileSchedule(process: Process): InitStep[] {
  return [
    ...(process.scheduler === undefined ? [] : [scheduler(process.scheduler)]),
    ...(process.ioPriority === undefined ? [] : [ioPriority(process.ioPriority)]),
  ];
}

function scheduler(asked: Scheduler): InitStep {
  const { policy: name, nice = 0, priority = 0, flags = [] } = asked;
  const field = 'process.scheduler';
  if (name === 'SCHED_ISO') throw unsupported(`${field}.policy: "SCHED_ISO"`, 'Linux reserves its number only.');
  const policy = numberOf(`${field}.policy`, name, policies);
  const bits = flags.reduce((sum, flag) => sum | numberOf(`${field}.flags`, flag, schedulerFlags), 0n);
  // sched(7): the priority is for the real-time policies, where it must not be 0; the kernel says EINVAL to the rest.
  const realTime = name === 'SCHED_FIFO' || name === 'SCHED_RR';
  if (realTime ? priority < 1 : priority !== 0) {
    throw new OnggiError('invalid', `${field}.priority: "${priority}" does not go with the policy "${name}"`, {
      hint: 'SCHED_FIFO and SCHED_RR take 1 to 99, the others none.',
    });
  }
  const [runtime, deadline, period] = [asked.runtime ?? 0, asked.deadline ?? 0, asked.period ?? 0].map(BigInt);
  if (name !== 'SCHED_DEADLINE' && (runtime || deadline || period)) {
    throw new OnggiError('invalid', `${field}: runtime, deadline and period do not go with the policy "${name}"`);
  }
  return {
    op: 'scheduler',
    policy,
    name,
    flags: bits,
    words: flags,
    nice,
    priority,
    runtime: runtime ?? 0n,
    deadline: deadline ?? 0n,
    period: period ?? 0n,
  };
}

function ioPriority(asked: NonNullable<Process['ioPriority']>): InitStep {
  const number = numberOf('process.ioPriority.class', asked.class, ioClasses);
  return { op: 'io-priority', class: number, name: asked.class, level: asked.priority };
}

/** @throws OnggiError `invalid` */
export function compilePersonality(asked: Linux['personality']): InitStep[] {
  if (asked === undefined) return [];
  const flags = asked.flags ?? [];
  const persona = flags.reduce(
    (bits, flag) => bits | numberOf('linux.personality.flags', flag, personalityFlags),
    numberOf('linux.personality.domain', asked.domain, domains),
  );
  return [{ op: 'personality', persona, name: [asked.domain, ...flags].join(' ') }];
}

/**
 * The CPUs of an `exec` before it moves to the container's cgroups and after. An init takes no notice of the field
 * (config.md, "execCPUAffinity").
 *
 * @throws OnggiError `invalid`
 */
export function compileAffinity(process: Process): { readonly prepare: PrepareStep[]; readonly init: InitStep[] } {
  const { initial = '', final = '' } = process.execCPUAffinity ?? {};
  return {
    prepare: initial === '' ? [] : [affinity('initial', initial)],
    init: final === '' ? [] : [affinity('final', final)],
  };
}

/** CONFIG_NR_CPUS of the greatest kernels. */
const mostCpus = 8192;

function affinity(field: string, list: string): { op: 'cpu-affinity'; mask: Uint8Array; list: string } {
  return { op: 'cpu-affinity', mask: maskOf(`process.execCPUAffinity.${field}`, list, mostCpus, 'CPUs'), list };
}

/** "0-3,7" as bits, no byte longer than it has to be. @throws OnggiError `invalid` */
function maskOf(field: string, list: string, most: number, what: string): Uint8Array {
  const mask = new Uint8Array(most / 8);
  let last = 0;
  for (const range of list.split(',')) {
    const [, first = '', end = first] = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(range) ?? [];
    if (first === '' || Number(end) < Number(first) || Number(end) >= most) {
      throw new OnggiError('invalid', `${field}: "${list}" is not a list of ${what} such as "0-3,7"`);
    }
    for (let bit = Number(first); bit <= Number(end); bit++) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (1 << (bit & 7));
    last = Math.max(last, Number(end));
  }
  return mask.subarray(0, (last >> 3) + 1);
}

/** <linux/mempolicy.h> */
const memoryModes: ReadonlyMap<string, number> = new Map([
  ['MPOL_DEFAULT', 0],
  ['MPOL_PREFERRED', 1],
  ['MPOL_BIND', 2],
  ['MPOL_INTERLEAVE', 3],
  ['MPOL_LOCAL', 4],
  ['MPOL_PREFERRED_MANY', 5],
  ['MPOL_WEIGHTED_INTERLEAVE', 6],
]);

/** <linux/mempolicy.h> */
const memoryFlags: ReadonlyMap<string, number> = new Map([
  ['MPOL_F_NUMA_BALANCING', 1 << 13],
  ['MPOL_F_RELATIVE_NODES', 1 << 14],
  ['MPOL_F_STATIC_NODES', 1 << 15],
]);

/** MAX_NUMNODES of the greatest kernels. */
const mostNodes = 1024;

/** `linux.memoryPolicy` (config-linux.md, since 1.3). @throws OnggiError `invalid` */
export function compileMemoryPolicy(asked: Linux['memoryPolicy']): InitStep[] {
  if (asked === undefined) return [];
  const { mode: name, nodes = '', flags = [] } = asked;
  const mode = flags.reduce(
    (bits, flag) => bits | numberOf('linux.memoryPolicy.flags', flag, memoryFlags),
    numberOf('linux.memoryPolicy.mode', name, memoryModes),
  );
  const mask = nodes.trim() === '' ? new Uint8Array() : maskOf('linux.memoryPolicy.nodes', nodes, mostNodes, 'nodes');
  return [{ op: 'memory-policy', mode, mask, words: [name, ...flags, ...(nodes === '' ? [] : [nodes])].join(' ') }];
}

function numberOf<T>(field: string, word: string, known: ReadonlyMap<string, T>): T {
  const number = known.get(word);
  if (number !== undefined) return number;
  throw new OnggiError('invalid', `${field}: no such word "${word}"`, {
    hint: `Known: ${[...known.keys()].join(', ')}.`,
  });
}
