/**
 * Names and properties of the transient unit (a scope) in which systemd keeps a container (systemd.scope(5),
 * systemd.resource-control(5), org.freedesktop.systemd1(5)). Pure.
 *
 * Every name that comes from config.json is checked against systemd's own alphabet before it is sent: a property or a
 * unit is chosen here, never by text that a caller supplies.
 */
import { OnggiError, unsupported } from '../../errors.ts';
import type { DbusVariant } from '../../kernel/dbus-message.ts';
import type { DeviceRule, Resources } from '../../oci/runtime-spec.ts';
import { deviceRules } from './compile.ts';
import { parseList } from './cpuset.ts';
import { devicePolicy, exceptionText } from './device-rules.ts';
import { swapInForce } from './memory.ts';
import type { Warn } from './setting.ts';
import { ioWeight, weightOfShares } from './v2.ts';

export type ScopeName = {
  /** "system.slice", "kubepods-besteffort.slice". */
  readonly slice: string;
  /** "PREFIX-NAME.scope". */
  readonly unit: string;
};

export type UnitProperty = readonly [name: string, value: DbusVariant];

/** systemd.unit(5): "valid characters"; a backslash begins an escape, which nobody needs here. */
const plainName = /^[A-Za-z0-9:_.@-]+$/;
const longestUnitName = 255;

/**
 * @param cgroupsPath "slice:prefix:name" of config.json; undefined or "" for the usual one
 * @param user the unit is the user's, not the machine's
 * @throws OnggiError `invalid`
 */
export function scopeName(cgroupsPath: string | undefined, id: string, user: boolean): ScopeName {
  const usual = user ? 'user.slice' : 'system.slice';
  const parts = cgroupsPath ? cgroupsPath.split(':') : ['', 'onggi', id];
  const [slice = '', prefix = '', name = ''] = parts;
  if (parts.length !== 3 || name === '') {
    throw new OnggiError('invalid', `cgroupsPath: "${cgroupsPath}" is not of the form "slice:prefix:name"`, {
      hint: 'systemd makes the cgroups here; for a plain path leave --systemd-cgroup out.',
    });
  }
  if (name.endsWith('.slice')) throw new OnggiError('invalid', `cgroupsPath: a container can't be the slice "${name}"`);
  const unit = `${prefix === '' ? '' : `${prefix}-`}${name}.scope`;
  if (!plainName.test(unit) || unit.length > longestUnitName) {
    throw new OnggiError('invalid', `cgroupsPath: "${unit}" is not the name of a unit`);
  }
  const chosen = slice === '' ? usual : slice;
  slicePath(chosen);
  return { slice: chosen, unit };
}

/** "/a.slice/a-b.slice" of "a-b.slice" (systemd.slice(5)); "" of "-.slice", the root. @throws OnggiError `invalid` */
export function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  const parts = slice.replace(/\.slice$/, '').split('-');
  if (!slice.endsWith('.slice') || !plainName.test(slice) || slice.length > longestUnitName || parts.includes('')) {
    throw new OnggiError('invalid', `cgroupsPath: "${slice}" is not the name of a slice`);
  }
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}

export function bool(value: boolean): DbusVariant {
  return { signature: 'b', value };
}
export function text(value: string): DbusVariant {
  return { signature: 's', value };
}
function number(value: number | bigint): DbusVariant {
  return { signature: 't', value: BigInt(value) };
}

/** What systemd takes for "no limit". */
const infinity = 2n ** 64n - 1n;

function limit(value: number): DbusVariant {
  return number(value < 0 ? infinity : value);
}

/** Those of the scope itself. Delegated: systemd keeps its hands off what is below it. */
export function scopeProperties({ slice }: ScopeName, id: string, pid: number, systemdVersion: number): UnitProperty[] {
  return [
    ['Description', text(`onggi container ${id}`)],
    ['Slice', text(slice)],
    ['Delegate', bool(true)],
    ['PIDs', { signature: 'au', value: [pid] }],
    ...(['MemoryAccounting', 'CPUAccounting', 'IOAccounting', 'TasksAccounting'] as const).map(
      (name): UnitProperty => [name, bool(true)],
    ),
    ['DefaultDependencies', bool(false)],
    // An OOM kill makes it "failed", and a failed unit would stay.
    ['CollectMode', text('inactive-or-failed')],
    // One process that the kernel has killed is the container's own affair.
    ...(systemdVersion >= 253 ? ([['OOMPolicy', text('continue')]] as const) : []),
  ];
}

/** Those of a scope around processes that come and go. */
export function passingProperties(description: string, pids: readonly number[]): UnitProperty[] {
  return [
    ['Description', text(description)],
    ['PIDs', { signature: 'au', value: [...pids] }],
    ['DefaultDependencies', bool(false)],
    ['CollectMode', text('inactive-or-failed')],
  ];
}

/** Annotations "org.systemd.property.NAME" that are understood, with the types of their values. */
const settable: Readonly<Record<string, 't' | 'i' | 's' | 'b'>> = {
  TimeoutStopUSec: 't',
  KillSignal: 'i',
  CollectMode: 's',
  SendSIGHUP: 'b',
};
const annotationPrefix = 'org.systemd.property.';

/**
 * Values are in the text form of GVariant ("uint64 5", "'inactive'", "true"), as runc takes them.
 * @throws OnggiError `unsupported` for any other property, `invalid` for a value of the wrong type
 */
export function annotatedProperties(annotations: Readonly<Record<string, string>>): UnitProperty[] {
  return Object.entries(annotations).flatMap(([key, value]): UnitProperty[] => {
    if (!key.startsWith(annotationPrefix)) return [];
    const name = key.slice(annotationPrefix.length);
    const signature = Object.hasOwn(settable, name) ? settable[name] : undefined;
    if (signature === undefined) throw unsupported(`the annotation "${key}"`);
    return [[name, { signature, value: annotationValue(key, value.trim(), signature) }]];
  });
}

function annotationValue(
  key: string,
  value: string,
  signature: 't' | 'i' | 's' | 'b',
): bigint | number | string | boolean {
  const whole = /^(?:(?:uint64|int32) )?(\d{1,18})$/.exec(value)?.[1];
  const quoted = /^(['"])([\w -]*)\1$/.exec(value)?.[2];
  if (signature === 't' && whole !== undefined) return BigInt(whole);
  if (signature === 'i' && whole !== undefined && Number(whole) <= 64) return Number(whole);
  if (signature === 's' && quoted !== undefined) return quoted;
  if (signature === 'b' && (value === 'true' || value === 'false')) return value === 'true';
  throw new OnggiError('invalid', `annotation "${key}": "${value}" is not a value of this property`);
}

/**
 * Limits, so that systemd puts no others into force when it writes those of its units again (`daemon-reload`). What it
 * has no property for stays in the files.
 *
 * @param unified the limits are in v2 files
 */
export function limitProperties(
  { memory = {}, cpu = {}, pids, blockIO = {} }: Resources,
  unified: boolean,
  systemdVersion: number,
): UnitProperty[] {
  const properties: UnitProperty[] = [];
  const add = (name: string, value: number | undefined, convert: (value: number) => DbusVariant = limit): void => {
    if (value !== undefined && value !== 0) properties.push([name, convert(value)]);
  };
  add(unified ? 'MemoryMax' : 'MemoryLimit', memory.limit);
  if (unified) {
    add('MemoryLow', memory.reservation);
    const swap = swapInForce(memory);
    if (swap !== undefined) properties.push(['MemorySwapMax', limit(swap < 0 ? -1 : swap - (memory.limit ?? 0))]);
    // Idle is a weight that systemd knows since 252; who was idle and has no shares has none to be told but that.
    if (cpu.idle === 1) properties.push(...(systemdVersion >= 252 ? ([['CPUWeight', number(0)]] as const) : []));
    else if (cpu.idle === 0 && !cpu.shares) properties.push(['CPUWeight', number(infinity)]);
    else add('CPUWeight', cpu.shares, (shares) => number(weightOfShares(shares)));
    add('IOWeight', blockIO.weight, (weight) => number(ioWeight(weight)));
  } else {
    add('CPUShares', cpu.shares);
    add('BlockIOWeight', blockIO.weight);
  }
  properties.push(...quota(cpu.quota, cpu.period));
  add('TasksMax', pids?.limit);
  if (cpu.cpus) properties.push(['AllowedCPUs', bitMap(cpu.cpus)]);
  if (cpu.mems) properties.push(['AllowedMemoryNodes', bitMap(cpu.mems)]);
  return properties;
}

/** systemd keeps whole percents of a second: rounded up, for the file is to hold the exact value below it. */
function quota(quota: number | undefined, period: number | undefined): UnitProperty[] {
  if (!quota && !period) return [];
  const length = period || 100_000;
  const perSecond = quota && quota > 0 ? Math.ceil((quota * 1_000_000) / length / 10_000) * 10_000 : -1;
  return [
    ...(period ? ([['CPUQuotaPeriodUSec', number(period)]] as const) : []),
    ['CPUQuotaPerSecUSec', limit(perSecond)],
  ];
}

/** Bit n of the bytes is CPU or node n. */
function bitMap(list: string): DbusVariant {
  const numbers = parseList(list) ?? [];
  const bytes = new Uint8Array(Math.floor((numbers.at(-1) ?? 0) / 8) + 1);
  for (const item of numbers) bytes[item >> 3] = (bytes[item >> 3] ?? 0) | (1 << (item & 7));
  return { signature: 'ay', value: bytes };
}

/**
 * Device rules for v1, where systemd writes those of its units into the same files. On v2 it would attach a program of
 * its own beside ours, to the same effect, so it is not told.
 *
 * @param groups names of the drivers by "c MAJOR" and "b MAJOR" (/proc/devices)
 */
export function deviceProperties(
  rules: readonly DeviceRule[],
  groups: ReadonlyMap<string, string>,
  warn: Warn,
): UnitProperty[] {
  const { allow, exceptions } = devicePolicy(deviceRules(rules));
  if (allow) {
    if (exceptions.length > 0) warn('systemd has no device rules that deny: a reload of it would allow all devices');
    return [['DevicePolicy', text('auto')]];
  }
  const entries = exceptions.flatMap(({ access, ...exception }) => {
    const { type, major, minor } = exception;
    const kind = type === 'c' ? 'char' : 'block';
    const letters = exceptionText({ access, ...exception }).split(' ')[2] ?? '';
    if (major !== null && minor !== null) return [[`/dev/${kind}/${major}:${minor}`, letters]];
    if (major === null && minor === null) return [[`${kind}-*`, letters]];
    const group = minor === null ? groups.get(`${type} ${major}`) : undefined;
    if (group !== undefined) return [[`${kind}-${group}`, letters]];
    warn(`systemd can't be told of the device rule "${exceptionText({ access, ...exception })}"`);
    return [];
  });
  return [
    ['DevicePolicy', text('strict')],
    ['DeviceAllow', { signature: 'a(ss)', value: entries }],
  ];
}

/** @param text content of /proc/devices */
export function parseDeviceGroups(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  let type = 'c';
  for (const line of text.split('\n')) {
    if (line.startsWith('Block')) type = 'b';
    const [, major, name] = /^\s*(\d+) (\S+)$/.exec(line) ?? [];
    if (major !== undefined && name !== undefined && !groups.has(`${type} ${major}`))
      groups.set(`${type} ${major}`, name);
  }
  return groups;
}
