/** The default profile under runc and under onggi on the same kernel: the same answer to each call of both ABIs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Seccomp } from '../../src/oci/runtime-spec.ts';
import { defaultCapabilities } from '../../src/runtime/capability.ts';
import { abiOf } from '../../src/runtime/seccomp/abi.ts';
import { defaultSeccomp } from '../../src/runtime/seccomp/profile.ts';
import { layOut } from '../harness/busybox-image.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { runSpec, specOf } from './spec-container.ts';

const [own, i386] = [abiOf('SCMP_ARCH_X86_64'), abiOf('SCMP_ARCH_X86')];
const machine = 'x86_64';

/**
 * Every number but those that would end, stop or change the process that asks: it goes on asking. All arguments are
 * -1, which most calls refuse with an error of their own.
 */
const avoided = `exit exit_group pause rt_sigsuspend sigsuspend rt_sigreturn sigreturn fork vfork clone clone3 ptrace
  close close_range dup2 dup3 munmap mremap brk mprotect rt_sigprocmask sigprocmask setsid kill tkill tgkill
  restart_syscall chroot alarm setitimer seccomp prctl arch_prctl set_thread_area setrlimit umask sched_yield
  uretprobe rseq munlockall mlockall modify_ldt madvise select _newselect poll ppoll epoll_wait write writev
  pivot_root socketcall ipc personality sync nice setpgid setuid setuid32 set_robust_list set_tid_address time getpid
  uselib io_uring_setup mseal map_shadow_stack signal setgroups setgroups32 syslog sethostname waitpid wait4
  waitid`.split(/\s+/);

function calls(): string[] {
  const of = (name: 'native' | 'i386', numbers: ReadonlyMap<string, number>): string[] =>
    [...numbers].filter(([call]) => !avoided.includes(call)).map(([, number]) => `${name}:${number}:-1:-1:-1:-1:-1`);
  const newer = ['native:467', 'native:600', 'i386:467', 'i386:999'];
  return [...of('native', own.numbers()), ...of('i386', i386.numbers()), ...newer];
}

/** Without the names that libseccomp 2.5.4 (the runc of Debian 12) has not heard of: to it they are newer than all. */
function knownThere(profile: Seccomp): Seccomp {
  const isKnown = (name: string): boolean => name !== 'uretprobe' && (own.numbers().get(name) ?? 0) <= 456;
  const syscalls = profile.syscalls?.map((rule) => ({ ...rule, names: rule.names.filter(isKnown) })) ?? [];
  return { ...profile, syscalls: syscalls.filter((rule) => rule.names.length > 0) };
}

/** Calls whose answer is that of this profile: EPERM and ENOSYS; what else a call says is the kernel's. */
const verdicts = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.replace(/ (?!-1$|-38$).*$/, ' allowed'));

test('runc and onggi answer every call alike', {
  ...requires('root', 'runc'),
  ...(process.arch !== 'x64' && { skip: 'x86 only' }),
}, async () => {
  await using scratch = makeScratch();
  const wish = {
    args: ['onggi-probe', 'syscall', ...calls()],
    linux: { seccomp: knownThere(defaultSeccomp(defaultCapabilities, machine, [6, 1])) },
  };
  const bundle = join(scratch.path, 'bundle');
  mkdirSync(bundle);
  layOut(join(bundle, 'root'));
  const spec = specOf(wish);
  writeFileSync(
    join(bundle, 'config.json'),
    JSON.stringify({ ...spec, linux: { ...spec.linux, cgroupsPath: undefined } }),
  );
  const id = `onggi-seccomp-${process.pid}`;
  const theirs = spawnSync('runc', ['--root', join(scratch.path, 'state'), 'run', '--bundle', bundle, id], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  assert.equal(theirs.status, 0, theirs.stderr);
  const ours = await runSpec(wish);
  const [found, expected] = [verdicts(ours.stdout), verdicts(theirs.stdout)];
  assert.ok(found.length > 600, String(found.length));
  assert.ok(found.filter((line) => line.endsWith(' -1')).length > 50);
  const different = found.flatMap((line, index) =>
    line === expected[index] ? [] : [`${line} (runc: ${expected[index]})`],
  );
  assert.deepEqual(different, []);
});
