import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeProfile, noArguments, runFilter } from '../../../test/harness/filter-machine.ts';
import { compileSeccomp } from '../../../test/harness/seccomp-step.ts';
import { OnggiError } from '../../errors.ts';
import type { Seccomp, SeccompArgument, SeccompOperator } from '../../oci/runtime-spec.ts';
import { allCapabilities, defaultCapabilities } from '../capability.ts';
import { type Abi, abiOf } from './abi.ts';
import { enosys, errnoAction, killProcess } from './action.ts';
import { architectureNames, type SeccompArchitecture } from './architecture.ts';
import { defaultSeccomp, kernelVersion } from './profile.ts';

const allow = 0x7fff_0000;
const eperm = errnoAction(1);
const ofNothing = [...noArguments];
const agent = { state: (metadata: string | undefined) => `state of ${metadata}` };

function programOf(seccomp: Seccomp, machine: SeccompArchitecture = 'x86_64'): Uint8Array {
  const [step] = compileSeccomp(seccomp, machine, agent);
  assert.ok(step?.op === 'seccomp');
  return step.program;
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
      const profile = defaultSeccomp(capabilities, machine, [6, 1]);
      const program = programOf(profile, machine);
      assert.ok(program.length / 8 < 4096);
      for (const abi of architectureNames[machine].map(abiOf)) {
        const names = new Map([...abi.numbers()].map(([name, number]) => [number, name]));
        const numbers = [...Array(600).keys(), ...Array.from({ length: 16 }, (_, index) => 0xefff8 + index)];
        for (const number of numbers) {
          const name = names.get(number);
          for (const args of samples) {
            const found = runFilter(program, abi.audit, (number | abi.base) >>> 0, args);
            const expected = judgeProfile(profile, abi, name, number, args);
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
  const program = programOf(defaultSeccomp(defaultCapabilities, 'x86_64', [6, 1]));
  for (const abi of architectureNames.x86_64.map(abiOf)) {
    for (const name of `io_uring_setup io_uring_enter keyctl add_key request_key userfaultfd unshare setns mount umount2
      open_by_handle_at bpf perf_event_open kexec_load init_module finit_module reboot swapon pivot_root move_mount fsopen
      fsmount open_tree mount_setattr quotactl nfsservctl acct`.split(/\s+/)) {
      const number = abi.numbers().get(name);
      if (number !== undefined) assert.equal(runFilter(program, abi.audit, number + abi.base), eperm, name);
    }
    // AF_ALG (CVE-2026-31431) and AF_VSOCK
    for (const family of [38n, 40n]) {
      assert.equal(runFilter(program, abi.audit, numberOf(abi, 'socket'), [family]), eperm);
    }
    assert.equal(runFilter(program, abi.audit, numberOf(abi, 'socket'), [2n]), allow);
    // A new user namespace
    assert.equal(runFilter(program, abi.audit, numberOf(abi, 'clone'), [0x1000_0011n]), eperm);
    assert.equal(runFilter(program, abi.audit, numberOf(abi, 'clone3')), errnoAction(enosys));
  }
  assert.equal(runFilter(program, i386.audit, numberOf(i386, 'socketcall'), [1n]), eperm);
  assert.equal(runFilter(program, i386.audit, numberOf(i386, 'socketcall'), [3n]), allow);
});

test('calls that are newer than the profile do not exist, and other architectures end the process', () => {
  const program = programOf(defaultSeccomp([], 'x86_64', [6, 1]));
  for (const number of [467, 500, 0x3fff_ffff, 0x7fff_ffff, 0xffff_ffff]) {
    assert.equal(runFilter(program, x86.audit, number), errnoAction(enosys), String(number));
  }
  assert.equal(runFilter(program, 0xc000_00b7, 0), killProcess);
  assert.equal(runFilter(program, 0, 0), killProcess);
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
  assert.equal(runFilter(program, x86.audit, 0x4000_0001), killProcess);
  assert.equal(runFilter(program, x86.audit, 0xffff_ffff), eperm);
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
            runFilter(program, abi.audit, number, args),
            judgeProfile(profile, abi, 'write', number, args),
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
  assert.equal(runFilter(all, x86.audit, write, [1n, 6n]), allow);
  assert.equal(runFilter(all, x86.audit, write, [1n, 5n]), eperm);
  assert.equal(runFilter(all, x86.audit, write, [0n, 6n]), eperm);
  const any = programOf(
    only([
      { index: 0, op: 'SCMP_CMP_EQ', value: 1 },
      { index: 0, op: 'SCMP_CMP_EQ', value: 9 },
    ]),
  );
  assert.deepEqual(
    [1n, 9n, 2n].map((value) => runFilter(any, x86.audit, write, [value])),
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
  assert.equal(runFilter(program, x86.audit, numberOf(x86, 'write'), [3n]), errnoAction(13));
  assert.equal(runFilter(program, x86.audit, numberOf(x86, 'write'), [4n]), allow);
  assert.equal(runFilter(program, x86.audit, numberOf(x86, 'read')), eperm);
});

test('an allowing default keeps new calls allowed', () => {
  const program = programOf({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['write'], action: 'SCMP_ACT_KILL_PROCESS' }],
  });
  assert.equal(runFilter(program, x86.audit, 999), allow);
  assert.equal(runFilter(program, x86.audit, numberOf(x86, 'write')), killProcess);
});

test('a filter of far more than 255 instructions a part still jumps right', () => {
  const names = [...x86.numbers().keys()];
  const syscalls = names.map((name, index) => ({ names: [name], action: 'SCMP_ACT_ERRNO', errnoRet: 2 + (index % 9) }));
  const profile = only([], { syscalls });
  const program = programOf(profile);
  for (const [name, number] of x86.numbers()) {
    assert.equal(runFilter(program, x86.audit, number), errnoAction(2 + (names.indexOf(name) % 9)));
  }
});

test('a filter with an agent', () => {
  const profile = only([], {
    syscalls: [{ names: ['mkdir', 'chdir'], action: 'SCMP_ACT_NOTIFY' }],
    listenerPath: '/run/agent',
    listenerMetadata: 'its own',
    flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 'SECCOMP_FILTER_FLAG_LOG'],
  });
  const [step] = compileSeccomp(profile, 'x86_64', agent);
  assert.ok(step?.op === 'seccomp');
  assert.deepEqual(step.listener, { path: '/run/agent', state: 'state of its own' });
  // TSYNC, LOG, NEW_LISTENER, TSYNC_ESRCH, WAIT_KILLABLE_RECV
  assert.equal(step.flags, 1 | 2 | 8 | 16 | 32);
  assert.equal(runFilter(step.program, x86.audit, numberOf(x86, 'mkdir')), 0x7fc0_0000);
  // A path that nobody needs is no reason to listen.
  const [quiet] = compileSeccomp(only([], { listenerPath: '/run/agent' }), 'x86_64', agent);
  assert.ok(quiet?.op === 'seccomp' && quiet.listener === null && quiet.flags === 0);
});

test('the numbers of all actions', () => {
  const number = (action: string, errnoRet?: number): number => {
    const rule = { names: ['write'], action, ...(errnoRet !== undefined && { errnoRet }) };
    return runFilter(programOf(only([], { syscalls: [rule] })), x86.audit, numberOf(x86, 'write'));
  };
  assert.deepEqual(
    [number('SCMP_ACT_KILL'), number('SCMP_ACT_KILL_THREAD'), number('SCMP_ACT_KILL_PROCESS')],
    [0, 0, 0x8000_0000],
  );
  assert.deepEqual([number('SCMP_ACT_TRAP'), number('SCMP_ACT_LOG')], [0x3_0000, 0x7ffc_0000]);
  assert.deepEqual([number('SCMP_ACT_ERRNO', 4095), number('SCMP_ACT_ERRNO')], [0x5_0fff, 0x5_0001]);
  assert.deepEqual([number('SCMP_ACT_TRACE', 0xffff), number('SCMP_ACT_TRACE')], [0x7ff0_ffff, 0x7ff0_0001]);
});

test("the machine's own calls are filtered even if the profile forgets them; what it can't run is no matter", () => {
  const program = programOf(only([], { architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_MIPSEL64N32', 'SCMP_ARCH_ARM'] }));
  assert.equal(runFilter(program, x86.audit, numberOf(x86, 'write')), allow);
  assert.equal(runFilter(program, i386.audit, numberOf(i386, 'write')), allow);
  assert.equal(runFilter(program, abiOf('SCMP_ARCH_ARM').audit, 4), killProcess);
});

test('names that nobody has heard of are no rules', () => {
  const names = ['not_a_call', 'toString', '__proto__', 'write'];
  const program = programOf(only([], { syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] }));
  assert.deepEqual(program, programOf(only([])));
});

test('socketcall and ipc do what the calls in them may', () => {
  const socketcall = numberOf(i386, 'socketcall');
  const verdicts = (more: Partial<Seccomp>): number[] => {
    const program = programOf(only([], more));
    return [1n, 2n, 3n, 21n].map((call) => runFilter(program, i386.audit, socketcall, [call]));
  };
  const rule = (names: string[], action: string, args?: readonly SeccompArgument[]) => ({
    names,
    action,
    ...(args !== undefined && { args }),
  });
  const inet: SeccompArgument = { index: 0, op: 'SCMP_CMP_EQ', value: 2 };
  assert.deepEqual(verdicts({ syscalls: [rule(['bind', 'connect'], 'SCMP_ACT_ALLOW')] }), [eperm, allow, allow, eperm]);
  // The family can't be seen there: neither does a rule for some of them allow the others, nor is it gone around.
  assert.deepEqual(verdicts({ syscalls: [rule(['socket'], 'SCMP_ACT_ALLOW', [inet])] }), [eperm, eperm, eperm, eperm]);
  const denying = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule(['socket'], 'SCMP_ACT_ERRNO', [inet])] };
  const open = programOf({ ...denying, architectures: ['SCMP_ARCH_X86'] });
  assert.deepEqual(
    [1n, 2n].map((call) => runFilter(open, i386.audit, socketcall, [call])),
    [eperm, allow],
  );
  // Who names it has decided.
  const named = [rule(['socketcall'], 'SCMP_ACT_ALLOW'), rule(['bind'], 'SCMP_ACT_KILL_PROCESS')];
  assert.deepEqual(verdicts({ syscalls: named }), [allow, allow, allow, allow]);
  const ipc = programOf(only([], { syscalls: [rule(['shmat'], 'SCMP_ACT_ALLOW')] }));
  const number = numberOf(i386, 'ipc');
  // The upper half is a version.
  assert.deepEqual(
    [21n, 0x1_0015n, 22n].map((call) => runFilter(ipc, i386.audit, number, [call])),
    [allow, allow, eperm],
  );
});

test('ptrace and its like are for kernels that filter after them', () => {
  const old = programOf(defaultSeccomp([], 'x86_64', [4, 7]));
  const present = programOf(defaultSeccomp([], 'x86_64', kernelVersion('4.8.0-1-amd64')));
  for (const name of ['ptrace', 'process_vm_readv', 'process_vm_writev']) {
    assert.equal(runFilter(old, x86.audit, numberOf(x86, name)), eperm, name);
    assert.equal(runFilter(present, x86.audit, numberOf(x86, name)), allow, name);
  }
  const tracer = programOf(defaultSeccomp(['CAP_SYS_PTRACE'], 'x86_64', [4, 7]));
  assert.equal(runFilter(tracer, x86.audit, numberOf(x86, 'ptrace')), allow);
  assert.deepEqual(
    [kernelVersion('6.18.5+'), kernelVersion('nonsense')],
    [
      [6, 18],
      [0, 0],
    ],
  );
});

const refused: [string, Seccomp, string][] = [
  ['an unknown action', only([], { defaultAction: 'SCMP_ACT_MAYBE' }), 'invalid'],
  ['an action by a name of Object', only([], { defaultAction: 'toString' }), 'invalid'],
  ['notify without a listener', only([], { defaultAction: 'SCMP_ACT_NOTIFY' }), 'invalid'],
  ['a relative listener', only([], { defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: 'run/x' }), 'invalid'],
  ['metadata for nobody', only([], { listenerMetadata: 'x' }), 'invalid'],
  ['waiting for nobody', only([], { flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }), 'invalid'],
  ['an error of an action that has none', only([], { defaultAction: 'SCMP_ACT_KILL', defaultErrnoRet: 1 }), 'invalid'],
  ['an unknown architecture', only([], { architectures: ['SCMP_ARCH_Z80'] }), 'invalid'],
  ['an unknown flag', only([], { flags: ['SECCOMP_FILTER_FLAG_NONE'] }), 'unsupported'],
  ['a seventh argument', only([{ index: 6, op: 'SCMP_CMP_EQ', value: 1 }]), 'invalid'],
  ['an unknown operator', only([{ index: 0, op: 'SCMP_CMP_XX' as SeccompOperator, value: 1 }]), 'invalid'],
  ['an errno out of range', only([], { defaultErrnoRet: 5000 }), 'invalid'],
  ['a negative errno', only([], { defaultErrnoRet: -1 }), 'invalid'],
  ['a trace message of 17 bits', only([], { defaultAction: 'SCMP_ACT_TRACE', defaultErrnoRet: 0x1_0000 }), 'invalid'],
];
for (const [what, seccomp, code] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => compileSeccomp(seccomp, 'x86_64', agent),
      (error) => error instanceof OnggiError && error.code === code,
    );
  });
}
