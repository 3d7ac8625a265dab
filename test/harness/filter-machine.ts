/**
 * Judges of seccomp filters: what the kernel does with a program (kernel/seccomp.c), and what a profile means, written
 * as plainly as can be. Pure.
 */
import assert from 'node:assert/strict';
import type { Seccomp, SeccompArgument, SeccompOperator, SeccompSyscall } from '../../src/oci/runtime-spec.ts';
import type { Abi } from '../../src/runtime/seccomp/abi.ts';
import { actionNumber, enosys, errnoAction, isAllowing, isStricter } from '../../src/runtime/seccomp/action.ts';
import { multiplexedCalls } from '../../src/runtime/seccomp/multiplexer.ts';

export const noArguments: readonly bigint[] = [0n, 0n, 0n, 0n, 0n, 0n];

/** Classic BPF over one struct seccomp_data: all opcodes that libseccomp and this compiler write. */
export function runFilter(program: Uint8Array, audit: number, number: number, args = noArguments): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, audit, true);
  for (const [index, value] of args.entries()) data.setBigUint64(16 + index * 8, BigInt.asUintN(64, value), true);
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  let at = 0;
  while (at * 8 < program.length) {
    const [jt, jf, k] = [code.getUint8(at * 8 + 2), code.getUint8(at * 8 + 3), code.getUint32(at * 8 + 4, true)];
    const branch = (taken: boolean): number => at + 1 + (taken ? jt : jf);
    switch (code.getUint16(at * 8, true)) {
      case 0x20:
        accumulator = data.getUint32(k, true);
        at++;
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        at++;
        break;
      case 0x05:
        at += 1 + k;
        break;
      case 0x15:
        at = branch(accumulator === k);
        break;
      case 0x25:
        at = branch(accumulator > k);
        break;
      case 0x35:
        at = branch(accumulator >= k);
        break;
      case 0x06:
        return k;
      default:
        assert.fail(`unknown opcode at ${at}`);
    }
  }
  assert.fail('ran past the end');
}

function holds(abi: Abi, args: readonly bigint[], { index, op, value, valueTwo = 0 }: SeccompArgument): boolean {
  const mask = abi.wide ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn;
  const [given, wanted, two] = [(args[index] ?? 0n) & mask, BigInt(value) & mask, BigInt(valueTwo) & mask];
  const operators: Record<SeccompOperator, boolean> = {
    SCMP_CMP_EQ: given === wanted,
    SCMP_CMP_NE: given !== wanted,
    SCMP_CMP_LT: given < wanted,
    SCMP_CMP_LE: given <= wanted,
    SCMP_CMP_GT: given > wanted,
    SCMP_CMP_GE: given >= wanted,
    SCMP_CMP_MASKED_EQ: (given & wanted) === two,
  };
  return operators[op];
}

/** Several conditions on one argument are alternatives, those on different ones must all hold. */
function ruleHolds(rule: SeccompSyscall, abi: Abi, args: readonly bigint[]): boolean {
  const conditions = rule.args ?? [];
  const repeated = new Set(conditions.map(({ index }) => index)).size < conditions.length;
  const test = (condition: SeccompArgument): boolean => holds(abi, args, condition);
  return repeated ? conditions.some(test) : conditions.every(test);
}

/** What the profile wants done with the call `number` (`name`, if it has one) of an ABI. */
export function judgeProfile(
  profile: Seccomp,
  abi: Abi,
  name: string | undefined,
  number: number,
  args: readonly bigint[],
): number {
  const fallback = actionNumber(profile.defaultAction, profile.defaultErrnoRet);
  const named = new Set(profile.syscalls?.flatMap((rule) => rule.names));
  const hidden = [...multiplexedCalls()].filter(([, call]) => !named.has(call.name));
  /** Calls in which those of a rule hide, where it counts there. */
  const waysOf = (rule: SeccompSyscall) => {
    const counts = (rule.args ?? []).length === 0 || isStricter(actionNumber(rule.action, rule.errnoRet), fallback);
    return counts ? hidden.filter(([call]) => rule.names.includes(call)).map(([, way]) => way) : [];
  };
  for (const rule of profile.syscalls ?? []) {
    const action = actionNumber(rule.action, rule.errnoRet);
    if (action === fallback) continue;
    if (name !== undefined && rule.names.includes(name) && ruleHolds(rule, abi, args)) return action;
    if (waysOf(rule).some((way) => way.name === name && holds(abi, args, way.condition))) return action;
  }
  if (isAllowing(profile.defaultAction)) return fallback;
  const known = new Set([...named, ...(profile.syscalls?.flatMap(waysOf).map((way) => way.name) ?? [])]);
  const numbers = [...known].flatMap((call) => abi.numbers().get(call) ?? []).filter((value) => value < 0xf0000);
  const isNew = numbers.length > 0 && number > Math.max(...numbers) && !known.has(name ?? '');
  return isNew ? errnoAction(enosys) : fallback;
}
