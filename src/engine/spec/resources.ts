/** The limits of `onggi run` as resources of config.json, with Docker's checks (moby, daemon/daemon_unix.go). Pure. */
import { OnggiError } from '../../errors.ts';
import type { BlockIo, Cpu, Device, DeviceRule, Resources as OciResources, Throttle } from '../../oci/runtime-spec.ts';
import type { DeviceCgroupRule, DeviceRate, Resources } from '../types.ts';

/** Below this a container does not even start (moby, linuxMinMemory). */
const leastMemory = 6 << 20;
/** Microseconds. */
const cpuPeriod = 100_000;

export type ResourceFacts = {
  readonly cpus: number;
  readonly swap: boolean;
  /** Memory is limited by cgroup v1, which alone knows swappiness and groups without an OOM killer. */
  readonly legacyMemory: boolean;
  /** The device nodes at or below a path of the host. */
  readonly devicesAt: (path: string) => readonly Device[];
  readonly warn: (message: string) => void;
};

/** Everything but which devices may be used (`deviceRules`). @throws OnggiError `invalid`, `not-found` for a device */
export function resourceLimits(asked: Resources, facts: ResourceFacts): OciResources {
  const { pidsLimit } = asked;
  const cpu = cpuLimits(asked, facts.cpus);
  const memory = memoryLimits(asked, facts);
  const blockIO = blockLimits(asked, facts);
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pidsLimit !== undefined && pidsLimit !== 0 && { pids: { limit: pidsLimit < 0 ? -1 : pidsLimit } }),
    ...(Object.keys(blockIO).length > 0 && { blockIO }),
  };
}

/** Who limits memory and says nothing of swap gets as much swap as memory, where swap can be limited at all. */
function memoryLimits(asked: Resources, facts: ResourceFacts): NonNullable<OciResources['memory']> {
  const { memory = 0, memorySwap = 0, memoryReservation = 0 } = asked;
  checkMemory(asked);
  const { memorySwappiness, oomKillDisable = false } = facts.legacyMemory ? asked : withoutLegacy(asked, facts.warn);
  if (memory > 0 && memorySwap === 0 && !facts.swap) {
    facts.warn('This kernel can not limit swap: the memory is limited, its use of swap is not.');
  }
  if (oomKillDisable && memory === 0) {
    facts.warn(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
  const swap = memorySwap !== 0 ? memorySwap : memory > 0 && facts.swap ? memory * 2 : 0;
  return {
    ...(memory > 0 && { limit: memory }),
    ...(swap !== 0 && { swap }),
    ...(memoryReservation > 0 && { reservation: memoryReservation }),
    ...(memorySwappiness !== undefined && { swappiness: memorySwappiness }),
    ...(oomKillDisable && { disableOOMKiller: true }),
  };
}

/** As Docker does on cgroup v2, where neither makes a container safer or smaller (moby, daemon_unix.go). */
function withoutLegacy(
  asked: Resources,
  warn: ResourceFacts['warn'],
): Pick<Resources, 'memorySwappiness' | 'oomKillDisable'> {
  if ((asked.memorySwappiness ?? -1) >= 0) {
    warn(
      'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
    );
  }
  if (asked.oomKillDisable === true) warn('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
  return {};
}

function checkMemory({ memory = 0, memorySwap = 0, memoryReservation = 0, memorySwappiness = -1 }: Resources): void {
  if (memory !== 0 && memory < leastMemory) throw invalid('Minimum memory limit allowed is 6MB', memory);
  if (memorySwap > 0 && memory === 0) {
    throw invalid('You should always set the memory limit when using the memory and swap limit', memorySwap);
  }
  if (memorySwap > 0 && memorySwap < memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit', memorySwap);
  }
  if (memorySwappiness < -1 || memorySwappiness > 100) {
    throw invalid('Invalid memory swappiness, its range is 0-100', memorySwappiness);
  }
  if (memoryReservation > 0 && memoryReservation < leastMemory) {
    throw invalid('Minimum memory reservation allowed is 6MB', memoryReservation);
  }
  if (memory > 0 && memoryReservation > memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit', memory);
  }
}

function cpuLimits(asked: Resources, cpus: number): Cpu {
  const { nanoCpus = 0, cpuPeriod: period = 0, cpuQuota: quota = 0, cpuShares = 0 } = asked;
  const { cpuRealtimePeriod: realtimePeriod = 0, cpuRealtimeRuntime: realtimeRuntime = 0 } = asked;
  // The kernel would make 2 of it without a word.
  if (cpuShares === 1) throw invalid('The minimum allowed cpu-shares is 2', cpuShares);
  if (nanoCpus > 0 && period > 0) throw conflicting('Nano CPUs and CPU Period cannot both be set');
  if (nanoCpus > 0 && quota > 0) throw conflicting('Nano CPUs and CPU Quota cannot both be set');
  // The kernel's limits (kernel/sched/core.c, min_cfs_quota_period and max_cfs_quota_period).
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)', period);
  }
  if (quota > 0 && quota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)', quota);
  if (realtimeRuntime > 0 && realtimeRuntime > (realtimePeriod === 0 ? 1_000_000 : realtimePeriod)) {
    throw invalid('CPU real-time runtime can not be higher than CPU real-time period', realtimeRuntime);
  }
  return {
    ...(cpuShares > 0 && { shares: cpuShares }),
    ...(period > 0 && { period }),
    ...(quota !== 0 && { quota }),
    ...cpuTime(nanoCpus, cpus),
    ...(realtimePeriod > 0 && { realtimePeriod }),
    ...(realtimeRuntime !== 0 && { realtimeRuntime }),
    ...(asked.cpusetCpus && { cpus: asked.cpusetCpus }),
    ...(asked.cpusetMems && { mems: asked.cpusetMems }),
  };
}

function cpuTime(nanoCpus: number, cpus: number): { quota?: number; period?: number } {
  if (nanoCpus === 0) return {};
  if (nanoCpus < 10_000_000 || nanoCpus > cpus * 1e9) {
    const message = `Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`;
    throw invalid(message, nanoCpus / 1e9);
  }
  return { quota: Math.round((nanoCpus * cpuPeriod) / 1e9), period: cpuPeriod };
}

function blockLimits(asked: Resources, facts: ResourceFacts): BlockIo {
  const weight = asked.blkioWeight ?? 0;
  if (weight !== 0 && (weight < 10 || weight > 1000)) {
    throw invalid('Range of blkio weight is from 10 to 1000', weight);
  }
  const number = (path: string): Pick<Throttle, 'major' | 'minor'> => blockDevice(path, facts);
  const throttle = <K extends string>(key: K, rates: readonly DeviceRate[] = []): { [P in K]?: Throttle[] } => {
    const list = rates.map(({ path, rate }) => ({ ...number(path), rate }));
    return (list.length === 0 ? {} : { [key]: list }) as { [P in K]?: Throttle[] };
  };
  const weights = (asked.blkioWeightDevices ?? []).map((each) => ({ ...number(each.path), weight: each.weight }));
  return {
    ...(weight !== 0 && { weight }),
    ...(weights.length > 0 && { weightDevice: weights }),
    ...throttle('throttleReadBpsDevice', asked.deviceReadBps),
    ...throttle('throttleWriteBpsDevice', asked.deviceWriteBps),
    ...throttle('throttleReadIOPSDevice', asked.deviceReadIops),
    ...throttle('throttleWriteIOPSDevice', asked.deviceWriteIops),
  };
}

function blockDevice(path: string, { devicesAt }: ResourceFacts): Pick<Throttle, 'major' | 'minor'> {
  const found = devicesAt(path);
  const [device] = found;
  if (device === undefined || found.length > 1 || device.type !== 'b') {
    throw new OnggiError(
      found.length === 0 ? 'missing-on-host' : 'not-found',
      `limit I/O of "${path}": there is no block device`,
      {
        hint: 'Name a block device of the host, such as /dev/sda.',
      },
    );
  }
  return { major: device.major ?? 0, minor: device.minor ?? 0 };
}

/** `--device-cgroup-rule` as rules of config.json. */
export function deviceCgroupRules(rules: readonly DeviceCgroupRule[] = []): DeviceRule[] {
  return rules.map(({ type, major, minor, access }) => ({
    allow: true,
    type,
    ...(major >= 0 && { major }),
    ...(minor >= 0 && { minor }),
    access,
  }));
}

function conflicting(what: string): OnggiError {
  return new OnggiError('invalid', `Conflicting options: ${what}`);
}

function invalid(message: string, found: number): OnggiError {
  return new OnggiError('invalid', `${message}: "${found}"`);
}
