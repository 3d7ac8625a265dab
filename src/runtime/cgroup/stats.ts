/**
 * What a container uses, as the document that `runc events --stats` prints (opencontainers/runc, types/events.go): the
 * same names, and like there a zero is left out where the type says so. Counts beyond 2^53 are bigints.
 */
import { readdirSync } from 'node:fs';
import { errnoOf, OnggiError } from '../../errors.ts';
import { type Cgroup, directoriesOf, isUnified } from './cgroup.ts';
import { readControlIfThere } from './control-file.ts';
import { cgroupExists } from './processes.ts';
import { legacyStats } from './stats-v1.ts';
import { unifiedStats } from './stats-v2.ts';

export type Count = number | bigint;

export type CgroupStats = {
  readonly cpu: {
    /** Nanoseconds. */
    readonly usage: {
      readonly total?: Count;
      readonly percpu?: readonly Count[];
      readonly percpu_kernel?: readonly Count[];
      readonly percpu_user?: readonly Count[];
      readonly kernel: Count;
      readonly user: Count;
    };
    readonly throttling: {
      readonly periods?: Count;
      readonly throttledPeriods?: Count;
      readonly throttledTime?: Count;
    };
    readonly psi?: Pressure;
  };
  readonly cpuset: Readonly<Record<string, Count | readonly number[]>>;
  readonly memory: {
    /** Bytes. */
    readonly cache?: Count;
    readonly usage: MemoryUsage;
    readonly swap: MemoryUsage;
    readonly kernel: MemoryUsage;
    readonly kernelTCP: MemoryUsage;
    readonly raw?: Readonly<Record<string, Count>>;
    readonly psi?: Pressure;
  };
  readonly pids: { readonly current?: Count; readonly limit?: Count };
  readonly blkio: BlockStats;
  readonly hugetlb: Readonly<Record<string, { readonly usage?: Count; readonly max?: Count; readonly failcnt: Count }>>;
  /** Nothing is told of resctrl. */
  readonly intel_rdt: Readonly<Record<string, never>>;
  /** Interfaces belong to the container's network, which is not the runtime's. */
  readonly network_interfaces: null;
};

export type MemoryUsage = {
  readonly limit: Count;
  readonly usage?: Count;
  readonly max?: Count;
  readonly failcnt: Count;
};

export type PressureLine = {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  /** Microseconds. */
  readonly total: Count;
};
export type Pressure = { readonly some: PressureLine; readonly full: PressureLine };

export type BlockEntry = {
  readonly major?: number;
  readonly minor?: number;
  readonly op?: string;
  readonly value?: Count;
};
export type BlockStats = Readonly<Partial<Record<BlockList, readonly BlockEntry[]>>> & { readonly psi?: Pressure };
export type BlockList =
  | 'ioServiceBytesRecursive'
  | 'ioServicedRecursive'
  | 'ioQueueRecursive'
  | 'ioServiceTimeRecursive'
  | 'ioWaitTimeRecursive'
  | 'ioMergedRecursive'
  | 'ioTimeRecursive'
  | 'sectorsRecursive';

/** Content of a control file; undefined where there is none. Everything below is computed from these. */
export type ReadControl = (controller: string, file: string) => string | undefined;

/** @throws OnggiError `not-found` when the container has no cgroup, `denied` */
export function readCgroupStats(cgroup: Cgroup): CgroupStats {
  if (!cgroupExists(cgroup)) {
    throw new OnggiError('not-found', `read the statistics of "${directoriesOf(cgroup)[0] ?? ''}": it is not there`);
  }
  const { unified, legacy } = cgroup;
  const sizes = hugePageSizes();
  if (isUnified(cgroup)) {
    return unifiedStats((_controller, file) => readControlIfThere(`${unified ?? ''}/${file}`), sizes);
  }
  return legacyStats((controller, file) => {
    const directory = legacy.find(({ controllers }) => controllers.includes(controller))?.directory;
    return directory === undefined ? undefined : readControlIfThere(`${directory}/${file}`);
  }, sizes);
}

/** "2MB", "1GB": as the kernel writes them in names of files (mm/hugetlb_cgroup.c, mem_fmt). */
function hugePageSizes(): string[] {
  let names: string[];
  try {
    names = readdirSync('/sys/kernel/mm/hugepages');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => {
    const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    if (!(kilobytes > 0)) return [];
    if (kilobytes >= 1 << 20) return [`${kilobytes >> 20}GB`];
    return [kilobytes >= 1 << 10 ? `${kilobytes >> 10}MB` : `${kilobytes}KB`];
  });
}
