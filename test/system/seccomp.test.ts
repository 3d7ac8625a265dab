/**
 * The default filter on the real kernel, in the native and the 32-bit ABI of x86-64. Each call is made with arguments
 * that the kernel itself would answer otherwise than with EPERM, by a process with every capability, once without the
 * filter and once with it: so an EPERM is the filter's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Seccomp } from '../../src/oci/runtime-spec.ts';
import { defaultCapabilities } from '../../src/runtime/capability.ts';
import { abiOf } from '../../src/runtime/seccomp/abi.ts';
import { architectureOf } from '../../src/runtime/seccomp/architecture.ts';
import { defaultSeccomp } from '../../src/runtime/seccomp/profile.ts';
import { requires } from '../harness/requires.ts';
import { runSpec } from './spec-container.ts';

const machine = architectureOf(process.arch);
const isX86 = machine === 'x86_64';
const eperm = -1;
const enosys = -38;

const own = abiOf(isX86 ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64');
const i386 = abiOf('SCMP_ARCH_X86');

/** "name arguments" to "ABI:number:arguments". */
function call(abi: 'native' | 'i386', words: string): string {
  const [name = '', ...args] = words.split(' ');
  const number = /^\d/.test(name) ? Number(name) : (abi === 'native' ? own : i386).numbers().get(name);
  assert.ok(number !== undefined, `no call "${name}"`);
  return [abi, number, ...args].join(':');
}

/** Results by call, of one process that makes them all. */
async function results(calls: readonly string[], seccomp: Seccomp | undefined): Promise<Map<string, number>> {
  const told = await runSpec({
    args: ['onggi-probe', 'syscall', ...calls],
    linux: { ...(seccomp !== undefined && { seccomp }) },
  });
  assert.equal(told.exit.exitCode, 0, `signal ${told.exit.signal} ${told.stderr}`);
  return new Map(
    told.stdout
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', result] = line.split(' ');
        return [name, Number(result)];
      }),
  );
}

/** i386 and x32 are ABIs of x86-64 kernels. */
const onX86 = isX86 ? requires('root') : { skip: 'needs x86-64' };

const profile = defaultSeccomp(defaultCapabilities, machine, [6, 1]);

/** AF_ALG 38, AF_VSOCK 40, AF_CAIF 37 (dropped by Linux 7.1), AF_DECnet 12. */
const denied = [
  'io_uring_setup 0 0',
  'io_uring_enter -1 0 0 0 0',
  'keyctl 0x7fff',
  'add_key 0 0 0 0 0',
  'userfaultfd 0x7fffffff',
  'unshare 0',
  'setns -1 0',
  'mount 0 0 0 0 0',
  'umount2 0 0x7fff',
  'bpf 0x7fff 0 0',
  'perf_event_open 0 0 0 0 0x7fffffff',
  'open_by_handle_at -1 0 0',
  'move_mount -1 0 -1 0 0x7fffffff',
  'fsopen 0 0',
  'open_tree -1 0 0',
  'quotactl 0x7fff 0 0 0',
  'pidfd_getfd -1 -1 0',
  'kcmp 0 0 0x7fff 0 0',
  'personality 0x1234567',
  'clone 0x10010000 0 0 0 0',
  'socket 38 5 0',
  'socket 40 1 0',
  'socket 37 1 0',
  'socket 12 1 0',
];

/** What a program needs. */
const allowed = ['getpid', 'personality 0xffffffff', 'socket 1 1 0', 'socket 2 1 0', 'socket 10 2 0', 'socket 16 3 0'];

for (const abi of isX86 ? (['native', 'i386'] as const) : (['native'] as const)) {
  test(`${abi}: what the default filter denies, the kernel alone would not`, requires('root'), async () => {
    const calls = denied.map((words) => call(abi, words));
    const without = await results(calls, undefined);
    const filtered = await results(calls, profile);
    for (const words of denied) {
      const name = call(abi, words);
      assert.notEqual(without.get(name), eperm, `${words} proves nothing`);
      assert.equal(filtered.get(name), eperm, words);
    }
  });

  test(`${abi}: what programs need works, what is new does not exist`, requires('root'), async () => {
    const calls = allowed.map((words) => call(abi, words));
    const future = ['467', '600', '0x3fffffff'].map((number) => `${abi}:${number}`);
    const clone3 = call(abi, 'clone3 0 0');
    const filtered = await results([...calls, ...future, clone3], profile);
    for (const words of allowed) assert.ok((filtered.get(call(abi, words)) ?? -1) >= 0, words);
    for (const name of [...future, clone3]) assert.equal(filtered.get(name), enosys, name);
  });
}

test('socketcall makes no sockets, and does all the rest', {
  ...requires('root'),
  ...(!isX86 && { skip: 'x86 only' }),
}, async () => {
  const [make, accept] = [call('i386', 'socketcall 1 0'), call('i386', 'socketcall 5 0')];
  const filtered = await results([make, accept], profile);
  assert.equal(filtered.get(make), eperm);
  assert.equal(filtered.get(accept), -14);
  const admin = await results([make], defaultSeccomp(['CAP_SYS_ADMIN'], machine, [6, 1]));
  assert.equal(admin.get(make), -14);
});

test('x32 calls are filtered as such', onX86, async () => {
  const keyctl = `native:${0x4000_0000 + 250}`;
  assert.equal((await results([keyctl], profile)).get(keyctl), eperm);
});

test('the kernel runs the filter: a rule with a condition on 64 bits', requires('root'), async () => {
  const seccomp: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      {
        names: ['getpriority'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 77,
        args: [{ index: 1, op: 'SCMP_CMP_GT', value: 2n ** 40n }],
      },
      { names: ['getsid'], action: 'SCMP_ACT_KILL_PROCESS' },
    ],
  };
  const [over, at] = [call('native', 'getpriority 0 0x10000000001'), call('native', 'getpriority 0 0x10000000000')];
  const found = await results([over, at], seccomp);
  assert.equal(found.get(over), -77);
  assert.notEqual(found.get(at), -77);
  const told = await runSpec({ args: ['onggi-probe', 'syscall', call('native', 'getsid 0')], linux: { seccomp } });
  assert.equal(told.exit.signal, 31);
});

test('with no_new_privs the filter needs no capability', requires('root'), async () => {
  const told = await runSpec({
    args: ['grep', '-E', '^(Seccomp|NoNewPrivs|CapEff|Uid):', '/proc/self/status'],
    process: { noNewPrivileges: true, user: { uid: 1000, gid: 1000 }, capabilities: {} },
    linux: { seccomp: profile },
  });
  assert.equal(
    told.stdout.replace(/\s+/g, ' '),
    'Uid: 1000 1000 1000 1000 CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 ',
  );
});
