/**
 * Class T: system calls by which bugs of the kernel were reached. None is to be had in a container with the defaults:
 * natively and by the 32-bit entry, in its first process and in an exec, as root and as a user.
 */
import assert from 'node:assert/strict';
import type { Outcome } from '../harness/program.ts';
import { attack, background } from './arena.ts';

/** Names of calls with their arguments -> number by architecture (syscalls(2)); -1 where there is none. */
type Call = { readonly what: string; readonly x64: string; readonly i386: string; readonly arm64: string };

const call = (what: string, x64: number, i386: number, arm64: number, ...values: (number | string)[]): Call => {
  const words = (number: number): string => [number, ...values].join(':');
  return { what, x64: words(x64), i386: words(i386), arm64: words(arm64) };
};

const newUser = 0x1000_0000;
const calls: readonly Call[] = [
  call('unshare(CLONE_NEWUSER), the door to most others', 272, 310, 97, newUser),
  call('unshare(CLONE_NEWNS)', 272, 310, 97, 0x2_0000),
  call('clone3', 435, 435, 435, 0, 0),
  call('setns', 308, 346, 268, 0, 0),
  call('mount', 165, 21, 40, 0, 0, 0, 0, 0),
  call('fsopen (CVE-2022-0185)', 430, 430, 430, 0, 0),
  call('open_tree', 428, 428, 428, 0, 0, 0),
  call('move_mount', 429, 429, 429, 0, 0, 0, 0, 0),
  call('mount_setattr', 442, 442, 442, 0, 0, 0, 0, 0),
  call('pivot_root', 155, 217, 41, 0, 0),
  call('io_uring_setup', 425, 425, 425, 0, 0),
  call('io_uring_enter', 426, 426, 426, 0, 0, 0, 0, 0),
  call('io_uring_register', 427, 427, 427, 0, 0, 0, 0),
  call('bpf', 321, 357, 280, 0, 0, 0),
  call('userfaultfd', 323, 374, 282, 0),
  call('perf_event_open', 298, 336, 241, 0, 0, 0, 0, 0),
  call('add_key', 248, 286, 217, 0, 0, 0, 0, 0),
  call('request_key', 249, 287, 218, 0, 0, 0, 0),
  call('keyctl', 250, 288, 219, 0, 0, 0, 0, 0),
  call('open_by_handle_at (the way of "shocker")', 304, 342, 265, 0, 0, 0),
  call('init_module', 175, 128, 105, 0, 0, 0),
  call('finit_module', 313, 350, 273, 0, 0, 0),
  call('kexec_load', 246, 283, 104, 0, 0, 0, 0),
  call('swapon', 167, 87, 224, 0, 0),
  call('quotactl', 179, 131, 60, 0, 0, 0, 0),
  call('acct', 163, 51, 89, 0),
  call('syslog', 103, 103, 116, 3, 0, 0),
  call('personality(ADDR_COMPAT_LAYOUT)', 135, 136, 92, 0x20_0000),
  call('socket(AF_ALG), CVE-2026-31431', 41, 359, 198, 38, 5, 0),
  call('socket(AF_VSOCK)', 41, 359, 198, 40, 1, 0),
];

const arm = process.arch === 'arm64';
const words = [
  ...calls.map((one) => ({ what: one.what, word: `native:${arm ? one.arm64 : one.x64}` })),
  ...(arm ? [] : calls.map((one) => ({ what: `${one.what}, 32-bit`, word: `i386:${one.i386}` }))),
];

/** What was not stopped: EPERM, ENOSYS and EAFNOSUPPORT are a filter's answers. */
function reached({ status, stdout, stderr }: Outcome): string[] {
  assert.equal(status, 0, stderr);
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, words.length, 'every call came back');
  return words.flatMap(({ what, word }, index) => {
    const [found = '', result = ''] = (lines[index] ?? '').split(' ');
    assert.equal(found, word);
    return ['-1', '-38', '-97'].includes(result) ? [] : [`${what}: ${result}`];
  });
}

attack('system calls that a container has no need of', [], async (arena) => {
  const args = ['onggi-probe', 'syscall', ...words.map(({ word }) => word)];
  const inmate = await background(arena, { args: ['onggi-probe', 'sleep'] });
  for (const user of ['0:0', '1000:1000']) {
    assert.deepEqual(reached(await arena.run({ args, user })), [], `run as ${user}`);
    assert.deepEqual(reached(await inmate.exec({ args, user })), [], `exec as ${user}`);
  }
  await inmate.remove();
});
