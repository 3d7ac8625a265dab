/** Resources of config.json as files of the v1 controllers (Documentation/admin-guide/cgroup-v1/). Pure. */
import type { BlockIo, Cpu, Memory, Resources, Throttle } from '../../oci/runtime-spec.ts';
import { bytesInWords, refuseFields, type Setting, setting } from './setting.ts';

/** @throws OnggiError `unsupported` for a field that v1 does not have */
export function legacySettings(resources: Resources): Setting[] {
  refuseFields([['unified', resources.unified]], 'cgroup v1');
  return [
    ...memory(resources.memory ?? {}),
    ...cpu(resources.cpu ?? {}),
    ...pids(resources.pids),
    ...blockIo(resources.blockIO ?? {}),
    ...hugePages(resources.hugepageLimits ?? []),
    ...network(resources.network ?? {}),
    ...rdma(resources.rdma ?? {}),
  ];
}

/** The limit comes before the one of memory and swap, which may never be below it (memory.rst, section 2.4). */
function memory(memory: Memory): Setting[] {
  const { limit, swap, reservation, swappiness } = memory;
  const settings: Setting[] = [];
  if (limit !== undefined && limit !== 0) {
    settings.push(setting('memory', 'memory.limit_in_bytes', limit, `limit memory to ${bytesInWords(limit)}`));
  }
  if (swap !== undefined && swap > 0) {
    const what = `limit memory and swap to ${bytesInWords(swap)}`;
    settings.push(setting('memory', 'memory.memsw.limit_in_bytes', swap, what));
  }
  if (reservation !== undefined && reservation !== 0) {
    const what = `reserve ${bytesInWords(reservation)} of memory`;
    settings.push(setting('memory', 'memory.soft_limit_in_bytes', reservation, what));
  }
  if (memory.kernelTCP !== undefined && memory.kernelTCP !== 0) {
    const what = `limit memory of TCP buffers to ${bytesInWords(memory.kernelTCP)}`;
    settings.push(setting('memory', 'memory.kmem.tcp.limit_in_bytes', memory.kernelTCP, what));
  }
  if (swappiness !== undefined) {
    settings.push(setting('memory', 'memory.swappiness', swappiness, `set the swappiness to ${swappiness}`));
  }
  if (memory.disableOOMKiller === true) {
    settings.push(setting('memory', 'memory.oom_control', 1, 'disable the out-of-memory killer'));
  }
  return settings;
}

/** The period comes before the quota: the kernel checks each new value against the other one in force. */
function cpu(cpu: Cpu): Setting[] {
  const settings: Setting[] = [];
  const add = (file: string, value: number | string | undefined, what: string): void => {
    if (value === undefined || value === 0 || value === '') return;
    settings.push(setting(file.startsWith('cpuset') ? 'cpuset' : 'cpu', file, value, what));
  };
  add('cpu.shares', cpu.shares, `give ${cpu.shares} CPU shares`);
  add('cpu.cfs_period_us', cpu.period, `account CPU time in periods of ${cpu.period} us`);
  add('cpu.cfs_quota_us', cpu.quota, `limit CPU time to ${cpu.quota} us a period`);
  add('cpu.cfs_burst_us', cpu.burst, `let CPU time accumulate up to ${cpu.burst} us`);
  add('cpu.rt_period_us', cpu.realtimePeriod, `account real-time CPU time in periods of ${cpu.realtimePeriod} us`);
  add('cpu.rt_runtime_us', cpu.realtimeRuntime, `limit real-time CPU time to ${cpu.realtimeRuntime} us a period`);
  add('cpu.idle', cpu.idle, 'run only when the CPUs are idle');
  add('cpuset.cpus', cpu.cpus, `run on the CPUs ${cpu.cpus}`);
  add('cpuset.mems', cpu.mems, `use memory of the nodes ${cpu.mems}`);
  return settings;
}

function pids(pids: Resources['pids']): Setting[] {
  if (pids === undefined || pids.limit === 0) return [];
  const value = pids.limit > 0 ? String(pids.limit) : 'max';
  return [setting('pids', 'pids.max', value, `limit the number of processes to ${value}`)];
}

/** Weights are of the BFQ scheduler, the only one that knows them since Linux 5.0 (block/bfq-iosched.rst). */
function blockIo(io: BlockIo): Setting[] {
  refuseFields([['blockIO.leafWeight', io.leafWeight]], 'this machine');
  const settings: Setting[] = [];
  if (io.weight !== undefined && io.weight !== 0) {
    settings.push(setting('blkio', 'blkio.bfq.weight', io.weight, `give block I/O the weight ${io.weight}`));
  }
  for (const { major, minor, weight, leafWeight } of io.weightDevice ?? []) {
    refuseFields([['blockIO.weightDevice.leafWeight', leafWeight]], 'this machine');
    if (weight === undefined) continue;
    const what = `give block I/O of the device ${major}:${minor} the weight ${weight}`;
    settings.push(setting('blkio', 'blkio.bfq.weight_device', `${major}:${minor} ${weight}`, what));
  }
  const throttle = (file: string, limits: readonly Throttle[] | undefined, unit: string): void => {
    for (const { major, minor, rate } of limits ?? []) {
      const what = `limit the device ${major}:${minor} to ${rate} ${unit} a second`;
      settings.push(setting('blkio', `blkio.throttle.${file}`, `${major}:${minor} ${rate}`, what));
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
    const what = `limit huge pages of ${pageSize} to ${bytesInWords(limit)}`;
    return [
      setting('hugetlb', `hugetlb.${pageSize}.limit_in_bytes`, limit, what),
      { ...setting('hugetlb', `hugetlb.${pageSize}.rsvd.limit_in_bytes`, limit, what), optional: true },
    ];
  });
}

function network(network: NonNullable<Resources['network']>): Setting[] {
  const settings: Setting[] = [];
  if (network.classID !== undefined) {
    settings.push(setting('net_cls', 'net_cls.classid', network.classID, `tag packets with class ${network.classID}`));
  }
  for (const { name, priority } of network.priorities ?? []) {
    const what = `give packets on ${name} the priority ${priority}`;
    settings.push(setting('net_prio', 'net_prio.ifpriomap', `${name} ${priority}`, what));
  }
  return settings;
}

export function rdma(devices: NonNullable<Resources['rdma']>): Setting[] {
  return Object.entries(devices).map(([device, { hcaHandles, hcaObjects }]) => {
    const limits = `hca_handle=${hcaHandles ?? 'max'} hca_object=${hcaObjects ?? 'max'}`;
    return setting('rdma', 'rdma.max', `${device} ${limits}`, `limit the RDMA device ${device}`);
  });
}
