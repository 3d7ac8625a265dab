/** Resources of config.json as files of the v1 controllers (Documentation/admin-guide/cgroup-v1/). Pure. */
import type { BlockIo, Cpu, Memory, Resources, Throttle } from '../../oci/runtime-spec.ts';
import { blockDevices, hugePageSize, rdma } from './device-limit.ts';
import { isUnsetSwappiness, swapInForce } from './memory.ts';
import { bytesInWords, checkRange, deviceName, refuseFields, type Setting, setting } from './setting.ts';

/**
 * @param swap whether swap can be limited on this machine
 * @throws OnggiError `unsupported` for a field that v1 does not have, `invalid` for a malformed one
 */
export function legacySettings(resources: Resources, swap = true): Setting[] {
  if (Object.keys(resources.unified ?? {}).length > 0) refuseFields([['unified', true]], 'cgroup v1');
  return [
    ...memory(resources.memory ?? {}, swap),
    ...cpu(resources.cpu ?? {}),
    ...pids(resources.pids),
    ...blockIo(resources.blockIO ?? {}),
    ...hugePages(resources.hugepageLimits ?? []),
    ...network(resources.network ?? {}),
    ...rdma(resources.rdma ?? {}),
  ];
}

/** The limit comes before the one of memory and swap, which may never be below it (memory.rst, section 2.4). */
function memory(memory: Memory, accounted: boolean): Setting[] {
  const { limit, reservation, swappiness } = memory;
  const settings: Setting[] = [];
  if (limit !== undefined && limit !== 0) {
    settings.push(setting('memory', 'memory.limit_in_bytes', limit, `limit memory to ${bytesInWords(limit)}`));
  }
  const swap = swapInForce(memory);
  if (swap !== undefined && accounted) {
    const what = `limit memory and swap to ${bytesInWords(swap)}`;
    settings.push(setting('memory', 'memory.memsw.limit_in_bytes', swap, what));
  }
  if (reservation !== undefined && reservation !== 0) {
    const what = `reserve ${bytesInWords(reservation)} of memory`;
    settings.push(setting('memory', 'memory.soft_limit_in_bytes', reservation, what));
  }
  if (memory.kernel !== undefined && memory.kernel !== 0) {
    // The kernel ignores it since 5.16; runc ignores it everywhere. Where it still works it is kept.
    const what = `limit kernel memory to ${bytesInWords(memory.kernel)}, which Linux 5.16 and later do not`;
    settings.push({ ...setting('memory', 'memory.kmem.limit_in_bytes', memory.kernel, what), optional: true });
  }
  if (memory.kernelTCP !== undefined && memory.kernelTCP !== 0) {
    const what = `limit memory of TCP buffers to ${bytesInWords(memory.kernelTCP)}`;
    settings.push(setting('memory', 'memory.kmem.tcp.limit_in_bytes', memory.kernelTCP, what));
  }
  if (swappiness !== undefined && !isUnsetSwappiness(swappiness)) {
    settings.push(setting('memory', 'memory.swappiness', swappiness, `set the swappiness to ${swappiness}`));
  }
  if (memory.disableOOMKiller === true) {
    settings.push(setting('memory', 'memory.oom_control', 1, 'disable the out-of-memory killer'));
  }
  return settings;
}

/**
 * The period comes before the quota: the kernel checks each new value against the other one in force; and no burst is
 * longer than the quota. An idle group has no shares of its own to be set, and the usual ones when it ceases to be idle
 * (kernel/sched/fair.c, sched_group_set_shares, sched_group_set_idle), which comes first.
 */
function cpu(cpu: Cpu): Setting[] {
  checkCpu(cpu);
  const settings: Setting[] = [];
  const add = (file: string, value: number | string | undefined, what: string): void => {
    if (value === undefined || value === 0 || value === '') return;
    settings.push(setting(file.startsWith('cpuset') ? 'cpuset' : 'cpu', file, value, what));
  };
  if (cpu.idle === 0) settings.push(notIdle);
  if (cpu.idle !== 1) add('cpu.shares', cpu.shares, `give ${cpu.shares} CPU shares`);
  add('cpu.cfs_period_us', cpu.period, `account CPU time in periods of ${cpu.period} us`);
  add('cpu.cfs_quota_us', cpu.quota, `limit CPU time to ${cpu.quota} us a period`);
  if (cpu.burst !== undefined) settings.push(burst(cpu.burst, 'cpu.cfs_burst_us'));
  add('cpu.rt_period_us', cpu.realtimePeriod, `account real-time CPU time in periods of ${cpu.realtimePeriod} us`);
  add('cpu.rt_runtime_us', cpu.realtimeRuntime, `limit real-time CPU time to ${cpu.realtimeRuntime} us a period`);
  add('cpu.idle', cpu.idle, 'run only when the CPUs are idle');
  add('cpuset.cpus', cpu.cpus, `run on the CPUs ${cpu.cpus}`);
  add('cpuset.mems', cpu.mems, `use memory of the nodes ${cpu.mems}`);
  return settings;
}

/** A new group has none anyway, and the file is as young as Linux 5.15. */
export const notIdle: Setting = {
  ...setting('cpu', 'cpu.idle', 0, 'compete with the others for CPU time'),
  optional: true,
};

export function burst(microseconds: number, file: string): Setting {
  const what = `let CPU time accumulate up to ${microseconds} us`;
  return { ...setting('cpu', file, microseconds, what), optional: microseconds === 0 };
}

/** @throws OnggiError `invalid` */
export function checkCpu(cpu: Cpu): void {
  const most = Number.MAX_SAFE_INTEGER;
  checkRange('cpu.shares', cpu.shares, 0, most);
  // From 1 ms, periods to 1 s (kernel/sched/core.c, min_cfs_quota_period, max_cfs_quota_period).
  checkRange('cpu.quota', cpu.quota, (cpu.quota ?? 0) > 0 ? 1000 : -1, most);
  if (cpu.period !== 0) checkRange('cpu.period', cpu.period, 1000, 1_000_000);
  checkRange('cpu.burst', cpu.burst, 0, most);
  checkRange('cpu.realtimePeriod', cpu.realtimePeriod, 0, most);
  checkRange('cpu.realtimeRuntime', cpu.realtimeRuntime, -1, most);
  checkRange('cpu.idle', cpu.idle, 0, 1);
}

/** 0 says nothing, below is unlimited (runc up to 1.3). */
export function pids(pids: Resources['pids']): Setting[] {
  if (pids?.limit === undefined || pids.limit === 0) return [];
  checkRange('pids.limit', pids.limit, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const value = pids.limit > 0 ? String(pids.limit) : 'max';
  return [setting('pids', 'pids.max', value, `limit the number of processes to ${value}`)];
}

/** Weights are of the BFQ scheduler, the only one that knows them since Linux 5.0 (block/bfq-iosched.rst). */
function blockIo(io: BlockIo): Setting[] {
  refuseFields([['blockIO.leafWeight', io.leafWeight]], 'this machine');
  const settings: Setting[] = [];
  checkRange('blockIO.weight', io.weight, 0, 1000);
  if (io.weight !== undefined && io.weight !== 0) {
    settings.push(setting('blkio', 'blkio.bfq.weight', io.weight, `give block I/O the weight ${io.weight}`));
  }
  for (const { weight, leafWeight, ...device } of io.weightDevice ?? []) {
    refuseFields([['blockIO.weightDevice.leafWeight', leafWeight]], 'this machine');
    checkRange('blockIO.weightDevice.weight', weight, 0, 1000);
    if (weight === undefined || weight === 0) continue;
    const name = deviceName('blockIO.weightDevice', device);
    const what = `give block I/O of the device ${name} the weight ${weight}`;
    settings.push(setting('blkio', 'blkio.bfq.weight_device', `${name} ${weight}`, what));
  }
  const throttle = (file: string, limits: readonly Throttle[] | undefined, unit: string): void => {
    for (const { name, rate, what } of blockDevices(limits, unit)) {
      settings.push(setting('blkio', `blkio.throttle.${file}`, `${name} ${rate}`, what));
    }
  };
  throttle('read_bps_device', io.throttleReadBpsDevice, 'bytes read');
  throttle('write_bps_device', io.throttleWriteBpsDevice, 'bytes written');
  throttle('read_iops_device', io.throttleReadIOPSDevice, 'reads');
  throttle('write_iops_device', io.throttleWriteIOPSDevice, 'writes');
  return settings;
}

/** Reservations are limited as well where the kernel can (hugetlb.rst), else a fault kills instead of mmap failing. */
function hugePages(limits: NonNullable<Resources['hugepageLimits']>): Setting[] {
  return limits.flatMap(({ pageSize, limit }) => {
    const size = hugePageSize(pageSize);
    const what = `limit huge pages of ${size} to ${bytesInWords(limit)}`;
    return [
      setting('hugetlb', `hugetlb.${size}.limit_in_bytes`, limit, what),
      { ...setting('hugetlb', `hugetlb.${size}.rsvd.limit_in_bytes`, limit, what), optional: true },
    ];
  });
}

function network(network: NonNullable<Resources['network']>): Setting[] {
  const settings: Setting[] = [];
  checkRange('network.classID', network.classID, 0, 0xffff_ffff);
  if (network.classID !== undefined && network.classID !== 0) {
    settings.push(setting('net_cls', 'net_cls.classid', network.classID, `tag packets with class ${network.classID}`));
  }
  for (const { name, priority } of network.priorities ?? []) {
    checkRange('network.priorities.priority', priority, 0, 0xffff_ffff);
    const what = `give packets on ${name} the priority ${priority}`;
    settings.push(setting('net_prio', 'net_prio.ifpriomap', `${name} ${priority}`, what));
  }
  return settings;
}
