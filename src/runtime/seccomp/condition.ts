/** Conditions on 64-bit arguments as classic BPF, which compares 32 bits at a time. Pure. */
import { OnggiError } from '../../errors.ts';
import type { SeccompArgument } from '../../oci/runtime-spec.ts';
import { and, dataOffsets, type Instruction, load, opcodes } from './bpf.ts';

/** A jump out of a condition: to what follows the rule, or on to the rule's next condition. */
type Target = 'fail' | 'pass' | 'next';

/** An instruction whose jumps are not placed yet. */
type Test = Instruction | { readonly code: number; readonly k: number; readonly yes: Target; readonly no: Target };

type Words = { readonly high: number; readonly low: number };

/**
 * Instructions that fall through when all conditions hold and jump `after` instructions past their own end when one
 * does not.
 *
 * @param wide compare all 64 bits; else the lower 32, as a 32-bit call has no others
 * @throws OnggiError `invalid`
 */
export function compileConditions(args: readonly SeccompArgument[], wide: boolean, after: number): Instruction[] {
  const parts = args.map((argument) => compileCondition(argument, wide));
  const total = parts.reduce((length, part) => length + part.length, 0);
  let position = 0;
  return parts.flatMap((part) => {
    const end = position + part.length;
    return part.map((test) => {
      const from = ++position;
      if (!('yes' in test)) return test;
      const distance = (target: Target): number =>
        target === 'next' ? 0 : target === 'pass' ? end - from : total + after - from;
      return { code: test.code, k: test.k, jt: distance(test.yes), jf: distance(test.no) };
    });
  });
}

function compileCondition(argument: SeccompArgument, wide: boolean): Test[] {
  const { index, op } = argument;
  if (!Number.isInteger(index) || index < 0 || index > 5) {
    throw new OnggiError('invalid', `seccomp: system calls have no argument ${index}`);
  }
  const value = words(argument.value);
  const high = load(dataOffsets.high(index));
  const low = load(dataOffsets.low(index));
  const when = (code: number, k: number, yes: Target, no: Target): Test => ({ code, k, yes, no });
  switch (op) {
    case 'SCMP_CMP_EQ':
      return [
        ...(wide ? [high, when(opcodes.jumpEqual, value.high, 'next', 'fail')] : []),
        low,
        when(opcodes.jumpEqual, value.low, 'pass', 'fail'),
      ];
    case 'SCMP_CMP_NE':
      return [
        ...(wide ? [high, when(opcodes.jumpEqual, value.high, 'next', 'pass')] : []),
        low,
        when(opcodes.jumpEqual, value.low, 'fail', 'pass'),
      ];
    case 'SCMP_CMP_MASKED_EQ': {
      const expected = words(argument.valueTwo ?? 0);
      return [
        ...(wide ? [high, and(value.high), when(opcodes.jumpEqual, expected.high, 'next', 'fail')] : []),
        low,
        and(value.low),
        when(opcodes.jumpEqual, expected.low, 'pass', 'fail'),
      ];
    }
    case 'SCMP_CMP_GT':
    case 'SCMP_CMP_GE':
    case 'SCMP_CMP_LT':
    case 'SCMP_CMP_LE':
      return compileOrder(op, value, high, low, wide);
    default:
      throw new OnggiError('invalid', `seccomp: no such operator "${String(op)}"`);
  }
}

/** The upper words decide unless they are equal. LT is the opposite of GE, LE that of GT. */
function compileOrder(
  op: 'SCMP_CMP_GT' | 'SCMP_CMP_GE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE',
  value: Words,
  high: Instruction,
  low: Instruction,
  wide: boolean,
): Test[] {
  const greater = op === 'SCMP_CMP_GT' || op === 'SCMP_CMP_GE';
  const [yes, no]: [Target, Target] = greater ? ['pass', 'fail'] : ['fail', 'pass'];
  const orEqual = op === 'SCMP_CMP_GE' || op === 'SCMP_CMP_LT';
  const test = orEqual ? opcodes.jumpGreaterOrEqual : opcodes.jumpGreater;
  return [
    ...(wide
      ? [
          high,
          { code: opcodes.jumpGreater, k: value.high, yes, no: 'next' as const },
          { code: opcodes.jumpEqual, k: value.high, yes: 'next' as const, no },
        ]
      : []),
    low,
    { code: test, k: value.low, yes, no },
  ];
}

function words(value: number | bigint): Words {
  if (typeof value === 'number' && value >= 0 && value <= 0xffff_ffff) return { high: 0, low: value };
  const wide = BigInt.asUintN(64, BigInt(value));
  return { high: Number(wide >> 32n), low: Number(wide & 0xffff_ffffn) };
}
