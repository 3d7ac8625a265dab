/** Bundles about seccomp, personality, hooks and the state: what surrounds the process. */
import type { Hook } from '../../src/oci/runtime-spec.ts';
import { probePath } from '../harness/busybox-image.ts';
import { type Bundle, type Difference, predates, specOf } from './bundle.ts';

/** What the probe and the runtimes call after the filter is there. */
const probeCalls = [
  ...['access', 'arch_prctl', 'brk', 'capget', 'capset', 'chdir', 'clock_gettime', 'close', 'close_range', 'dup2'],
  ...['dup3', 'epoll_ctl', 'epoll_pwait', 'execve', 'execveat', 'exit', 'exit_group', 'faccessat2', 'fchown', 'fcntl'],
  ...['fstat', 'fstatfs', 'futex', 'getcwd', 'getdents64', 'getgroups', 'getpgid', 'getpid', 'getresgid', 'getresuid'],
  ...['getsid', 'gettid', 'ioctl', 'ioprio_get', 'keyctl', 'lseek', 'lstat', 'madvise', 'mmap', 'mprotect', 'munmap'],
  ...['nanosleep', 'newfstatat', 'open', 'openat', 'openat2', 'personality', 'poll', 'prctl', 'pread64', 'prlimit64'],
  ...['read', 'readlinkat', 'recvmsg', 'rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'sched_getaffinity'],
  ...['sched_getattr', 'sched_yield', 'sendmsg', 'set_tid_address', 'setgid', 'setgroups', 'setresgid', 'setresuid'],
  ...['setuid', 'sigaltstack', 'stat', 'statx', 'tgkill', 'umask', 'uname', 'unlink', 'unlinkat', 'write', 'writev'],
];

/** Numbers of x86-64 and i386 system calls (arch/x86/entry/syscalls of the kernel). */
const call = {
  getpid: 'native:39',
  getuid: 'native:102',
  getgid: 'native:104',
  getpriority: 'native:140',
  getpgrp: 'native:111',
  getpid32: 'i386:20',
} as const;

function hooksOf(kinds: readonly string[], log: string, path: string): Readonly<Record<string, Hook[]>> {
  const hook = (name: string): Hook => ({
    path,
    args: ['onggi-probe', 'hook', log, name],
    env: [`HOOK=${name}`],
    timeout: 10,
  });
  return Object.fromEntries(kinds.map((kind) => [kind, [hook(`${kind}-1`), hook(`${kind}-2`)]]));
}

/** The specification does not say in which directory a hook runs. */
const hookDifferences: readonly Difference[] = [
  { runtime: 'crun', field: 'hook.*.state.ociVersion', why: 'crun writes "1.0", which is no version' },
  { runtime: 'crun', field: 'hook.*.state.root', why: 'crun adds the path of the root file system' },
  {
    runtime: 'crun',
    field: 'hook.*.state.status',
    why: 'crun says "created" while it creates, "starting" for startContainer',
  },
  { runtime: 'crun', field: 'hook.*Container-*.state.pid', why: 'crun does not know the pid inside the container' },
  {
    runtime: 'crun',
    field: 'hook.startContainer-*.state.bundle',
    why: 'crun tells where it stands instead of the bundle',
  },
  {
    runtime: 'crun',
    field: 'hook.createContainer-*.cwd',
    why: 'crun runs it in the bundle, the others in the root file system',
  },
  { runtime: 'runc', field: 'hook.poststop-*.cwd', why: 'runc runs it where delete was called' },
  { runtime: 'runc', field: 'hook.poststop-*.state.pid', why: 'runc leaves out the pid of who is gone' },
  {
    runtime: 'runc',
    field: 'hook.poststart-*.state.status',
    why: 'runc runs poststart hooks before it can know of the start',
  },
  ...(['runc', 'crun'] as const).map((runtime) => ({
    runtime,
    field: 'hooks',
    why: `${runtime} runs poststart hooks while startContainer hooks may still run`,
    sometimes: true,
  })),
];

export const securityBundles: readonly Bundle[] = [
  {
    name: 'seccomp',
    section: 'config-linux.md#seccomp',
    about: 'error numbers, conditions on arguments and a second architecture',
    needs: ['x86-64'],
    spec: () =>
      specOf({
        ask: [
          ...Object.values(call),
          // getpriority(which, who): which 0 is a process, 1 a group, 2 a user.
          ...[0, 1, 2].map((which) => `${call.getpriority}:${which}:0`),
        ],
        linux: {
          seccomp: {
            defaultAction: 'SCMP_ACT_ALLOW',
            architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
            syscalls: [
              { names: ['getuid', 'getuid32'], action: 'SCMP_ACT_ERRNO' },
              { names: ['getgid', 'getpid'], action: 'SCMP_ACT_ERRNO', errnoRet: 77 },
              {
                names: ['getpriority'],
                action: 'SCMP_ACT_ERRNO',
                errnoRet: 78,
                args: [{ index: 0, value: 1, op: 'SCMP_CMP_GE' }],
              },
              { names: ['getpgrp', 'no_such_call_anywhere'], action: 'SCMP_ACT_LOG' },
            ],
          },
        },
      }),
    expect: {
      exit: 0,
      seccomp: '2',
      seccompFilters: '1',
      'calls.native:102': -1,
      'calls.native:104': -77,
      'calls.native:39': -77,
      'calls.i386:20': -77,
      'calls.native:140:0:0': 20,
      'calls.native:140:1:0': -78,
      'calls.native:140:2:0': -78,
      'calls.native:111': 1,
    },
  },
  {
    name: 'seccomp-deny',
    section: 'config-linux.md#seccomp',
    about: 'refused unless allowed, with masked comparison',
    needs: ['x86-64'],
    spec: () =>
      specOf({
        ask: ['native:39', 'native:110', 'native:140:2:0', 'native:140:3:0', 'native:999'],
        linux: {
          seccomp: {
            defaultAction: 'SCMP_ACT_ERRNO',
            defaultErrnoRet: 38,
            architectures: ['SCMP_ARCH_X86_64'],
            syscalls: [
              { names: probeCalls, action: 'SCMP_ACT_ALLOW' },
              {
                names: ['getpriority'],
                action: 'SCMP_ACT_ALLOW',
                args: [{ index: 0, value: 2, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
              },
            ],
          },
        },
      }),
    expect: {
      exit: 0,
      'calls.native:39': 1,
      'calls.native:110': -38,
      'calls.native:140:2:0': 20,
      // Let through to the kernel, which knows no third kind.
      'calls.native:140:3:0': -22,
      'calls.native:999': -38,
    },
  },
  {
    name: 'personality',
    section: 'config-linux.md#personality',
    about: 'the execution domain of 32-bit programs',
    spec: () => specOf({ ociVersion: '1.0.2', linux: { personality: { domain: 'LINUX32' } } }),
    // PER_LINUX32, <linux/personality.h>.
    expect: { exit: 0, personality: 8 },
    differences: predates('runc', 'personality'),
  },
  {
    name: 'hooks',
    section: 'config.md#posix-platform-hooks',
    about: 'hooks of all kinds: order, namespaces, state on stdin, environment',
    life: 'create',
    spec: (place) => {
      const outside = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'];
      return specOf({
        annotations: { 'org.example.key': 'value' },
        mounts: [{ destination: '/log', type: 'bind', source: `${place.bundle}/log`, options: ['bind'] }],
        hooks: {
          ...hooksOf(outside, `${place.bundle}/log/hooks`, probePath),
          ...hooksOf(['startContainer'], '/log/hooks', '/onggi-probe'),
        },
      });
    },
    expect: {
      exit: 0,
      hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']
        .flatMap((kind) => [`${kind}-1`, `${kind}-2`])
        .join(' '),
      'hook.prestart-1.namespaces.mnt': 'host',
      'hook.createRuntime-1.namespaces.mnt': 'host',
      'hook.createContainer-1.namespaces.mnt': 'new',
      'hook.createContainer-1.insideRoot': false,
      'hook.startContainer-1.namespaces.mnt': 'new',
      'hook.startContainer-1.insideRoot': true,
      'hook.poststart-1.namespaces.mnt': 'host',
      'hook.poststop-1.namespaces.mnt': 'host',
      'hook.createRuntime-1.env.HOOK': 'createRuntime-1',
      'hook.createRuntime-1.state.status': 'creating',
      'hook.createRuntime-1.state.id': 'ID',
      'hook.createRuntime-1.state.bundle': 'BUNDLE',
      'hook.createRuntime-1.state.annotations.org.example.key': 'value',
      'hook.createContainer-1.state.status': 'creating',
      'hook.startContainer-1.state.status': 'created',
      'hook.poststart-1.state.status': 'running',
      'hook.poststop-1.state.status': 'stopped',
    },
    differences: hookDifferences,
  },
  {
    name: 'state',
    section: 'runtime.md#state',
    about: 'the state document when created and when stopped, with annotations',
    life: 'create',
    spec: () => specOf({ annotations: { 'org.example.key': 'value', 'org.example.empty': '' } }),
    expect: {
      exit: 0,
      'state.created.id': 'ID',
      'state.created.status': 'created',
      'state.created.pid': 'a pid',
      'state.created.bundle': 'BUNDLE',
      'state.created.annotations.org.example.key': 'value',
      'state.stopped.status': 'stopped',
      'state.stopped.bundle': 'BUNDLE',
    },
  },
];
