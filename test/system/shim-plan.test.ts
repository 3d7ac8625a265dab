import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { shimPath } from '../../src/kernel/addon.ts';
import { encodePlan } from '../../src/runtime/plan/encode.ts';
import type { Plan } from '../../src/runtime/plan/steps.ts';
import { repository } from '../harness/busybox-image.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { hook } from './launcher-container.ts';
import { flags, identity, inPlace, spawnShim } from './shim-container.ts';

const needs = requires('root');

/** A plan with a record of nearly every kind, for damaging; nothing of it is executed. */
async function richPlan(): Promise<{ readonly shim: Uint8Array; readonly launcher: Uint8Array }> {
  let plan: Plan | undefined;
  await inPlace(async (place) => {
    const attributes = { set: 1, clear: 0, words: [] };
    const message = Buffer.alloc(32);
    message.writeUInt32LE(32, 0);
    plan = place.plan({
      argv: ['sh', '-c', 'true'],
      prepare: [
        { op: 'cgroup-create', path: '/sys/fs/cgroup/memory/x', mark: '1:2 /run/c' },
        { op: 'write', path: '/x', value: '1', what: 'limit', optional: true },
        { op: 'cgroup-device', path: '/x', program: new Uint8Array(16), what: 'devices' },
      ],
      attach: [
        { op: 'id-map', uid: [{ containerId: 0, hostId: 0, size: 1 }], gid: [], setgroups: true },
        {
          op: 'netlink',
          protocol: 'route',
          messages: [{ bytes: message, pidAt: [16], what: 'link' }],
          what: 'network',
        },
        hook('createRuntime', ['/x', 'y'], { env: ['A=1'], timeout: 3 }),
      ],
      mounts: [
        {
          op: 'bind',
          source: '/tmp',
          target: '/tmp',
          recursive: true,
          attributes,
          propagation: flags('private'),
          createSource: false,
        },
        {
          op: 'cgroup-mount',
          target: '/sys/fs/cgroup',
          unified: false,
          legacy: [{ name: 'cpu', options: 'cpu', links: ['c'] }],
          flags: flags('ro'),
        },
        { op: 'mkdir', path: '/x', mode: 0o755, uid: 0, gid: 0 },
        { op: 'symlink', path: '/y', target: 'x' },
        { op: 'runtime-hooks' },
        hook('createContainer', ['/x']),
      ],
      steps: [
        { op: 'mask', path: '/proc/kcore' },
        { op: 'readonly', path: '/proc/sys' },
        { op: 'sysctl', name: 'a.b', value: '1' },
        { op: 'rlimit', resource: 7, name: 'nofile', soft: 1n, hard: 2n },
        {
          op: 'seccomp',
          flags: 8,
          program: new Uint8Array(8),
          what: 'filter',
          listener: { path: '/run/agent', state: '{"pid":\u0001}' },
        },
      ],
      cleanup: [{ op: 'cgroup-remove', path: '/sys/fs/cgroup/memory/x' }],
    });
  });
  assert.ok(plan);
  return { shim: encodePlan({ ...plan, health }), launcher: encodePlan({ ...plan, keeper: launcher }) };
}

const launcher: Extract<Plan['keeper'], { kind: 'launcher' }> = {
  kind: 'launcher',
  id: 'c',
  terminal: true,
  consoleSocket: true,
  preserve: 3,
  stay: false,
  startFifo: '/run/start',
};

const health: NonNullable<Plan['health']> = {
  directory: '/c/health',
  freezer: '/sys/fs/cgroup/x/cgroup.freeze',
  interval: 1000,
  timeout: 0,
  startPeriod: 5,
  startInterval: 1,
  retries: 3,
  action: 'run',
  command: ['/bin/onggi', 'reconcile'],
};

const check = (bytes: Uint8Array) => spawnSync(shimPath(), ['--check'], { input: bytes, encoding: 'utf8' });

test('health checks that could not be made, or that would never rest, are refused', needs, async () => {
  await inPlace(async (place) => {
    const plan = place.plan({ argv: ['true'] });
    assert.equal(check(encodePlan({ ...plan, health })).status, 0);
    const wrong: [Partial<typeof health>, RegExp][] = [
      [{ directory: 'health' }, /not absolute/],
      [{ freezer: 'x' }, /not absolute/],
      [{ command: ['onggi'] }, /not absolute/],
      [{ interval: 0 }, /without a pause/],
      [{ startInterval: 0 }, /without a pause/],
      [{ timeout: 2 ** 52 }, /out of range/],
      [{ command: Array.from({ length: 30 }, () => '/x') }, /action/],
    ];
    for (const [change, message] of wrong) {
      const refused = check(encodePlan({ ...plan, health: { ...health, ...change } }));
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, message);
    }
    const elsewhere = check(encodePlan({ ...plan, keeper: launcher, health }));
    assert.match(elsewhere.stderr, /OP_HEALTH elsewhere/);
  });
});

test('the keeper sets parameters of the network alone, and only where the init does not', needs, async () => {
  await inPlace(async (place) => {
    const setting = (name: string) =>
      place.plan({ argv: ['true'], attach: [{ op: 'inner-sysctl', name, value: '1' }] });
    const checked = (plan: Plan) => check(encodePlan(plan)).stderr;
    assert.equal(checked({ ...setting('net/core/somaxconn'), keeper: launcher }), '');
    assert.match(checked({ ...setting('kernel/sysrq'), keeper: launcher }), /a kernel parameter of the machine/);
    assert.match(checked(setting('net/core/somaxconn')), /where the init has done its own/);
  });
});

test('damaged plans are refused or harmless', needs, async () => {
  const fuzzer = join(repository, 'dist/asan/plan-fuzz');
  assert.ok(existsSync(fuzzer), 'run make shim-asan');
  await using scratch = makeScratch();
  const seed = join(scratch.path, 'plan');
  const plans = await richPlan();
  for (const [bytes, number] of [
    [plans.shim, '1'],
    [plans.launcher, '7'],
  ] as const) {
    writeFileSync(seed, bytes);
    const result = spawnSync(fuzzer, [seed, '50000', number], { encoding: 'utf8' });
    assert.equal(result.status, 0, result.stderr);
  }
});

test('entries of logs come back, and damaged ones do no harm', () => {
  const fuzzer = join(repository, 'dist/asan/log-fuzz');
  assert.ok(existsSync(fuzzer), 'run make shim-asan');
  const result = spawnSync(fuzzer, ['20000', '1'], { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
});

test('plans of launchers, and hooks, that make no sense are refused', needs, async () => {
  await inPlace(async (place) => {
    const plan: Plan = { ...place.plan({ argv: ['true'] }), keeper: launcher };
    const said = (changed: Partial<Plan>) => check(encodePlan({ ...plan, ...changed })).stderr;
    const keeper = (change: Partial<typeof launcher>) => said({ keeper: { ...launcher, ...change } });
    assert.equal(said({}), '');
    assert.match(keeper({ consoleSocket: false }), /a terminal that nobody would relay/);
    assert.match(keeper({ preserve: 1025 }), /more than 1024 descriptors/);
    assert.match(keeper({ stay: true }), /a start fifo beside a launcher that stays/);
    assert.match(keeper({ startFifo: 'start' }), /not absolute/);
    assert.match(keeper({ startFifo: null }), /a start that nobody could say/);
    assert.match(said({ init: plan.init.filter(({ op }) => op !== 'wait-start') }), /a start fifo without/);
    const first = (...steps: Plan['init']) => said({ init: [...steps, ...plan.init] });
    const last = (step: Plan['init'][number]) => said({ init: plan.init.toSpliced(-1, 0, step) });
    assert.match(said({ attach: [hook('prestart', ['/x'])] }), /hooks without OP_RUNTIME_HOOKS/);
    assert.match(said({ attach: [hook('startContainer', ['/x'])] }), /a hook in the wrong phase/);
    assert.match(first(hook('prestart', ['/x'])), /a hook in the wrong phase/);
    assert.match(first({ op: 'runtime-hooks' }, { op: 'runtime-hooks' }), /OP_RUNTIME_HOOKS twice or late/);
    assert.match(last({ op: 'runtime-hooks' }), /OP_RUNTIME_HOOKS twice or late/);
    assert.match(last(hook('createContainer', ['/x'])), /a createContainer hook after the pivot/);
    assert.match(first(hook('startContainer', ['/x'])), /a startContainer hook before the pivot/);
    assert.match(first(hook('createContainer', ['x'])), /not absolute/);
    assert.match(last({ op: 'move-root' }), /a second OP_PIVOT_ROOT/);
    assert.match(last({ op: 'network-descriptor', number: 3 }), /a descriptor below 64/);
    assert.match(first({ op: 'network-descriptor', number: 64 }), /a step between a descriptor and OP_EXEC/);
    assert.match(
      said({ runtime: { program: null, group: null, request: new Uint8Array() } }),
      /a step that is the runtime's/,
    );
    const criu = { op: 'criu-descriptors', number: 64, images: '/i', work: '/w' } as const;
    assert.match(last({ ...criu, number: 3 }), /a descriptor below 64/);
    assert.match(last({ ...criu, images: 'i' }), /not absolute/);
    assert.match(first(criu), /a step between a descriptor and OP_EXEC/);
  });
});

test('a plan is refused with the record and the reason', needs, async () => {
  const { shim: bytes, launcher: other } = await richPlan();
  assert.equal(check(other).stderr, '');
  assert.equal(check(bytes).status, 0);
  for (const [at, value, said] of [
    [0, 0x58, /does not start with OGPL/],
    [4, 9, /version 9, this is 1/],
    [12, 1, /bytes after the last record|no OP_EXEC/],
    [16, 127, /record 0 \(op 127\): unknown op/],
    [18, 3, /record 0 \(op 1\): an op in the wrong phase/],
  ] as const) {
    const copy = Uint8Array.from(bytes);
    copy[at] = value;
    const result = check(copy);
    assert.equal(result.status, 1);
    assert.match(result.stderr, said);
  }
  assert.match(check(Buffer.concat([bytes, Buffer.from('x')])).stderr, /bytes after its end/);
  assert.match(check(bytes.subarray(0, -1)).stderr, /shorter than/);
});

test('steps out of order are refused', needs, async () => {
  await inPlace(async (place) => {
    const plan = place.plan({ argv: ['true'] });
    const exec = plan.init.at(-1);
    assert.ok(exec);
    const without = (op: string) => ({ ...plan, init: plan.init.filter((step) => step.op !== op) });
    const said = (changed: Plan) => check(encodePlan(changed)).stderr;
    assert.match(said(without('enter-root')), /a container path before OP_ENTER_ROOT/);
    assert.match(said(without('exec')), /no OP_EXEC/);
    assert.match(said({ ...plan, init: [...plan.init, identity()] }), /a step after OP_EXEC/);
    assert.match(said({ ...plan, init: [{ op: 'wait-start' }, ...plan.init] }), /a second OP_WAIT_START/);
    assert.match(said(place.plan({ argv: ['true'], shim: { exitFile: 'relative' } })), /not absolute/);
    assert.match(
      said(place.plan({ argv: ['true'], shim: { socket: `/${'s'.repeat(120)}` } })),
      /longer than 107 bytes/,
    );
    assert.match(said({ ...plan, init: [{ op: 'exec', argv: [], env: [], reaper: false }] }), /no command/);
  });
});

test('the shim says why it does not start', needs, async () => {
  await inPlace(async (place) => {
    const plan = place.plan({ argv: ['true'] });
    const refused = (changed: Plan): string => {
      const { status, said } = spawnShim(encodePlan(changed), undefined, 'c');
      assert.notEqual(status, 0);
      return said;
    };
    assert.equal(refused({ ...plan, init: [] }), 'plan: record 1 (op 2): no OP_EXEC: Bad message\n');
    const socket = join(place.path, 'none/sock');
    assert.match(
      refused(place.plan({ argv: ['true'], shim: { socket } })),
      /^listen on ".*": No such file or directory\n$/,
    );
    mkdirSync(join(place.path, 'log'));
    const log = { path: join(place.path, 'log'), maxSize: 0n, maxFiles: 1 };
    assert.match(refused(place.plan({ argv: ['true'], shim: { log } })), /^open the log ".*": Is a directory\n$/);
  });
});
