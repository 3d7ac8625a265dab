/** Bundles about the process: config.md#process and config-linux.md's additions to it. */
import { type Bundle, predates, specOf } from './bundle.ts';

const user = { uid: 1000, gid: 1000 };

export const processBundles: readonly Bundle[] = [
  {
    name: 'arguments',
    section: 'config.md#process',
    about: 'args found along PATH, env and cwd',
    spec: () =>
      specOf({
        process: {
          cwd: '/tmp',
          args: ['onggi-probe', 'report', '', 'a b', 'ü'],
          env: ['PATH=/nowhere:/', 'EMPTY=', 'A=1=2'],
        },
      }),
    expect: {
      exit: 0,
      cwd: '/tmp',
      argv: '["onggi-probe","report","","a b","\u00c3\u00bc"]',
      'env.A': '1=2',
      'env.EMPTY': '',
      'env.PATH': '/nowhere:/',
      pid: 1,
      ppid: 0,
    },
  },
  {
    name: 'missing-cwd',
    section: 'config.md#process',
    about: 'a working directory that the image does not have',
    spec: () => specOf({ process: { cwd: '/made/for/it' } }),
    expect: { exit: 0, cwd: '/made/for/it' },
  },
  {
    name: 'user',
    section: 'config.md#posix-platform-user',
    about: 'uid, gid, additionalGids and umask',
    setup: 'chmod 1777 rootfs/tmp',
    spec: () => specOf({ ask: ['create:/tmp'], process: { user: { ...user, umask: 0o27, additionalGids: [50, 7] } } }),
    expect: {
      exit: 0,
      uids: '[1000,1000,1000]',
      gids: '[1000,1000,1000]',
      groups: '[7,50]',
      umask: 0o27,
      'paths.create:/tmp': 'made 0640 1000:1000',
      effective: '0000000000000000',
    },
  },
  {
    name: 'capabilities',
    section: 'config.md#linux-process',
    about: 'five sets, ambient ones of an ordinary user',
    spec: () =>
      specOf({
        process: {
          user,
          capabilities: {
            bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID'],
            permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
            effective: ['CAP_CHOWN', 'CAP_NET_BIND_SERVICE'],
            inheritable: ['CAP_NET_BIND_SERVICE', 'CAP_KILL'],
            ambient: ['CAP_NET_BIND_SERVICE'],
          },
        },
      }),
    // After exec: what is ambient; permitted and effective ones of an ordinary user are lost (capabilities(7)).
    expect: {
      exit: 0,
      bounding: '00000000000004a1',
      inheritable: '0000000000000420',
      ambient: '0000000000000400',
      permitted: '0000000000000400',
      effective: '0000000000000400',
    },
  },
  {
    name: 'root-capabilities',
    section: 'config.md#linux-process',
    about: 'five sets of root, unequal',
    spec: () =>
      specOf({
        process: {
          capabilities: {
            bounding: ['CAP_CHOWN', 'CAP_KILL'],
            permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SYS_CHROOT'],
            effective: ['CAP_CHOWN'],
            inheritable: [],
            ambient: [],
          },
        },
      }),
    // The exec of root takes the bounding set, whatever was permitted before.
    expect: { exit: 0, bounding: '0000000000000021', permitted: '0000000000000021', effective: '0000000000000021' },
  },
  {
    name: 'rlimits',
    section: 'config.md#posix-process',
    about: 'soft and hard limits, an unlimited one',
    spec: () =>
      specOf({
        process: {
          rlimits: [
            { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
            { type: 'RLIMIT_CORE', soft: 0, hard: 4096 },
            { type: 'RLIMIT_FSIZE', soft: 1 << 30, hard: 2n ** 64n - 1n },
            { type: 'RLIMIT_STACK', soft: 4 << 20, hard: 8 << 20 },
            { type: 'RLIMIT_NPROC', soft: 50, hard: 60 },
          ],
        },
      }),
    expect: {
      exit: 0,
      'rlimits.nofile': '[100,200]',
      'rlimits.core': '[0,4096]',
      'rlimits.fsize': '[1073741824,-1]',
      'rlimits.stack': '[4194304,8388608]',
      'rlimits.nproc': '[50,60]',
    },
  },
  {
    name: 'new-privileges',
    section: 'config.md#linux-process',
    about: 'noNewPrivileges false, as every other bundle has it true',
    spec: () => specOf({ process: { noNewPrivileges: false } }),
    expect: { exit: 0, noNewPrivileges: '0' },
  },
  {
    name: 'oom-score',
    section: 'config.md#linux-process',
    about: 'oomScoreAdj',
    spec: () => specOf({ process: { oomScoreAdj: 500 } }),
    expect: { exit: 0, oomScoreAdj: '["500"]' },
  },
  {
    name: 'scheduler',
    section: 'config.md#linux-process',
    about: 'policy, niceness and flags of the scheduler',
    spec: () =>
      specOf({
        process: { scheduler: { policy: 'SCHED_BATCH', nice: 5, flags: ['SCHED_FLAG_RESET_ON_FORK'] } },
      }),
    expect: { exit: 0, 'scheduler.policy': 3, 'scheduler.nice': 5, 'scheduler.flags': 1 },
    differences: [...predates('runc', 'scheduler.*'), ...predates('crun', 'scheduler.*')],
  },
  {
    name: 'io-priority',
    section: 'config.md#linux-process',
    about: 'class and priority of input and output',
    spec: () => specOf({ process: { ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 } } }),
    // Two in the bits from 13 on is best effort (ioprio_set(2)).
    expect: { exit: 0, ioPriority: (2 << 13) | 6 },
    differences: [...predates('runc', 'ioPriority'), ...predates('crun', 'ioPriority')],
  },
  {
    name: 'terminal',
    section: 'config.md#process',
    about: 'a terminal over a console socket, its size, /dev/console',
    life: 'console',
    needs: ['python3'],
    spec: () =>
      specOf({
        ask: ['stat:/dev/console', 'open:/dev/console'],
        process: { terminal: true, consoleSize: { height: 40, width: 100 } },
      }),
    expect: {
      exit: 0,
      'terminal.rows': 40,
      'terminal.columns': 100,
      'terminal.controlling': true,
      'terminal.foreground': true,
      'paths.open:/dev/console': 'opened',
    },
    differences: [
      {
        runtime: 'crun',
        field: 'mounts./dev/console.options',
        why: 'crun mounts the terminal without nosuid and noexec',
      },
    ],
  },
];
