/** What a container may use of the machine. Numbers are whole; absent is not limited. */

export type Resources = {
  /** Bytes. */
  readonly memory?: number;
  /** Bytes of memory plus swap; -1 unlimited swap. Docker's default: twice the memory. */
  readonly memorySwap?: number;
  readonly memoryReservation?: number;
  /** Per cent, 0 to 100; cgroup v1 alone has it. */
  readonly memorySwappiness?: number;
  /** What is over the limit of memory waits instead of being killed; cgroup v1 alone has it. */
  readonly oomKillDisable?: boolean;
  /** 10^-9 CPUs (`--cpus 1.5` is 1_500_000_000); not together with period or quota. */
  readonly nanoCpus?: number;
  /** Microseconds, as the three below; a quota of -1 takes the limit away. */
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  /** cgroup v1 alone has real-time scheduling of groups. */
  readonly cpuRealtimePeriod?: number;
  readonly cpuRealtimeRuntime?: number;
  readonly cpuShares?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** -1: unlimited. */
  readonly pidsLimit?: number;
  readonly blkioWeight?: number;
  readonly blkioWeightDevices?: readonly DeviceWeight[];
  /** Bytes a second. */
  readonly deviceReadBps?: readonly DeviceRate[];
  readonly deviceWriteBps?: readonly DeviceRate[];
  /** Operations a second. */
  readonly deviceReadIops?: readonly DeviceRate[];
  readonly deviceWriteIops?: readonly DeviceRate[];
  /** Which device nodes may be used besides those that the container is given. */
  readonly deviceRules?: readonly DeviceCgroupRule[];
};

/** `path` is that of a block device of the host. */
export type DeviceWeight = { readonly path: string; readonly weight: number };
export type DeviceRate = { readonly path: string; readonly rate: number };

export type DeviceCgroupRule = {
  readonly type: 'a' | 'b' | 'c';
  /** -1: any. */
  readonly major: number;
  readonly minor: number;
  /** Letters of "rwm". */
  readonly access: string;
};
