/**
 * Device rules with the meaning that the v1 devices controller gives them
 * (Documentation/admin-guide/cgroup-v1/devices.rst), so that one configuration means the same on v1 and v2. Pure.
 */
import { OnggiError } from '../../errors.ts';
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
 * Plays the rules in their order as the controller does: a rule for all devices sets the behaviour and forgets the
 * exceptions; one that goes with the behaviour takes its letters from the exception of exactly this device; one that
 * goes against it adds them.
 *
 * @throws OnggiError `invalid`
 */
export function devicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  let allow = false;
  const exceptions = new Map<string, DeviceException>();
  for (const rule of rules) {
    if (isForAll(rule)) {
      allow = rule.allow;
      exceptions.clear();
      continue;
    }
    for (const exception of expand(rule)) {
      const key = `${exception.type} ${exception.major} ${exception.minor}`;
      const before = exceptions.get(key)?.access ?? 0;
      const access = rule.allow === allow ? before & ~exception.access : before | exception.access;
      if (access === 0) exceptions.delete(key);
      else exceptions.set(key, { ...exception, access });
    }
  }
  return { allow, exceptions: [...exceptions.values()] };
}

/** The rules as lines for devices.allow and devices.deny, in order. */
export function legacyDeviceLines(rules: readonly DeviceRule[]): { readonly allow: boolean; readonly line: string }[] {
  const lines = rules.flatMap((rule) => {
    if (isForAll(rule)) return [{ allow: rule.allow, line: 'a *:* rwm' }];
    return expand(rule).map((exception) => ({ allow: rule.allow, line: exceptionText(exception) }));
  });
  // What comes before the last rule for all devices is forgotten anyway.
  return lines.slice(lines.findLastIndex(({ line }) => line.startsWith('a')));
}

/** "c 1:3 rwm", "b *:* m". */
export function exceptionText(exception: DeviceException): string {
  const letters = (['r', 'w', 'm'] as const).filter((letter) => (exception.access & accessBits[letter]) !== 0).join('');
  return `${exception.type} ${exception.major ?? '*'}:${exception.minor ?? '*'} ${letters}`;
}

function isForAll(rule: DeviceRule): boolean {
  const anyType = rule.type === undefined || rule.type === '' || rule.type === 'a';
  const all = accessOf(rule) === (accessBits.r | accessBits.w | accessBits.m);
  return anyType && number(rule.major) === null && number(rule.minor) === null && all;
}

/** A rule for both types of devices is one for each. */
function expand(rule: DeviceRule): DeviceException[] {
  const { type = 'a' } = rule;
  const access = accessOf(rule);
  const [major, minor] = [number(rule.major), number(rule.minor)];
  const exception = (of: DeviceType): DeviceException => ({ type: of, major, minor, access });
  if (type === 'a' || type === '') return [exception('c'), exception('b')];
  if (type === 'c' || type === 'u') return [exception('c')];
  if (type === 'b') return [exception('b')];
  throw new OnggiError('invalid', `device rule: no such type "${type}"`);
}

function accessOf(rule: DeviceRule): number {
  const { access = '' } = rule;
  let bits = 0;
  for (const letter of access === '' ? 'rwm' : access) {
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
