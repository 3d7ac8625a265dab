/** The field "linux.resources" of config.json (config-linux.md, "Control groups"), and all of "update --resources". */
import { counts, path, unsigned32, word } from './runtime-schema-words.ts';
import type { BlockIo, Cpu, DeviceRule, Memory, Resources, Throttle } from './runtime-spec.ts';
import { boolean, type Check, integer, list, mismatch, object, oneOf, record, rounded, text } from './schema.ts';

const signed64 = rounded(-(2n ** 63n), 2n ** 63n - 1n);
const unsigned64 = rounded(0n, 2n ** 64n - 1n);
const number = integer(0, 0xffff_ffff);

/** Of read, write and mknod; none are all (runc). */
const letters: Check<string> = (value, at) =>
  typeof value === 'string' && /^[rwm]{0,16}$/.test(value)
    ? value
    : mismatch(at, value, 'made of the letters r, w and m');

const rule: Check<DeviceRule> = object<DeviceRule>(
  { allow: boolean },
  {
    type: oneOf('a', 'c', 'b', 'u', 'p', ''),
    major: integer(-1, 0xfff),
    minor: integer(-1, 0xf_ffff),
    access: letters,
  },
);

const memory: Check<Memory> = object<Memory>(
  {},
  {
    limit: signed64,
    reservation: signed64,
    swap: signed64,
    kernel: signed64,
    kernelTCP: signed64,
    swappiness: unsigned64,
    disableOOMKiller: boolean,
    useHierarchy: boolean,
    checkBeforeUpdate: boolean,
  },
);

const cpu: Check<Cpu> = object<Cpu>(
  {},
  {
    shares: unsigned64,
    quota: signed64,
    burst: unsigned64,
    period: unsigned64,
    realtimeRuntime: signed64,
    realtimePeriod: unsigned64,
    cpus: text(65_536),
    mems: text(65_536),
    idle: signed64,
  },
);

const weight = integer(0, 0xffff);
const throttle: Check<Throttle> = object<Throttle>({ major: number, minor: number, rate: unsigned64 }, {});
const throttles = list(throttle, counts.devices);

const blockIO: Check<BlockIo> = object<BlockIo>(
  {},
  {
    weight,
    leafWeight: weight,
    weightDevice: list(
      object<NonNullable<BlockIo['weightDevice']>[number]>(
        { major: number, minor: number },
        { weight, leafWeight: weight },
      ),
      counts.devices,
    ),
    throttleReadBpsDevice: throttles,
    throttleWriteBpsDevice: throttles,
    throttleReadIOPSDevice: throttles,
    throttleWriteIOPSDevice: throttles,
  },
);

const network = object<NonNullable<Resources['network']>>(
  {},
  {
    classID: unsigned32,
    priorities: list(object<{ name: string; priority: number }>({ name: word, priority: unsigned32 }, {}), 1000),
  },
);

const rdma = object<NonNullable<Resources['rdma']>[string]>({}, { hcaHandles: unsigned32, hcaObjects: unsigned32 });

export const resources: Check<Resources> = object<Resources>(
  {},
  {
    devices: list(rule, counts.devices),
    memory,
    cpu,
    pids: object<NonNullable<Resources['pids']>>({ limit: signed64 }, {}),
    blockIO,
    hugepageLimits: list(
      object<NonNullable<Resources['hugepageLimits']>[number]>({ pageSize: word, limit: unsigned64 }, {}),
      100,
    ),
    network,
    rdma: record(word, rdma, 1000),
    unified: record(path, text(65_536), 1000),
  },
);
