/** What confines a launched container, and the flags that let go of some of it: filters, keyring, --no-pivot. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { startCreated } from '../../src/kernel/launcher.ts';
import type { Seccomp } from '../../src/oci/runtime-spec.ts';
import type { InitStep, Plan } from '../../src/runtime/plan/steps.ts';
import { architectureOf } from '../../src/runtime/seccomp/architecture.ts';
import { probePath } from '../harness/busybox-image.ts';
import { requires } from '../harness/requires.ts';
import { compileSeccomp } from '../harness/seccomp-step.ts';
import { createdPlan, fifoOf, interpreter, launcherPlan, launchIn, output } from './launcher-container.ts';
import { ended, eventually, identity, inPlace, statusField } from './shim-container.ts';

const needs = requires('root');

function filter(seccomp: Seccomp): InitStep[] {
  return compileSeccomp(seccomp, architectureOf(process.arch), { state: () => '{}' });
}

/** With steps right before, or right after, the identity. */
function withFilter(plan: Plan, place: 'before' | 'after', steps: readonly InitStep[]): Plan {
  const at = plan.init.findIndex(({ op }) => op === 'identity') + (place === 'after' ? 1 : 0);
  return { ...plan, init: [...plan.init.slice(0, at), ...steps, ...plan.init.slice(at)] };
}

/** What a static program of musl needs, and of what the init does after the filter only this. */
const few = [
  'read',
  'write',
  'execve',
  'close',
  'exit_group',
  'arch_prctl',
  'set_tid_address',
  'brk',
  'mmap',
  'munmap',
];
const lookUp = ['stat', 'newfstatat', 'faccessat2'];
const probe = ['writev', 'ioctl', 'pause', 'ppoll'];

test('between a strict filter and the exec the init makes no call that the filter has to know', needs, async () => {
  await inPlace(async (place) => {
    const names = [...few, ...lookUp, ...probe];
    const strict = filter({ defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] });
    const plan = withFilter(createdPlan(place, { argv: ['onggi-probe', 'sleep'] }), 'after', [
      { op: 'no-new-privileges' },
      ...strict,
    ]);
    using launched = launchIn(place, plan);
    const { pid } = launched.created();
    assert.equal(statusField(pid, 'Seccomp'), '2');
    startCreated(fifoOf(place), interpreter(plan));
    assert.ok(await eventually(() => output(place) === 'sleeping\n'));
    process.kill(pid, 'SIGKILL');
    assert.ok(await ended(pid));
  });
});

test('a filter before the identity does not tie a container to its launcher', needs, async () => {
  await inPlace(async (place) => {
    const open = filter({ defaultAction: 'SCMP_ACT_ALLOW' });
    const plan = withFilter(createdPlan(place, { argv: ['onggi-probe'], identity: identity('app') }), 'before', open);
    using launched = launchIn(place, plan);
    const { pid } = launched.created();
    launched[Symbol.dispose]();
    startCreated(fifoOf(place), interpreter(plan));
    assert.ok(await ended(pid));
    const seen = JSON.parse(output(place));
    assert.deepEqual([seen.parentDeathSignal, seen.uids[0]], [0, 1000]);
  });
});

/** The line of keyctl(2), KEYCTL_DESCRIBE. */
async function keyringOf(keyring: string | null | undefined): Promise<string> {
  let seen = '';
  await inPlace(async (place) => {
    const plan = launcherPlan(place, { argv: ['onggi-probe'] });
    using launched = launchIn(place, { ...plan, spawn: { ...plan.spawn, ...(keyring !== undefined && { keyring }) } });
    launched.created();
    launched.start();
    await launched.exited();
    seen = JSON.parse(output(place)).sessionKeyring;
  });
  return seen;
}

test('a container has a session keyring of its own, unless it is to keep the one of the caller', needs, async () => {
  const mine: string = JSON.parse(spawnSync(probePath, { encoding: 'utf8' }).stdout).sessionKeyring;
  assert.equal(await keyringOf(null), mine);
  assert.match(await keyringOf(undefined), /;_ses$/);
  // Its owner may look for keys in it, which is what joining it takes; all else is for who has joined.
  assert.match(await keyringOf('_ses.onggi-test'), /;3f080000;_ses\.onggi-test$/);
});

/** As the compiler makes it, with --no-pivot. */
async function moved(steps: readonly InitStep[], script: string): Promise<string> {
  let said = '';
  await inPlace(async (place) => {
    const plan = launcherPlan(place, { argv: ['sh', '-c', script], steps });
    const init = plan.init.map((step): InitStep => (step.op === 'pivot-root' ? { op: 'move-root' } : step));
    using launched = launchIn(place, { ...plan, init });
    launched.created();
    launched.start();
    await launched.exited();
    said = output(place).trim();
  });
  return said;
}

test('without pivot_root there is no way up out of the root', needs, async () => {
  const root = 'bin dev etc proc root sbin sys tmp usr var www';
  const climb = 'cd ../../../..; ls | tr "\\n" " "';
  assert.equal(await moved([], `cd /proc/self/cwd; ${climb}`), root);
});

test(
  'without pivot_root the procfs of the host is no way around the masks',
  requires('root', 'user-namespace'),
  async () => {
    // mount_too_revealing (fs/namespace.c): a new procfs may show no more than one that is there, wherever it is.
    const script = 'unshare -Urmpf mount -t proc proc /tmp && echo revealed';
    assert.equal(await moved([], script), 'revealed');
    assert.match(await moved([{ op: 'mask', path: '/proc/version' }], script), /permission denied|not permitted/i);
  },
);
