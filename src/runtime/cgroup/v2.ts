/** Resources of config.json as files of a v2 cgroup (Documentation/admin-guide/cgroup-v2.rst). Pure. */
import { OnggiError, unsupported } from '../../errors.ts';
import type { BlockIo, Cpu, Memory, Resources, Throttle } from '../../oci/runtime-spec.ts';
import { bytesInWords, refuseFields, type Setting, setting } from './setting.ts';
import { rdma } from './v1.ts';

/** @throws OnggiError `unsupported` for a field that v2 does not have, `invalid` for a malformed one */
export function unifiedSettings(resources: Resources): Setting[] {
  refuseFields(
    [
      ['network.classID', resources.network?.classID],
      ['network.priorities', resources.network?.priorities],
    ],
    'cgroup v2',
  );
  return [
    ...memory(resources.memory ?? {}),
    ...cpu(resources.cpu ?? {}),
    ...pids(resources.pids),
    ...blockIo(resources.blockIO ?? {}),
    ...hugePages(resources.hugepageLimits ?? []),
    ...rdma(resources.rdma ?? {}),
    ...unified(resources.unified ?? {}),
  ];
}

/** v2 counts swap by itself, config.json together with the memory. */
function memory(memory: Memory): Setting[] {
  refuseFields(
    [
      ['memory.kernelTCP', memory.kernelTCP],
      ['memory.swappiness', memory.swappiness],
      ['memory.disableOOMKiller', memory.disableOOMKiller],
    ],
    'cgroup v2',
  );
  const { limit, swap, reservation } = memory;
  const settings: Setting[] = [];
  if (limit !== undefined && limit !== 0) {
    settings.push(setting('memory', 'memory.max', max(limit), `limit memory to ${bytesInWords(limit)}`));
  }
  if (swap !== undefined && swap > 0 && limit !== undefined) {
    const value = swap - limit;
    settings.push(setting('memory', 'memory.swap.max', value, `limit swap to ${bytesInWords(value)}`));
  }
  if (reservation !== undefined && reservation !== 0) {
    const what = `reserve ${bytesInWords(reservation)} of memory`;
    settings.push(setting('memory', 'memory.low', max(reservation), what));
  }
  return settings;
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
  const settings: Setting[] = [];
  if (cpu.shares !== undefined && cpu.shares !== 0) {
    const weight = weightOfShares(cpu.shares);
    settings.push(setting('cpu', 'cpu.weight', weight, `give the CPU weight ${weight} (${cpu.shares} shares)`));
  }
  if ((cpu.quota !== undefined && cpu.quota !== 0) || (cpu.period !== undefined && cpu.period !== 0)) {
    const [quota, period] = [max(cpu.quota === 0 ? -1 : (cpu.quota ?? -1)), cpu.period || 100_000];
    settings.push(setting('cpu', 'cpu.max', `${quota} ${period}`, `limit CPU time to ${quota} us in ${period} us`));
  }
  if (cpu.burst !== undefined && cpu.burst !== 0) {
    settings.push(setting('cpu', 'cpu.max.burst', cpu.burst, `let CPU time accumulate up to ${cpu.burst} us`));
  }
  if (cpu.idle !== undefined && cpu.idle !== 0) {
    settings.push(setting('cpu', 'cpu.idle', cpu.idle, 'run only when the CPUs are idle'));
  }
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

function pids(pids: Resources['pids']): Setting[] {
  if (pids === undefined || pids.limit === 0) return [];
  const value = pids.limit > 0 ? String(pids.limit) : 'max';
  return [setting('pids', 'pids.max', value, `limit the number of processes to ${value}`)];
}

/** v1 weights (10 to 1000) become v2 weights (1 to 10000). io.weight needs the kernel's I/O cost model. */
function blockIo(io: BlockIo): Setting[] {
  refuseFields([['blockIO.leafWeight', io.leafWeight]], 'cgroup v2');
  const settings: Setting[] = [];
  if (io.weight !== undefined && io.weight !== 0) {
    const weight = 1 + Math.floor(((io.weight - 10) * 9999) / 990);
    settings.push(setting('io', 'io.weight', `default ${weight}`, `give block I/O the weight ${weight} of 10000`));
  }
  for (const { major, minor, weight, leafWeight } of io.weightDevice ?? []) {
    refuseFields([['blockIO.weightDevice.leafWeight', leafWeight]], 'cgroup v2');
    if (weight === undefined) continue;
    const what = `give block I/O of the device ${major}:${minor} the weight ${weight}`;
    settings.push(setting('io', 'io.bfq.weight', `${major}:${minor} ${weight}`, what));
  }
  const throttle = (key: string, limits: readonly Throttle[] | undefined, unit: string): void => {
    for (const { major, minor, rate } of limits ?? []) {
      const what = `limit the device ${major}:${minor} to ${rate} ${unit} a second`;
      settings.push(setting('io', 'io.max', `${major}:${minor} ${key}=${rate}`, what));
    }
  };
  throttle('rbps', io.throttleReadBpsDevice, 'bytes read');
  throttle('wbps', io.throttleWriteBpsDevice, 'bytes written');
  throttle('riops', io.throttleReadIOPSDevice, 'reads');
  throttle('wiops', io.throttleWriteIOPSDevice, 'writes');
  return settings;
}

function hugePages(limits: NonNullable<Resources['hugepageLimits']>): Setting[] {
  return limits.flatMap(({ pageSize, limit }) => {
    const what = `limit huge pages of ${pageSize} to ${bytesInWords(limit)}`;
    return [
      setting('hugetlb', `hugetlb.${pageSize}.max`, limit, what),
      { ...setting('hugetlb', `hugetlb.${pageSize}.rsvd.max`, limit, what), optional: true },
    ];
  });
}

/** Files by name, as they are. The core files would move or kill processes: they are no resources. */
function unified(files: Readonly<Record<string, string>>): Setting[] {
  return Object.entries(files).map(([file, value]) => {
    const controller = file.slice(0, file.indexOf('.'));
    if (!/^[a-z]+\.[\w.]+$/.test(file)) {
      throw new OnggiError('invalid', `resources.unified: "${file}" is not the name of a controller's file`);
    }
    if (controller === 'cgroup') throw unsupported(`resources.unified["${file}"]`);
    return setting(controller, file, value, `set ${file} to ${value}`);
  });
}
