/** Limits of `run`, `create` and `update`: their flags, and what they ask the engine for. Pure. */
import type { Resources } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { asIs, single, type Values } from '../definition.ts';
import { parseByteSize, parseByteSizeOrUnlimited } from '../value/byte-size.ts';
import { integer, parseCpus } from '../value/number.ts';

/** Those that a running container can be given anew. */
export const limitFlags = {
  'blkio-weight': single(
    'uint16',
    blkioWeight,
    'Share of block I/O beside other containers: 10 to 1000, or 0 for the default',
  ),
  'cpu-period': single('int', integer(0), 'Microseconds over which CPU time is limited: 1000 to 1000000'),
  'cpu-quota': single('int', integer(-1), 'Microseconds of CPU time in each period; -1 for no limit'),
  'cpu-rt-period': single('int', integer(0), 'Microseconds over which real-time CPU time is limited'),
  'cpu-rt-runtime': single('int', integer(-1), 'Microseconds of real-time CPU time in each such period'),
  'cpu-shares': single('int', integer(0, 262144), 'Share of CPU time beside other containers (1024 is usual)', {
    short: 'c',
  }),
  cpus: single('decimal', parseCpus, 'CPU time as a number of CPUs, such as 1.5'),
  'cpuset-cpus': single('list', asIs, 'CPUs that may be used (0-3 or 0,1)'),
  'cpuset-mems': single('list', asIs, 'NUMA nodes whose memory may be used (0-3 or 0,1)'),
  memory: single('bytes', parseByteSize, 'Memory limit (512m, 2g)', { short: 'm' }),
  'memory-reservation': single('bytes', parseByteSize, 'Memory that is kept when the machine runs short'),
  'memory-swap': single('bytes', parseByteSizeOrUnlimited, 'Limit of memory plus swap; -1 for no limit'),
  'pids-limit': single('int', integer(), 'Most processes and threads at a time; -1 for no limit'),
} as const;

export type LimitFlags = Values<typeof limitFlags>;

/** Docker's 0 means "say nothing", which here is the absence of the value. */
export function limitsOf(flags: LimitFlags): Resources {
  return given({
    blkioWeight: flags['blkio-weight'],
    cpuPeriod: flags['cpu-period'],
    cpuQuota: flags['cpu-quota'],
    cpuRealtimePeriod: flags['cpu-rt-period'],
    cpuRealtimeRuntime: flags['cpu-rt-runtime'],
    cpuShares: flags['cpu-shares'],
    nanoCpus: flags.cpus,
    cpusetCpus: flags['cpuset-cpus'],
    cpusetMems: flags['cpuset-mems'],
    memory: flags.memory,
    memoryReservation: flags['memory-reservation'],
    memorySwap: flags['memory-swap'],
    pidsLimit: flags['pids-limit'] === undefined ? undefined : Math.max(-1, flags['pids-limit']),
  });
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends Readonly<Record<string, number | string | undefined>>>(values: T): Given<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== 0 && value !== ''),
  ) as Given<T>;
}

function blkioWeight(text: string): number {
  if (text === '0') return 0;
  const weight = integer()(text);
  if (weight >= 10 && weight <= 1000) return weight;
  throw new OnggiError('invalid', `${text} is out of range, it must be between 10 and 1000`);
}
