/**
 * Types of config.json of the OCI runtime specification 1.2 (config.md, config-linux.md), in its own field names.
 * Only types: nothing here is checked. A config that comes from outside passes runtime-schema.ts first.
 */

export const ociVersion = '1.2.0';

export type Spec = {
  readonly ociVersion: string;
  readonly process?: Process;
  readonly root?: { readonly path: string; readonly readonly?: boolean };
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts?: readonly Mount[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: Linux;
};

export type Process = {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: User;
  readonly args?: readonly string[];
  /** "NAME=value". */
  readonly env?: readonly string[];
  readonly cwd: string;
  readonly capabilities?: Capabilities;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly oomScoreAdj?: number;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  readonly scheduler?: Scheduler;
  readonly ioPriority?: { readonly class: string; readonly priority: number };
  readonly execCPUAffinity?: { readonly initial?: string; readonly final?: string };
};

export type User = {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
  /**
   * A user in the grammar of `docker run -u` (name|uid[:group|gid]), looked up in the container's own files. The
   * specification keeps this field for other platforms; here it wins over `uid` and `gid`. Only the engine sets it:
   * what other programs write there is passed over (runtime-schema.ts).
   */
  readonly username?: string;
};

export type Capabilities = {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted?: readonly string[];
  readonly ambient?: readonly string[];
};

export type Rlimit = {
  /** "RLIMIT_NOFILE". */
  readonly type: string;
  /** Unsigned 64-bit; 2^64-1 is unlimited. As bigint where the value is beyond 2^53. */
  readonly soft: number | bigint;
  readonly hard: number | bigint;
};

export type Scheduler = {
  readonly policy: string;
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly string[];
  /** Nanoseconds, for SCHED_DEADLINE. */
  readonly runtime?: number | bigint;
  readonly deadline?: number | bigint;
  readonly period?: number | bigint;
};

export type Mount = {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  readonly uidMappings?: readonly IdMap[];
  readonly gidMappings?: readonly IdMap[];
};

export type Hook = {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
};

export type Hooks = {
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
};

export type IdMap = { readonly containerID: number; readonly hostID: number; readonly size: number };

export type NamespaceName = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

export type Linux = {
  readonly namespaces?: readonly { readonly type: NamespaceName; readonly path?: string }[];
  readonly uidMappings?: readonly IdMap[];
  readonly gidMappings?: readonly IdMap[];
  readonly timeOffsets?: Readonly<
    Partial<Record<'monotonic' | 'boottime', { readonly secs?: number; readonly nanosecs?: number }>>
  >;
  readonly devices?: readonly Device[];
  readonly cgroupsPath?: string;
  readonly resources?: Resources;
  readonly rootfsPropagation?: string;
  readonly seccomp?: Seccomp;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  readonly personality?: { readonly domain: string; readonly flags?: readonly string[] };
  readonly intelRdt?: IntelRdt;
  readonly memoryPolicy?: MemoryPolicy;
  /** By their names on the machine. */
  readonly netDevices?: Readonly<Record<string, { readonly name?: string }>>;
};

/** Resource Director Technology, in the words of Documentation/filesystems/resctrl.rst. */
/** Since 1.3. */
export type MemoryPolicy = { readonly mode: string; readonly nodes?: string; readonly flags?: readonly string[] };

export type IntelRdt = {
  /** Name of the class of service, a directory of resctrl; the container's id when absent. */
  readonly closID?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  /** Lines for the file "schemata", over those of the two above (since 1.3). */
  readonly schemata?: readonly string[];
  /** A monitoring group of the container's own. */
  readonly enableMonitoring?: boolean;
  /** The two that `enableMonitoring` replaced. */
  readonly enableCMT?: boolean;
  readonly enableMBM?: boolean;
};

export type Device = {
  readonly path: string;
  /** "c", "u" (as "c"), "b" or "p". */
  readonly type: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
};

export type DeviceRule = {
  readonly allow: boolean;
  /** "a" (all), "c" or "b"; all when absent. */
  readonly type?: string;
  /** Absent or -1: any. */
  readonly major?: number;
  readonly minor?: number;
  /** Letters of "rwm"; all when absent. */
  readonly access?: string;
};

export type Resources = {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: Memory;
  readonly cpu?: Cpu;
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIo;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly network?: {
    readonly classID?: number;
    readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
  };
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>;
  /** Files of the unified hierarchy, written as they are. */
  readonly unified?: Readonly<Record<string, string>>;
};

/** Bytes; -1 is unlimited. */
export type Memory = {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory plus swap. */
  readonly swap?: number;
  readonly kernel?: number;
  readonly kernelTCP?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
  readonly useHierarchy?: boolean;
  readonly checkBeforeUpdate?: boolean;
};

/** Times in microseconds. */
export type Cpu = {
  readonly shares?: number;
  readonly quota?: number;
  readonly burst?: number;
  readonly period?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  readonly cpus?: string;
  readonly mems?: string;
  readonly idle?: number;
};

export type BlockIo = {
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly {
    readonly major: number;
    readonly minor: number;
    readonly weight?: number;
    readonly leafWeight?: number;
  }[];
  readonly throttleReadBpsDevice?: readonly Throttle[];
  readonly throttleWriteBpsDevice?: readonly Throttle[];
  readonly throttleReadIOPSDevice?: readonly Throttle[];
  readonly throttleWriteIOPSDevice?: readonly Throttle[];
};

export type Throttle = { readonly major: number; readonly minor: number; readonly rate: number };

export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ';

export type SeccompArgument = {
  readonly index: number;
  /** Unsigned 64-bit. */
  readonly value: number | bigint;
  /** Only for SCMP_CMP_MASKED_EQ: `(argument & value) == valueTwo`. */
  readonly valueTwo?: number | bigint;
  readonly op: SeccompOperator;
};

export type SeccompSyscall = {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArgument[];
};

export type Seccomp = {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompSyscall[];
};
