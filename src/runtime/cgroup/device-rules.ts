/**
 * Device rules with the meaning that the v1 devices controller gives them
 * (Documentation/admin-guide/cgroup-v1/devices.rst), so that one configuration means the same on v1 and v2. Pure.
 */
import { OnggiError, unsupported } from '../../errors.ts';
import type { DeviceRule } from '../../oci/runtime-spec.ts';

export type DeviceType = 'c' | 'b';

/** Bits of struct bpf_cgroup_dev_ctx (<linux/bpf.h>, BPF_DEVCG_ACC_*). */
export const accessBits = { m: 1, r: 2, w: 4 } as const;

export type DeviceException = {
  readonly type: DeviceType;
  /** null: any. */
  readonly major: number | null;
  readonly minor: number | null;
  /** `accessBits`. */
  readonly access: number;
};

/** What happens to devices that no exception names, and the exceptions, which are to the contrary. */
export type DevicePolicy = { readonly allow: boolean; readonly exceptions: readonly DeviceException[] };

/**
 * Plays the rules in their order: a rule for all devices sets the behaviour and forgets the exceptions; one that goes
 * against the behaviour adds its letters to the exception of exactly this device; one that goes with it takes them from
 * every exception that it covers. One that would cut a hole into a wider exception is refused, as by runc: the v1
 * controller has no such holes and would not tell.
 *
 * @throws OnggiError `invalid`, `unsupported`
 */
export function devicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  let allow = false;
  const exceptions = new Map<string, DeviceException>();
  for (const rule of rules) {
    const types = typesOf(rule);
    const major = number(rule.major);
    const minor = number(rule.minor);
    const access = accessOf(rule);
    if (types === bothTypes && major === null && minor === null && access === everyAccess) {
      allow = rule.allow;
      exceptions.clear();
      continue;
    }
    for (const type of types) {
      const exception = { type, major, minor, access };
      if (rule.allow === allow) takeAway(exceptions, exception, allow);
      else add(exceptions, exception);
    }
  }
  return { allow, exceptions: [...exceptions.values()] };
}

function add(exceptions: Map<string, DeviceException>, exception: DeviceException): void {
  const { type, major, minor, access } = exception;
  const key = `${type} ${major} ${minor}`;
  const before = exceptions.get(key);
  exceptions.set(key, before === undefined ? exception : { type, major, minor, access: before.access | access });
}

function takeAway(exceptions: Map<string, DeviceException>, taken: DeviceException, allow: boolean): void {
  for (const [key, exception] of exceptions) {
    if ((exception.access & taken.access) === 0 || !meets(exception, taken)) continue;
    if (!covers(taken, exception)) {
      const [rule, wider] = [exceptionText(taken), exceptionText(exception)];
      throw unsupported(
        `the device rule "${allow ? 'allow' : 'deny'} ${rule}" after the wider "${allow ? 'deny' : 'allow'} ${wider}"`,
        'Name the devices of the wider rule one by one.',
      );
    }
    const access = exception.access & ~taken.access;
    if (access === 0) exceptions.delete(key);
    else exceptions.set(key, { ...exception, access });
  }
}

/** Some device is named by both. */
function meets(a: DeviceException, b: DeviceException): boolean {
  const meet = (x: number | null, y: number | null): boolean => x === null || y === null || x === y;
  return a.type === b.type && meet(a.major, b.major) && meet(a.minor, b.minor);
}

/** Every device of the other is named by it. */
function covers(wide: DeviceException, narrow: DeviceException): boolean {
  const cover = (x: number | null, y: number | null): boolean => x === null || x === y;
  return wide.type === narrow.type && cover(wide.major, narrow.major) && cover(wide.minor, narrow.minor);
}

/** The policy as lines for devices.allow and devices.deny, in order. */
export function legacyDeviceLines({ allow, exceptions }: DevicePolicy): {
  readonly allow: boolean;
  readonly line: string;
}[] {
  return [
    { allow, line: 'a *:* rwm' },
    ...exceptions.map((exception) => ({ allow: !allow, line: exceptionText(exception) })),
  ];
}

/** "c 1:3 rwm", "b *:* m". */
export function exceptionText(exception: DeviceException): string {
  const letters = (['r', 'w', 'm'] as const).filter((letter) => (exception.access & accessBits[letter]) !== 0).join('');
  return `${exception.type} ${exception.major ?? '*'}:${exception.minor ?? '*'} ${letters}`;
}

const everyAccess = accessBits.r | accessBits.w | accessBits.m;

const bothTypes: readonly DeviceType[] = ['c', 'b'];
const characterDevice: readonly DeviceType[] = ['c'];
const blockDevice: readonly DeviceType[] = ['b'];

/** A rule for both types of devices is one for each. */
function typesOf({ type = 'a' }: DeviceRule): readonly DeviceType[] {
  if (type === 'a' || type === '') return bothTypes;
  if (type === 'c' || type === 'u') return characterDevice;
  if (type === 'b') return blockDevice;
  throw new OnggiError('invalid', `device rule: no such type "${type}"`);
}

function accessOf(rule: DeviceRule): number {
  const { access = '' } = rule;
  if (access === '' || access === 'rwm') return everyAccess;
  let bits = 0;
  for (const letter of access) {
    if (letter !== 'r' && letter !== 'w' && letter !== 'm') {
      throw new OnggiError('invalid', `device rule: no such access "${letter}" in "${access}"`);
    }
    bits |= accessBits[letter];
  }
  return bits;
}

function number(value: number | undefined): number | null {
  if (value === undefined || value === -1) return null;
  if (!Number.isInteger(value) || value < 0 || value > 0x7fff_ffff) {
    throw new OnggiError('invalid', `device rule: the number "${value}" is out of range`);
  }
  return value;
}
