/** Flags of `update` as limits of config.json. Pure. */
import type { Resources } from '../oci/runtime-spec.ts';

/** Absent: as it is. Bytes, microseconds and numbers as config.json has them. */
export type UpdateFlags = {
  readonly blkioWeight: number | undefined;
  readonly cpuPeriod: number | undefined;
  readonly cpuQuota: number | undefined;
  readonly cpuBurst: number | undefined;
  readonly cpuShares: number | undefined;
  readonly cpuRealtimePeriod: number | undefined;
  readonly cpuRealtimeRuntime: number | undefined;
  readonly cpuIdle: number | undefined;
  readonly cpus: string | undefined;
  readonly mems: string | undefined;
  readonly memory: number | undefined;
  readonly memoryReservation: number | undefined;
  readonly memorySwap: number | undefined;
  readonly pidsLimit: number | undefined;
};

export function resourcesOfFlags(flags: UpdateFlags): Resources {
  const { blkioWeight, pidsLimit } = flags;
  return {
    memory: given({ limit: flags.memory, reservation: flags.memoryReservation, swap: flags.memorySwap }),
    cpu: given({
      shares: flags.cpuShares,
      quota: flags.cpuQuota,
      burst: flags.cpuBurst,
      period: flags.cpuPeriod,
      realtimeRuntime: flags.cpuRealtimeRuntime,
      realtimePeriod: flags.cpuRealtimePeriod,
      cpus: flags.cpus,
      mems: flags.mems,
      idle: flags.cpuIdle,
    }),
    ...(pidsLimit !== undefined && { pids: { limit: pidsLimit } }),
    ...(blkioWeight !== undefined && { blockIO: { weight: blkioWeight } }),
  };
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
