import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import type { Seccomp, SeccompArgument, SeccompOperator } from '../../oci/runtime-spec.ts';
import { allCapabilities, defaultCapabilities } from '../capability.ts';
import { enosys, errnoAction, killProcess } from './action.ts';
import { type Abi, abiOf, architectureNames, type SeccompArchitecture } from './architecture.ts';
import { compileSeccomp } from './compile.ts';
import { defaultSeccomp } from './profile.ts';

const allow = 0x7fff_0000;
const eperm = errnoAction(1);
const ofNothing = [0n, 0n, 0n, 0n, 0n, 0n];

function programOf(seccomp: Seccomp, machine: SeccompArchitecture = 'x86_64'): Uint8Array {
  const [step] = compileSeccomp(seccomp, machine);
  assert.ok(step?.op === 'seccomp');
  return step.program;
}

/** What the kernel does with a filter (kernel/seccomp.c): classic BPF over one struct seccomp_data. */
function run(program: Uint8Array, audit: number, number: number, args: readonly bigint[] = ofNothing): number {
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

/** The meaning of a profile, written as plainly as can be: the judge of the compiler. */
function judge(seccomp: Seccomp, abi: Abi, name: string | undefined, number: number, args: readonly bigint[]): number {
  const actionOf = (action: string, errno: number): number =>
    action === 'SCMP_ACT_ALLOW' ? allow : action === 'SCMP_ACT_ERRNO' ? errnoAction(errno) : assert.fail(action);
  const fallback = actionOf(seccomp.defaultAction, seccomp.defaultErrnoRet ?? 1);
  const mask = abi.wide ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn;
  const holds = ({ index, op, value, valueTwo = 0 }: SeccompArgument): boolean => {
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
  };
  for (const rule of seccomp.syscalls ?? []) {
    if (name === undefined || !rule.names.includes(name)) continue;
    const action = actionOf(rule.action, rule.errnoRet ?? 1);
    if (action !== fallback && (rule.args ?? []).every(holds)) return action;
  }
  const named = new Set(seccomp.syscalls?.flatMap((rule) => rule.names));
  const newest = [...abi.numbers()].filter(([key, value]) => named.has(key) && value < 0xf0000);
  return number > Math.max(...newest.map(([, value]) => value)) && !named.has(name ?? '')
    ? errnoAction(enosys)
    : fallback;
}

const samples: readonly bigint[][] = [
  ofNothing,
  ...[1n, 2n, 8n, 11n, 12n, 16n, 17n, 38n, 39n, 40n, 45n, 46n].map((value) => [value, 0n, 0n, 0n, 0n, 0n]),
  [0x2000_0000n, 0n, 0n, 0n, 0n, 0n],
  [0x1000_0000n | 17n, 0n, 0n, 0n, 0n, 0n],
  [0x0100_0000n | 17n, 0n, 0n, 0n, 0n, 0n],
  [0xffff_ffffn, 0n, 0n, 0n, 0n, 0n],
  [0xffff_ffff_ffff_ffffn, 0n, 0n, 0n, 0n, 0n],
  [1n << 32n, 0n, 0n, 0n, 0n, 0n],
];

for (const machine of ['x86_64', 'aarch64'] as const) {
  for (const [what, capabilities] of [
    ['default capabilities', defaultCapabilities],
    ['no capability', []],
    ['all capabilities', allCapabilities],
  ] as const) {
    test(`${machine}, ${what}: every number of every ABI, as the profile says`, () => {
      const profile = defaultSeccomp(capabilities, machine);
      const program = programOf(profile, machine);
      assert.ok(program.length / 8 < 4096);
      for (const abi of architectureNames[machine].map(abiOf)) {
        const names = new Map([...abi.numbers()].map(([name, number]) => [number, name]));
        const numbers = [...Array(600).keys(), ...Array.from({ length: 16 }, (_, index) => 0xefff8 + index)];
        for (const number of numbers) {
          const name = names.get(number);
          for (const args of samples) {
            const found = run(program, abi.audit, (number | abi.base) >>> 0, args);
            const expected = judge(profile, abi, name, number, args);
            assert.equal(found, expected, `${abi.audit.toString(16)} ${number} ${name} (${args.join()})`);
          }
        }
      }
    });
  }
}

const x86 = abiOf('SCMP_ARCH_X86_64');
const i386 = abiOf('SCMP_ARCH_X86');
const numberOf = (abi: Abi, name: string): number => (abi.numbers().get(name) ?? assert.fail(name)) + abi.base;

test('what must never be allowed by default is not, on no ABI', () => {
  const program = programOf(defaultSeccomp(defaultCapabilities, 'x86_64'));
  for (const abi of architectureNames.x86_64.map(abiOf)) {
    for (const name of `io_uring_setup io_uring_enter keyctl add_key request_key userfaultfd unshare setns mount umount2
      open_by_handle_at bpf perf_event_open kexec_load init_module finit_module reboot swapon pivot_root move_mount fsopen
      fsmount open_tree mount_setattr quotactl nfsservctl acct`.split(/\s+/)) {
      const number = abi.numbers().get(name);
      if (number !== undefined) assert.equal(run(program, abi.audit, number + abi.base), eperm, name);
    }
    // AF_ALG (CVE-2026-31431) and AF_VSOCK
    for (const family of [38n, 40n]) {
      assert.equal(run(program, abi.audit, numberOf(abi, 'socket'), [family]), eperm);
    }
    assert.equal(run(program, abi.audit, numberOf(abi, 'socket'), [2n]), allow);
    // A new user namespace
    assert.equal(run(program, abi.audit, numberOf(abi, 'clone'), [0x1000_0011n]), eperm);
    assert.equal(run(program, abi.audit, numberOf(abi, 'clone3')), errnoAction(enosys));
  }
  assert.equal(run(program, i386.audit, numberOf(i386, 'socketcall'), [1n]), eperm);
  assert.equal(run(program, i386.audit, numberOf(i386, 'socketcall'), [3n]), allow);
});

test('calls that are newer than the profile do not exist, and other architectures end the process', () => {
  const program = programOf(defaultSeccomp([], 'x86_64'));
  for (const number of [467, 500, 0x3fff_ffff, 0x7fff_ffff, 0xffff_ffff]) {
    assert.equal(run(program, x86.audit, number), errnoAction(enosys), String(number));
  }
  assert.equal(run(program, 0xc000_00b7, 0), killProcess);
  assert.equal(run(program, 0, 0), killProcess);
});

const only = (args: readonly SeccompArgument[], more: Partial<Seccomp> = {}): Seccomp => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  syscalls: [{ names: ['write'], action: 'SCMP_ACT_ALLOW', args }],
  ...more,
});

test('without x32 in the profile its numbers end the process, "skip this call" is denied', () => {
  const program = programOf(only([]));
  assert.equal(run(program, x86.audit, 0x4000_0001), killProcess);
  assert.equal(run(program, x86.audit, 0xffff_ffff), eperm);
});

const edges = [0n, 1n, 0x7fff_ffffn, 0xffff_fffen, 0xffff_ffffn, 1n << 32n, (1n << 32n) + 1n, 0x1234_5678_9abc_def0n];
edges.push(0xffff_ffff_0000_0000n, 0xffff_ffff_ffff_fffen, 0xffff_ffff_ffff_ffffn);
for (const op of ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE', 'MASKED_EQ'] as const) {
  test(`operator ${op} on all 64 bits, and on 32 for 32-bit calls`, () => {
    for (const value of edges) {
      const argument: SeccompArgument = {
        index: 3,
        op: `SCMP_CMP_${op}`,
        value,
        valueTwo: value & 0xff00_00ff_0000_00f0n,
      };
      const profile = only([argument]);
      const program = programOf(profile);
      for (const abi of [x86, i386]) {
        for (const given of [...edges, value & 0xff00_00ff_0000_00f0n]) {
          const args = [7n, 7n, 7n, given, 7n, 7n];
          const number = numberOf(abi, 'write');
          assert.equal(
            run(program, abi.audit, number, args),
            judge(profile, abi, 'write', number, args),
            `${value} ${given}`,
          );
        }
      }
    }
  });
}

test('conditions on different arguments must all hold, those on one are alternatives', () => {
  const all = programOf(
    only([
      { index: 0, op: 'SCMP_CMP_EQ', value: 1 },
      { index: 1, op: 'SCMP_CMP_GT', value: 5 },
    ]),
  );
  const write = numberOf(x86, 'write');
  assert.equal(run(all, x86.audit, write, [1n, 6n]), allow);
  assert.equal(run(all, x86.audit, write, [1n, 5n]), eperm);
  assert.equal(run(all, x86.audit, write, [0n, 6n]), eperm);
  const any = programOf(
    only([
      { index: 0, op: 'SCMP_CMP_EQ', value: 1 },
      { index: 0, op: 'SCMP_CMP_EQ', value: 9 },
    ]),
  );
  assert.deepEqual(
    [1n, 9n, 2n].map((value) => run(any, x86.audit, write, [value])),
    [allow, allow, eperm],
  );
});

test('the first rule that holds wins; a rule that says the default is none', () => {
  const program = programOf(
    only([], {
      syscalls: [
        { names: ['write', 'read'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
        { names: ['write'], action: 'SCMP_ACT_ERRNO', errnoRet: 13, args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 3 }] },
        { names: ['write'], action: 'SCMP_ACT_ALLOW' },
        { names: ['write'], action: 'SCMP_ACT_KILL_PROCESS' },
      ],
    }),
  );
  assert.equal(run(program, x86.audit, numberOf(x86, 'write'), [3n]), errnoAction(13));
  assert.equal(run(program, x86.audit, numberOf(x86, 'write'), [4n]), allow);
  assert.equal(run(program, x86.audit, numberOf(x86, 'read')), eperm);
});

test('an allowing default keeps new calls allowed', () => {
  const program = programOf(
    only([], {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['write'], action: 'SCMP_ACT_KILL_PROCESS' }],
    }),
  );
  assert.equal(run(program, x86.audit, 999), allow);
  assert.equal(run(program, x86.audit, numberOf(x86, 'write')), killProcess);
});

test('a filter of far more than 255 instructions a part still jumps right', () => {
  const names = [...x86.numbers().keys()];
  const syscalls = names.map((name, index) => ({ names: [name], action: 'SCMP_ACT_ERRNO', errnoRet: 2 + (index % 9) }));
  const profile = only([], { syscalls });
  const program = programOf(profile);
  for (const [name, number] of x86.numbers()) {
    assert.equal(run(program, x86.audit, number), errnoAction(2 + (names.indexOf(name) % 9)));
  }
});

const refused: [string, Seccomp, string][] = [
  ['an unknown action', only([], { defaultAction: 'SCMP_ACT_MAYBE' }), 'invalid'],
  ['an action by a name of Object', only([], { defaultAction: 'toString' }), 'invalid'],
  ['notify', only([], { defaultAction: 'SCMP_ACT_NOTIFY' }), 'unsupported'],
  ['a listener', only([], { listenerPath: '/run/x' }), 'unsupported'],
  ['an unknown architecture', only([], { architectures: ['SCMP_ARCH_Z80'] }), 'unsupported'],
  ['an unknown flag', only([], { flags: ['SECCOMP_FILTER_FLAG_NONE'] }), 'unsupported'],
  ['a seventh argument', only([{ index: 6, op: 'SCMP_CMP_EQ', value: 1 }]), 'invalid'],
  ['an unknown operator', only([{ index: 0, op: 'SCMP_CMP_XX' as SeccompOperator, value: 1 }]), 'invalid'],
  ['an errno out of range', only([], { defaultErrnoRet: 5000 }), 'invalid'],
];
for (const [what, seccomp, code] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => compileSeccomp(seccomp, 'x86_64'),
      (error) => error instanceof OnggiError && error.code === code,
    );
  });
}
