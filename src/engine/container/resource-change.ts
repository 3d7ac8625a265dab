/** Limits before and after an `update`, with Docker's checks (moby, container/container_unix.go). Pure. */
import { OnggiError } from '../../errors.ts';
import type { Resources } from '../types.ts';

/** @throws OnggiError `invalid` for limits that contradict those that stay */
export function changedResources(current: Resources, change: Resources): Resources {
  const { nanoCpus = 0, cpuPeriod = 0, cpuQuota = 0, memory = 0 } = change;
  const has = (value: number | undefined): boolean => value !== undefined && value > 0;
  if (nanoCpus > 0 && has(current.cpuPeriod)) {
    throw conflicting('Nano CPUs cannot be updated as CPU Period has already been set');
  }
  if (nanoCpus > 0 && has(current.cpuQuota)) {
    throw conflicting('Nano CPUs cannot be updated as CPU Quota has already been set');
  }
  if (cpuPeriod > 0 && has(current.nanoCpus)) {
    throw conflicting('CPU Period cannot be updated as NanoCPUs has already been set');
  }
  if (cpuQuota > 0 && has(current.nanoCpus)) {
    throw conflicting('CPU Quota cannot be updated as NanoCPUs has already been set');
  }
  const total = swapOf(current);
  if (memory > 0 && total > 0 && memory > total && change.memorySwap === undefined) {
    throw new OnggiError(
      'invalid',
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  }
  // What memory and swap come to stays what it was, and does not follow the new limit.
  const kept = memory > 0 && total > 0 ? { memorySwap: total } : {};
  return { ...current, ...kept, ...change };
}

/** Memory and swap together as they are limited now; 0 for not at all. */
function swapOf({ memory = 0, memorySwap }: Resources): number {
  return memorySwap ?? memory * 2;
}

function conflicting(what: string): OnggiError {
  return new OnggiError('invalid', `Conflicting options: ${what}`);
}
