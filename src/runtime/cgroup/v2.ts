/** Resources of config.json as files of a v2 cgroup (Documentation/admin-guide/cgroup-v2.rst). Pure. */
import { OnggiError, unsupported } from '../../errors.ts';
import type { BlockIo, Cpu, Memory, Resources, Throttle } from '../../oci/runtime-spec.ts';
import { blockDevices, hugePageSize, rdma } from './device-limit.ts';
import { isUnsetSwappiness, swapInForce } from './memory.ts';
import { bytesInWords, checkRange, deviceName, refuseFields, type Setting, setting, type Warn } from './setting.ts';
import { burst, checkCpu, notIdle, pids } from './v1.ts';

/**
 * @param warn told what v2 does not have and does not need
 * @throws OnggiError `unsupported` for a field that v2 does not have, `invalid` for a malformed one
 */
export function unifiedSettings(resources: Resources, warn: Warn = () => {}): Setting[] {
  refuseFields(
    [
      ['network.classID', resources.network?.classID],
      ['network.priorities', resources.network?.priorities],
    ],
    'cgroup v2',
  );
  return [
    ...memory(resources.memory ?? {}, warn),
    ...cpu(resources.cpu ?? {}),
    ...pids(resources.pids),
    ...blockIo(resources.blockIO ?? {}),
    ...hugePages(resources.hugepageLimits ?? []),
    ...rdma(resources.rdma ?? {}),
    ...unified(resources.unified ?? {}),
  ];
}

/**
 * v2 counts swap by itself, config.json together with the memory. Limits of kernel memory are ignored as by runc: v2
 * counts it in the limit of memory, so that one still holds.
 */
function memory(memory: Memory, warn: Warn): Setting[] {
  const { limit, reservation, swappiness } = memory;
  refuseFields(
    [
      ['memory.swappiness', swappiness !== undefined && !isUnsetSwappiness(swappiness)],
      ['memory.disableOOMKiller', memory.disableOOMKiller],
    ],
    'cgroup v2',
  );
  if ((memory.kernel ?? 0) > 0 || (memory.kernelTCP ?? 0) > 0) {
    warn('cgroup v2 has no separate limit of kernel memory: it counts in the limit of memory');
  }
  const settings: Setting[] = [];
  // Lowered first, so that what leaves the memory can't go to swap; a new group has none in either.
  const swap = swapInForce(memory);
  if (swap !== undefined) settings.push(swapLimit(swap, limit ?? 0));
  if (limit !== undefined && limit !== 0) {
    settings.push(setting('memory', 'memory.max', max(limit), `limit memory to ${bytesInWords(limit)}`));
  }
  if (reservation !== undefined && reservation !== 0) {
    const what = `reserve ${bytesInWords(reservation)} of memory`;
    settings.push(setting('memory', 'memory.low', max(reservation), what));
  }
  return settings;
}

function swapLimit(total: number, limit: number): Setting {
  const value = total < 0 ? -1 : total - limit;
  const what = `limit swap to ${bytesInWords(value)}`;
  return { ...setting('memory', 'memory.swap.max', max(value), what), optional: value <= 0 };
}

function max(value: number): string {
  return value < 0 ? 'max' : String(value);
}

function cpu(cpu: Cpu): Setting[] {
  refuseFields(
    [
      ['cpu.realtimeRuntime', cpu.realtimeRuntime],
      ['cpu.realtimePeriod', cpu.realtimePeriod],
    ],
    'cgroup v2',
  );
  checkCpu(cpu);
  const settings: Setting[] = [];
  if (cpu.idle === 0) settings.push(notIdle);
  // An idle group has no weight of its own to be set.
  if (cpu.shares !== undefined && cpu.shares !== 0 && cpu.idle !== 1) {
    const weight = weightOfShares(cpu.shares);
    settings.push(setting('cpu', 'cpu.weight', weight, `give the CPU weight ${weight} (${cpu.shares} shares)`));
  }
  if ((cpu.quota !== undefined && cpu.quota !== 0) || (cpu.period !== undefined && cpu.period !== 0)) {
    const [quota, period] = [max(cpu.quota === 0 ? -1 : (cpu.quota ?? -1)), cpu.period || 100_000];
    settings.push(setting('cpu', 'cpu.max', `${quota} ${period}`, `limit CPU time to ${quota} us in ${period} us`));
  }
  if (cpu.burst !== undefined) settings.push(burst(cpu.burst, 'cpu.max.burst'));
  if (cpu.idle === 1) settings.push(setting('cpu', 'cpu.idle', 1, 'run only when the CPUs are idle'));
  if (cpu.cpus) settings.push(setting('cpuset', 'cpuset.cpus', cpu.cpus, `run on the CPUs ${cpu.cpus}`));
  if (cpu.mems) settings.push(setting('cpuset', 'cpuset.mems', cpu.mems, `use memory of the nodes ${cpu.mems}`));
  return settings;
}

/**
 * v1 shares (2 to 262144, default 1024) as v2 weight (1 to 10000, default 100). The curve that runc and crun use since
 * 2025 (opencontainers/cgroups, ConvertCPUSharesToCgroupV2Value): quadratic in the logarithm, through both ends and
 * through the two defaults, which the earlier linear one missed (1024 gave 39).
 */
export function weightOfShares(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const logarithm = Math.log2(shares);
  return Math.ceil(10 ** ((logarithm * logarithm + 125 * logarithm) / 612 - 7 / 34));
}

/**
 * Weights are of the BFQ scheduler where it is there, in the numbers of config.json (10 to 1000), else of the I/O cost
 * model, whose weights go from 1 to 10000. The conversion is runc's (opencontainers/cgroups, fs2/io.go).
 */
function blockIo(io: BlockIo): Setting[] {
  refuseFields([['blockIO.leafWeight', io.leafWeight]], 'cgroup v2');
  const settings: Setting[] = [];
  const weigh = (device: string, weight: number, what: string): void => {
    const fallback = { file: 'io.weight', value: `${device} ${ioWeight(weight)}` };
    settings.push({ ...setting('io', 'io.bfq.weight', `${device} ${weight}`, what), fallback });
  };
  checkRange('blockIO.weight', io.weight, 0, 1000);
  if (io.weight !== undefined && io.weight !== 0) {
    weigh('default', io.weight, `give block I/O the weight ${io.weight} of 1000`);
  }
  for (const { weight, leafWeight, ...device } of io.weightDevice ?? []) {
    refuseFields([['blockIO.weightDevice.leafWeight', leafWeight]], 'cgroup v2');
    checkRange('blockIO.weightDevice.weight', weight, 0, 1000);
    if (weight === undefined || weight === 0) continue;
    const name = deviceName('blockIO.weightDevice', device);
    weigh(name, weight, `give block I/O of the device ${name} the weight ${weight} of 1000`);
  }
  const throttle = (key: string, limits: readonly Throttle[] | undefined, unit: string): void => {
    for (const { name, rate, what } of blockDevices(limits, unit)) {
      // 0 takes a limit away, as on v1.
      settings.push(setting('io', 'io.max', `${name} ${key}=${rate === '0' ? 'max' : rate}`, what));
    }
  };
  throttle('rbps', io.throttleReadBpsDevice, 'bytes read');
  throttle('wbps', io.throttleWriteBpsDevice, 'bytes written');
  throttle('riops', io.throttleReadIOPSDevice, 'reads');
  throttle('wiops', io.throttleWriteIOPSDevice, 'writes');
  return settings;
}

export function ioWeight(weight: number): number {
  return 1 + Math.floor(((Math.max(weight, 10) - 10) * 9999) / 990);
}

function hugePages(limits: NonNullable<Resources['hugepageLimits']>): Setting[] {
  return limits.flatMap(({ pageSize, limit }) => {
    const size = hugePageSize(pageSize);
    const what = `limit huge pages of ${size} to ${bytesInWords(limit)}`;
    return [
      setting('hugetlb', `hugetlb.${size}.max`, limit, what),
      { ...setting('hugetlb', `hugetlb.${size}.rsvd.max`, limit, what), optional: true },
    ];
  });
}

/** Core files that move, kill, stop or divide processes: they are no resources. */
const coreFiles: ReadonlySet<string> = new Set([
  'cgroup.procs',
  'cgroup.threads',
  'cgroup.type',
  'cgroup.kill',
  'cgroup.freeze',
  'cgroup.subtree_control',
]);

/** Files by name, as they are, after all other fields: this one decides. */
function unified(files: Readonly<Record<string, string>>): Setting[] {
  return Object.entries(files).map(([file, value]) => {
    const controller = file.slice(0, file.indexOf('.'));
    if (!/^[a-z]+\.[\w.]+$/.test(file)) {
      throw new OnggiError('invalid', `resources.unified: "${file}" is not the name of a controller's file`);
    }
    if (coreFiles.has(file)) throw unsupported(`resources.unified["${file}"]`);
    if (/\p{Cc}/u.test(value.trim())) {
      throw new OnggiError('invalid', `resources.unified["${file}"]: "${value}" holds control characters`);
    }
    return setting(controller, file, value, `set ${file} to ${value}`);
  });
}
