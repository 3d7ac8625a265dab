import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainPlan, explainStep } from './explain.ts';
import type { Plan, Step } from './steps.ts';

const noWords = { bits: 0, words: [] };

const told: [Step, string][] = [
  [
    {
      op: 'mount',
      fstype: 'proc',
      source: 'proc',
      target: '/proc',
      flags: { bits: 14, words: ['nosuid', 'noexec', 'nodev'] },
      data: '',
      optional: false,
    },
    'mount proc on /proc (nosuid, noexec, nodev)',
  ],
  [
    {
      op: 'overlay',
      directory: '/l',
      lower: ['b', '/a'],
      upper: '/u',
      work: '/w',
      target: '/r',
      options: ['volatile'],
      flags: noWords,
    },
    'mount overlay on /r from 2 layers (/l/b, /a), writable layer /u, with volatile',
  ],
  [
    { op: 'mknod', path: '/dev/null', type: 'c', major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0 },
    'make the character device 1:3 at /dev/null (mode 0666, owner 0:0)',
  ],
  [
    { op: 'id-map', uid: [{ containerId: 0, hostId: 1000, size: 10 }], gid: [], setgroups: false },
    'map user ids 0-9 to 1000-1009 and no group ids, setgroups denied',
  ],
  [
    { op: 'rlimit', resource: 7, name: 'nofile', soft: 5n, hard: (1n << 64n) - 1n },
    'limit nofile to 5 (at most unlimited)',
  ],
  [
    { op: 'exec', argv: ['sh', '-c', 'a b'], env: ['SECRET=x'], reaper: false },
    'execute sh -c "a b" with 1 environment variable',
  ],
  [
    {
      op: 'identity',
      user: 'nobody',
      group: null,
      additionalGroups: ['5'],
      primaryGroup: true,
      capabilities: { bounding: 1n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n },
    },
    'become user nobody with further groups 5, with no capabilities but chown',
  ],
];
for (const [step, sentence] of told) {
  test(sentence, () => assert.equal(explainStep(step), sentence));
}

test('foreign strings can not write to the terminal', () => {
  const text = explainStep({ op: 'mask', path: '/a\u001b[2J\n\u009b' });
  assert.equal(text, 'hide "/a\\u001b[2J\\n\ufffd"');
});

test('the plan is numbered per phase and hides the environment', () => {
  const plan: Plan = {
    keeper: {
      kind: 'shim',
      id: 'x',
      socket: '/run/s',
      log: { path: '/log', maxSize: 10n, maxFiles: 3 },
      exitFile: '/e',
      reconcile: [],
      terminal: false,
      stdin: false,
      stdinOnce: false,
      startRequired: true,
      oom: null,
    },
    prepare: [{ op: 'cgroup-create', path: '/sys/fs/cgroup/x' }],
    spawn: {
      kind: 'clone',
      namespaces: ['mnt', 'pid'],
      join: [{ type: 'net', path: '/proc/1/ns/net' }],
      cgroups: { unified: '/sys/fs/cgroup/x', legacy: [] },
      timeOffsets: [{ clock: 'boottime', secs: 3n, nanosecs: 5 }],
    },
    attach: [],
    init: [{ op: 'pivot-root' }, { op: 'exec', argv: ['true'], env: ['TOKEN=secret'], reaper: true }],
    cleanup: [{ op: 'cgroup-remove', path: '/sys/fs/cgroup/x' }],
  };
  assert.equal(
    explainPlan(plan),
    `Before: the shim, on the host:
   1. listen for clients on /run/s
   2. log the output to /log (3 files of at most 10 bytes)
   3. create the cgroup directory /sys/fs/cgroup/x

Birth of the container:
   1. enter the namespace of networks at /proc/1/ns/net
   2. start its first process with its own namespaces: mounts, processes
   3. shift the boottime clock by 3.000000005 s
   4. put it into the cgroup /sys/fs/cgroup/x

Inside: the first process of the container:
   1. make the new root / and let go of the host's file systems
   2. start, under a small init that reaps orphans and forwards signals, true with 1 environment variable

After: the shim, on the host:
   1. remove the cgroup directory /sys/fs/cgroup/x
`,
  );
});
