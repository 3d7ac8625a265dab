import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import type { Spec } from '../../oci/runtime-spec.ts';
import { foreignPlan } from './foreign.ts';
import { stepError } from './step-error.ts';
import type { Plan } from './steps.ts';

const none = { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n };
const lo = { op: 'netlink', protocol: 'route', messages: [], what: 'lo' } as const;

const own: Plan = {
  keeper: {
    kind: 'shim',
    id: 'ab',
    socket: '/run/s',
    log: null,
    exitFile: '/e',
    reconcile: [],
    terminal: true,
    stdin: false,
    stdinOnce: false,
    startRequired: true,
    oom: null,
  },
  prepare: [{ op: 'cgroup-create', path: '/c' }],
  spawn: {
    kind: 'clone',
    namespaces: ['mnt', 'pid', 'net'],
    join: [],
    cgroups: { unified: null, legacy: ['/c', '/d'] },
    timeOffsets: [],
  },
  attach: [{ ...lo, what: 'veth' }],
  init: [
    { op: 'unshare-cgroup' },
    { op: 'enter-root', path: '/root' },
    { op: 'pivot-root' },
    lo,
    { op: 'identity', user: 'web', group: null, additionalGroups: ['1'], primaryGroup: true, capabilities: none },
    { op: 'exec', argv: ['true'], env: ['A=b'], reaper: false },
  ],
  cleanup: [{ op: 'cgroup-remove', path: '/c' }],
};

// What stands for the user must not be found in what an image says.
const trick = '{"uid":4294967293,"gid":4294967293}';
const spec: Spec = {
  ociVersion: '1.2.0',
  process: { user: { uid: 0, gid: 0, username: 'web' }, cwd: '/', args: [trick], env: [`A=${trick}`] },
  root: { path: 'rootfs', readonly: true },
};

const place = { program: '/usr/bin/crun', directory: '/run/s.rt', env: ['PATH=/bin'], seconds: 60 };

test('the first process leads to "create" of the runtime, and the network is the shim\'s', () => {
  const { runtime, prepare, spawn, attach, init, cleanup } = foreignPlan(own, spec, 'ab', place);
  assert.deepEqual(prepare, []);
  assert.deepEqual(spawn.namespaces, ['mnt']);
  assert.deepEqual(
    attach.map((step) => [step.op, 'what' in step ? step.what : '']),
    [
      ['netlink', 'veth'],
      ['inner-netlink', 'lo'],
    ],
  );
  assert.deepEqual(
    init.map(({ op }) => op),
    ['enter-root', 'config', 'exec'],
  );
  assert.ok(runtime !== undefined && runtime.program !== null);
  assert.deepEqual([runtime.console, runtime.group], ['/run/s.rt/t', '/c']);
  const exec = init.at(-1);
  assert.ok(exec?.op === 'exec');
  assert.deepEqual(exec.argv.slice(0, 3), ['/usr/bin/crun', '--root', '/run/s.rt/state']);
  assert.equal(exec.argv.at(-1), 'ab');
  assert.deepEqual(cleanup, own.cleanup);
});

test('config.json is whole around its user, whatever the image says', () => {
  const config = foreignPlan(own, spec, 'ab', place).init.find((step) => step.op === 'config');
  assert.ok(config?.op === 'config');
  assert.equal(config.user, 'web');
  const text = JSON.parse(`${config.before}{"uid":7,"gid":8}${config.after}`);
  assert.deepEqual(text.process.user, { uid: 7, gid: 8 });
  assert.deepEqual([text.process.args, text.root], [[trick], { path: '/root', readonly: true }]);
});

test('what the runtime says of its command keeps the exit status of Docker', () => {
  const plan = foreignPlan(own, spec, 'ab', place);
  // keeper, spawn, runtime, two of attach, enter-root, config
  const code = (errno: number) => stepError({ phase: 'init', step: 7, errno, text: 'crun: words' }, plan);
  assert.deepEqual(
    [2, 13, 125].map((errno) => code(errno).code),
    ['command-not-found', 'not-executable', 'unavailable'],
  );
  assert.match(code(2).message, /crun: words/);
  assert.ok(code(2) instanceof OnggiError);
});
