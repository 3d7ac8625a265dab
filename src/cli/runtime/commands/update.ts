import { readResources, updateContainer } from '../../../bundle/update.ts';
import { resourcesOfFlags } from '../../../bundle/update-flags.ts';
import { asIs, single } from '../../definition.ts';
import { parseByteSizeOrUnlimited } from '../../value/byte-size.ts';
import { integer } from '../../value/number.ts';
import { defineRuntimeCommand } from '../definition.ts';

const number = (help: string, least = 0) => single('number', integer(least), help);
const bytes = (help: string) => single('bytes', parseByteSizeOrUnlimited, help);

/** The range of blkio.weight (cgroup-v1/blkio-controller.rst). */
function parseWeight(text: string): number {
  return text === '0' ? 0 : integer(10, 1000)(text);
}

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id>',
  positionals: { min: 1, max: 1 },
  description: `Changes limits of a container. What is not named stays as it is. --resources reads
them as JSON, shaped as linux.resources of config.json, instead of the other flags:

  { "memory": { "limit": 536870912 }, "pids": { "limit": 100 } }`,
  flags: {
    resources: single('file', asIs, "path to the file with the resources to update, '-' for standard input", {
      short: 'r',
    }),
    'blkio-weight': single('number', parseWeight, 'weight of block I/O, from 10 to 1000; 0 is as it is'),
    'cpu-period': number('CPU CFS period for hardcapping, in microseconds'),
    'cpu-quota': number('CPU CFS hardcap limit: CPU time in a period, in microseconds; -1 for none', -1),
    'cpu-burst': number('CPU time that may accumulate beyond the quota, in microseconds'),
    'cpu-share': number('CPU shares, a weight relative to other containers'),
    'cpu-rt-period': number('CPU realtime period for hardcapping, in microseconds'),
    'cpu-rt-runtime': number('CPU realtime hardcap limit, in microseconds', -1),
    'cpu-idle': number('1 to run only when the CPUs are idle, else 0'),
    'cpuset-cpus': single('list', asIs, 'CPUs to use, such as 0-2,7'),
    'cpuset-mems': single('list', asIs, 'memory nodes to use'),
    memory: bytes('memory limit in bytes, -1 for none'),
    'memory-reservation': bytes('memory reservation (soft limit) in bytes'),
    'memory-swap': bytes('memory and swap together in bytes, -1 for no limit'),
    // Docker gave them to runc for long, which warns since 1.1: kernels from 5.16 on keep no such limit.
    'kernel-memory': bytes('(obsolete, without effect)'),
    'kernel-memory-tcp': bytes('(obsolete, without effect)'),
    'l3-cache-schema': single('lines', asIs, 'lines for the caches of its class of service (resctrl), such as L3:0=f'),
    'mem-bw-schema': single('lines', asIs, 'lines for the memory bandwidth of its class of service, such as MB:0=20'),
    'pids-limit': number('how many processes it may have, -1 for no limit', -1),
  },
  async run({ flags, args: [id = ''], context }) {
    const { resources } = flags;
    if (flags['kernel-memory'] !== undefined || flags['kernel-memory-tcp'] !== undefined) {
      context.runtime.warn('limits of kernel memory are obsolete and have no effect');
    }
    const change = resources
      ? readResources(resources)
      : resourcesOfFlags({
          blkioWeight: flags['blkio-weight'],
          cpuPeriod: flags['cpu-period'],
          cpuQuota: flags['cpu-quota'],
          cpuBurst: flags['cpu-burst'],
          cpuShares: flags['cpu-share'],
          cpuRealtimePeriod: flags['cpu-rt-period'],
          cpuRealtimeRuntime: flags['cpu-rt-runtime'],
          cpuIdle: flags['cpu-idle'],
          cpus: flags['cpuset-cpus'],
          mems: flags['cpuset-mems'],
          memory: flags.memory,
          memoryReservation: flags['memory-reservation'],
          memorySwap: flags['memory-swap'],
          pidsLimit: flags['pids-limit'],
        });
    const [l3CacheSchema, memBwSchema] = [flags['l3-cache-schema'], flags['mem-bw-schema']];
    await updateContainer(context.runtime, id, change, {
      ...(l3CacheSchema && { l3CacheSchema }),
      ...(memBwSchema && { memBwSchema }),
    });
    return 0;
  },
});
