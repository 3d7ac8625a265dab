/** Seccomp profiles by chance, and calls that lie at the edges of their conditions. Pure but for the seed. */
import type { Seccomp, SeccompArgument, SeccompSyscall } from '../../src/oci/runtime-spec.ts';
import type { Abi } from '../../src/runtime/seccomp/abi.ts';

/** Numbers from 0 up to `limit`, the same ones for the same seed (mulberry32). */
export type Random = (limit: number) => number;

export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const pick = <T>(random: Random, list: readonly T[]): T => {
  const found = list[random(list.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
};

const values = [0n, 1n, 2n, 255n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n, (1n << 32n) + 1n];
values.push(0xffff_ffff_0000_0000n, 0xffff_ffff_ffff_ffffn, 0x1234_5678_9abc_def0n, 1n << 63n);
const operators = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const;
const withErrno = ['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE'];
const actions = ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP', 'SCMP_ACT_LOG', 'SCMP_ACT_ALLOW'];

export type ProfileWish = {
  readonly names: readonly string[];
  readonly architectures: readonly string[];
  /** At most one rule for each call: the order of rules means nothing then. */
  readonly single: boolean;
};

export function randomProfile(random: Random, { names, architectures, single }: ProfileWish): Seccomp {
  const action = (): { action: string; errnoRet?: number } =>
    random(2) === 0
      ? { action: pick(random, actions) }
      : { action: pick(random, withErrno), ...(random(3) > 0 && { errnoRet: random(200) }) };
  const argument = (index: number): SeccompArgument => {
    const op = pick(random, operators);
    const value = pick(random, values);
    return {
      index,
      op: `SCMP_CMP_${op}`,
      value,
      ...(op === 'MASKED_EQ' && { valueTwo: pick(random, values) & value }),
    };
  };
  const used = new Set<string>();
  const rule = (): SeccompSyscall => {
    const list = Array.from({ length: 1 + random(4) }, () => pick(random, names));
    const free = single ? [...new Set(list)].filter((name) => !used.has(name)) : list;
    for (const name of free) used.add(name);
    const first = random(3);
    // Conditions on arguments one after the other, sometimes two on one.
    const indexes = [...Array(random(4)).keys()].map((at) => (single || random(4) > 0 ? first + at : first));
    return { names: free, ...action(), ...(indexes.length > 0 && { args: indexes.map(argument) }) };
  };
  const { action: defaultAction, errnoRet } = action();
  return {
    defaultAction,
    ...(errnoRet !== undefined && { defaultErrnoRet: errnoRet }),
    architectures,
    syscalls: Array.from({ length: 1 + random(30) }, rule).filter((made) => made.names.length > 0),
  };
}

export type Call = {
  readonly abi: Abi;
  readonly name: string | undefined;
  readonly number: number;
  readonly args: bigint[];
};

/** Calls of these ABIs, half of them of names that the profile has, with arguments at the edges of its conditions. */
export function randomCalls(random: Random, profile: Seccomp, abis: readonly Abi[], count: number): Call[] {
  const conditions = profile.syscalls?.flatMap((rule) => rule.args ?? []) ?? [];
  const edges = [...values, ...conditions.flatMap(({ value, valueTwo = 0n }) => [BigInt(value), BigInt(valueTwo)])];
  const named = profile.syscalls?.flatMap((rule) => rule.names) ?? [];
  return Array.from({ length: count }, () => {
    const abi = pick(random, abis);
    const numbers = [...abi.numbers()];
    const wanted = numbers.filter(([name]) => named.includes(name));
    const [name, number] = random(2) === 0 && wanted.length > 0 ? pick(random, wanted) : pick(random, numbers);
    const near = (value: bigint): bigint => BigInt.asUintN(64, value + BigInt(random(3)) - 1n);
    const args = Array.from({ length: 6 }, () => near(pick(random, edges)));
    if (random(8) > 0) return { abi, name, number, args };
    const stranger = random(0x4000_0000);
    return { abi, name: numbers.find(([, at]) => at === stranger)?.[0], number: stranger, args };
  });
}
