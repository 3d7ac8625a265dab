/**
 * Seccomp profiles of config.json to classic BPF. Pure.
 *
 * The number of a system call is looked up by binary search over ranges of numbers with the same outcome, not by a
 * chain of comparisons, so a call costs about eight instructions wherever its number lies. Outcomes that depend on no
 * argument use nothing but the number and the architecture; the kernel finds those out when the filter is attached
 * and runs the filter no more for allowed ones (kernel/seccomp.c, seccomp_cache_prepare).
 */
import type { Seccomp, SeccompArgument, SeccompSyscall } from '../../oci/runtime-spec.ts';
import { type Abi, abisOf, auditX86, x32Bit } from './abi.ts';
import { actionNumber, enosys, errnoAction, isAllowing, isStricter, killProcess } from './action.ts';
import type { SeccompArchitecture } from './architecture.ts';
import { dataOffsets, load, makeProgram, opcodes, type Program, result } from './bpf.ts';
import { compileConditions } from './condition.ts';
import { multiplexedCalls } from './multiplexer.ts';

/** The first rule whose conditions hold decides, else the default action does. */
type Rule = { readonly args: readonly SeccompArgument[]; readonly action: number };

/** What becomes of a system call: one action, or rules on its arguments. */
type Outcome = number | { readonly rules: Rule[]; readonly wide: boolean };

/** From `start` up to the next range. */
type Range = { readonly start: number; readonly outcome: Outcome };

/** ARM's private calls (0xf0001 on) say nothing about how new the other ones are. */
const armPrivate = 0xf_0000;

/** The instructions of a profile. @throws OnggiError `invalid` or `unsupported` */
export function compileFilter(seccomp: Seccomp, machine: SeccompArchitecture): Uint8Array<ArrayBuffer> {
  const fallback = actionNumber(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const program = makeProgram();
  // A call of another architecture is an attempt to get around the filter.
  program.put(result(killProcess));
  // Written from the end, so that the machine's own architecture is tested first.
  const byAudit = Map.groupBy(abisOf(seccomp.architectures ?? [], machine), (abi) => abi.audit);
  for (const [audit, abis] of [...byAudit].reverse()) {
    const since = program.length();
    const ranges = rangesOf(seccomp, abis, fallback);
    putSearch(program, ranges, 0, ranges.length, fallback);
    program.put(load(dataOffsets.number));
    program.putSkip(opcodes.jumpEqual, audit, false, since);
  }
  program.put(load(dataOffsets.architecture));
  return program.bytes();
}

/** Ranges of all ABIs that share an AUDIT_ARCH, over the whole 32 bits. */
function rangesOf(seccomp: Seccomp, abis: readonly Abi[], fallback: number): Range[] {
  const ranges: Range[] = [];
  const add = (start: number, outcome: Outcome): void => {
    if (ranges.at(-1)?.outcome !== outcome) ranges.push({ start, outcome });
  };
  for (const abi of abis.toSorted((a, b) => a.base - b.base)) addAbi(seccomp, abi, fallback, add);
  if (abis.every((abi) => abi.audit === auditX86 && abi.base !== x32Bit)) {
    add(x32Bit, killProcess);
    // The number by which a tracer says "skip this call" (ptrace(2)) belongs to no architecture.
    add(0xffff_ffff, fallback);
  }
  return ranges;
}

function addAbi(seccomp: Seccomp, abi: Abi, fallback: number, add: (start: number, outcome: Outcome) => void): void {
  const outcomes = outcomesOf(seccomp, abi, fallback);
  // A typed array sorts by number without calling back.
  const numbers = Uint32Array.from(outcomes.keys()).sort();
  const newest = numbers.findLast((number) => number < armPrivate) ?? Number.POSITIVE_INFINITY;
  // A call that is newer than the profile is answered as by an older kernel, so that programs fall back to what they
  // did before it (runc, libcontainer/seccomp/patchbpf).
  const unknown = isAllowing(seccomp.defaultAction) ? fallback : errnoAction(enosys);
  let next = 0;
  for (const number of numbers) {
    if (next < number) add(abi.base + next, next > newest ? unknown : fallback);
    add(abi.base + number, outcomes.get(number) ?? fallback);
    next = number + 1;
  }
  add(abi.base + next, next > newest ? unknown : fallback);
}

/** By number. A rule that says the same as the default is no rule, as in runc and libseccomp. */
function outcomesOf(seccomp: Seccomp, abi: Abi, fallback: number): Map<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  const numbers = abi.numbers();
  const hidden = hiddenCalls(seccomp, numbers);
  const add = (number: number, rules: readonly Rule[], action: number): void => {
    const before = outcomes.get(number) ?? fallback;
    if (action === fallback || (typeof before === 'number' && before !== fallback)) outcomes.set(number, before);
    else outcomes.set(number, joinOutcome(before, rules, action, abi.wide));
  };
  for (const syscall of seccomp.syscalls ?? []) {
    const action = actionNumber(syscall.action, syscall.errnoRet);
    const rules = alternatives(syscall).map((args): Rule => ({ args, action }));
    const unconditional = rules.some((rule) => rule.args.length === 0);
    for (const name of syscall.names) {
      // A call that this architecture does not have, or that nobody has heard of, needs no rule.
      const number = numbers.get(name);
      if (number !== undefined) add(number, rules, action);
      const through = hidden?.get(name);
      // Arguments behind a pointer can't be looked at: what only some of them allow is not allowed this way at all.
      if (through === undefined || !(unconditional || isStricter(action, fallback))) continue;
      add(numbers.get(through.name) ?? 0, [{ args: [through.condition], action }], action);
    }
  }
  return outcomes;
}

function joinOutcome(before: Outcome, rules: readonly Rule[], action: number, wide: boolean): Outcome {
  const earlier = typeof before === 'number' ? [] : before.rules;
  const always = rules.some((rule) => rule.args.length === 0);
  if (always && earlier.every((rule) => rule.action === action)) return action;
  return { rules: [...earlier, ...rules], wide };
}

/**
 * Calls that have a second way on this ABI. A profile that has rules of its own for socketcall or ipc has said what it
 * thinks of that way.
 */
function hiddenCalls(
  seccomp: Seccomp,
  numbers: ReadonlyMap<string, number>,
): ReturnType<typeof multiplexedCalls> | null {
  if (!numbers.has('socketcall')) return null;
  const named = new Set(seccomp.syscalls?.flatMap(({ names }) => names));
  return new Map([...multiplexedCalls()].filter(([, { name }]) => !named.has(name)));
}

/** All conditions must hold; but several on one argument are alternatives to each other (runc issue 2735). */
function alternatives(syscall: SeccompSyscall): (readonly SeccompArgument[])[] {
  const args = syscall.args ?? [];
  const repeated = new Set(args.map((argument) => argument.index)).size < args.length;
  return repeated ? args.map((argument) => [argument]) : [args];
}

/** Balanced search: the start of the middle range splits `ranges[from..to)` into those below and the others. */
function putSearch(program: Program, ranges: readonly Range[], from: number, to: number, fallback: number): void {
  const middle = (from + to) >> 1;
  const split = ranges[middle];
  if (split === undefined) return;
  if (to - from === 1) {
    putOutcome(program, split.outcome, fallback);
    return;
  }
  putSearch(program, ranges, middle, to, fallback);
  const since = program.length();
  putSearch(program, ranges, from, middle, fallback);
  program.putSkip(opcodes.jumpGreaterOrEqual, split.start, true, since);
}

function putOutcome(program: Program, outcome: Outcome, fallback: number): void {
  if (typeof outcome === 'number') {
    program.put(result(outcome));
    return;
  }
  program.put(result(fallback));
  for (const { args, action } of outcome.rules.toReversed()) {
    program.put(result(action));
    for (const instruction of compileConditions(args, outcome.wide, 1).toReversed()) program.put(instruction);
  }
}
