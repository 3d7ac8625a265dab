/** The limits of `onggi run` as resources of config.json, with Docker's checks (moby, daemon/daemon_unix.go). Pure. */
import { OnggiError } from '../../errors.ts';
import type { Resources as OciResources } from '../../oci/runtime-spec.ts';
import type { Resources } from '../types.ts';

/** Below this a container does not even start (moby, linuxMinMemory). */
const leastMemory = 6 << 20;
/** Microseconds. */
const cpuPeriod = 100_000;

export type ResourceFacts = {
  readonly cpus: number;
  readonly swap: boolean;
  readonly warn: (message: string) => void;
};

/** @throws OnggiError `invalid` */
export function resourceLimits(asked: Resources, facts: ResourceFacts): OciResources {
  const { cpuShares, cpusetCpus, cpusetMems, pidsLimit, blkioWeight } = asked;
  checkWeight(blkioWeight);
  const cpu = {
    ...(cpuShares !== undefined && cpuShares > 0 && { shares: cpuShares }),
    ...cpuTime(asked.nanoCpus, facts.cpus),
    ...(cpusetCpus && { cpus: cpusetCpus }),
    ...(cpusetMems && { mems: cpusetMems }),
  };
  const memory = memoryLimits(asked, facts);
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pidsLimit !== undefined && pidsLimit !== 0 && { pids: { limit: pidsLimit < 0 ? -1 : pidsLimit } }),
    ...(blkioWeight !== undefined && blkioWeight !== 0 && { blockIO: { weight: blkioWeight } }),
  };
}

/** Who limits memory and says nothing of swap gets as much swap as memory, where swap can be limited at all. */
function memoryLimits(asked: Resources, facts: ResourceFacts): NonNullable<OciResources['memory']> {
  const { memory = 0, memorySwap = 0, memoryReservation = 0 } = asked;
  if (memory !== 0 && memory < leastMemory) throw invalid('Minimum memory limit allowed is 6MB', memory);
  if (memorySwap !== 0 && memory === 0) {
    throw invalid('You should always set the memory limit when using the memory and swap limit', memorySwap);
  }
  if (memorySwap > 0 && memorySwap < memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit', memorySwap);
  }
  if (memory > 0 && memoryReservation > memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit', memory);
  }
  if (memory > 0 && memorySwap === 0 && !facts.swap) {
    facts.warn('This kernel can not limit swap: the memory is limited, its use of swap is not.');
  }
  const swap = memorySwap !== 0 ? memorySwap : memory > 0 && facts.swap ? memory * 2 : 0;
  return {
    ...(memory > 0 && { limit: memory }),
    ...(swap !== 0 && { swap }),
    ...(memoryReservation > 0 && { reservation: memoryReservation }),
  };
}

function cpuTime(nanoCpus: number | undefined, cpus: number): { quota?: number; period?: number } {
  if (nanoCpus === undefined || nanoCpus === 0) return {};
  // The kernel's least quota is a millisecond (kernel/sched/core.c, min_cfs_quota_period).
  if (nanoCpus < 10_000_000 || nanoCpus > cpus * 1e9) {
    const message = `Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`;
    throw invalid(message, nanoCpus / 1e9);
  }
  return { quota: Math.round((nanoCpus * cpuPeriod) / 1e9), period: cpuPeriod };
}

function checkWeight(weight: number | undefined): void {
  if (weight !== undefined && weight !== 0 && (weight < 10 || weight > 1000)) {
    throw invalid('Range of blkio weight is from 10 to 1000', weight);
  }
}

function invalid(message: string, found: number): OnggiError {
  return new OnggiError('invalid', `${message}: "${found}"`);
}
