/** The field "linux" of config.json (config-linux.md), without its resources. */
import { resources } from './runtime-schema-resources.ts';
import { counts, id, idMaps, path, unsigned32, unsigned64, word } from './runtime-schema-words.ts';
import type {
  Device,
  IntelRdt,
  Linux,
  MemoryPolicy,
  Seccomp,
  SeccompArgument,
  SeccompOperator,
  SeccompSyscall,
} from './runtime-spec.ts';
import { boolean, type Check, integer, list, object, oneOf, record, text } from './schema.ts';

export const seccompOperators = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const satisfies readonly SeccompOperator[];

const namespace = object<NonNullable<Linux['namespaces']>[number]>(
  { type: oneOf('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time') },
  { path },
);

const offset = object<{ readonly secs?: number; readonly nanosecs?: number }>(
  {},
  { secs: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), nanosecs: integer(0, 999_999_999) },
);

// Of dev_t the kernel has 12 bits for the major and 20 for the minor number.
const device: Check<Device> = object<Device>(
  { path, type: oneOf('c', 'b', 'u', 'p') },
  { major: integer(-1, 0xfff), minor: integer(-1, 0xf_ffff), fileMode: integer(0, 0xffff_ffff), uid: id, gid: id },
);

const argument: Check<SeccompArgument> = object<SeccompArgument>(
  {
    index: integer(0, 5),
    value: unsigned64,
    op: oneOf(...seccompOperators),
  },
  { valueTwo: unsigned64 },
);

const syscall: Check<SeccompSyscall> = object<SeccompSyscall>(
  { names: list(word, counts.syscalls), action: word },
  { errnoRet: unsigned32, args: list(argument, 100) },
);

export const seccomp: Check<Seccomp> = object<Seccomp>(
  { defaultAction: word },
  {
    defaultErrnoRet: unsigned32,
    architectures: list(word, 100),
    flags: list(word, 100),
    listenerPath: path,
    listenerMetadata: text(1 << 16),
    syscalls: list(syscall, counts.syscalls),
  },
);

const intelRdt: Check<IntelRdt> = object<IntelRdt>(
  {},
  {
    closID: word,
    l3CacheSchema: word,
    memBwSchema: word,
    schemata: list(word, 100),
    enableMonitoring: boolean,
    enableCMT: boolean,
    enableMBM: boolean,
  },
);

const paths = list(path, counts.paths);

export const linux: Check<Linux> = object<Linux>(
  {},
  {
    namespaces: list(namespace, 32),
    uidMappings: idMaps,
    gidMappings: idMaps,
    timeOffsets: object<NonNullable<Linux['timeOffsets']>>({}, { monotonic: offset, boottime: offset }),
    devices: list(device, counts.devices),
    cgroupsPath: path,
    resources,
    rootfsPropagation: word,
    seccomp,
    sysctl: record(word, text(4096), 1000),
    maskedPaths: paths,
    readonlyPaths: paths,
    mountLabel: word,
    personality: object<NonNullable<Linux['personality']>>({ domain: word }, { flags: list(word, 64) }),
    intelRdt,
    memoryPolicy: object<MemoryPolicy>({ mode: word }, { nodes: text(4096), flags: list(word, 16) }),
    netDevices: record(word, object<{ readonly name?: string }>({}, { name: word }), 100),
  },
);
