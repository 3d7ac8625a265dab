/** Further processes in a running container by a launcher: in the foreground, left alone, in user namespaces. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProcessIdentity } from '../../src/kernel/process-identity.ts';
import type { NamespaceType, Spawn } from '../../src/runtime/plan/steps.ts';
import { requires } from '../harness/requires.ts';
import {
  createdPlan,
  type LauncherWish,
  launcherPlan,
  launchIn,
  output,
  refusal,
  runForeground,
} from './launcher-container.ts';
import { defaultCapabilities, ended, eventually, identity, inPlace, type Place } from './shim-container.ts';

const needs = requires('root');
const all: readonly NamespaceType[] = ['mnt', 'pid', 'net', 'uts', 'ipc'];

/** A container that sleeps while `body` runs. */
async function beside(
  place: Place,
  wish: Partial<LauncherWish>,
  body: (target: ProcessIdentity) => Promise<void>,
): Promise<void> {
  const plan = launcherPlan(place, { argv: ['onggi-probe', 'sleep'], ...wish });
  using launched = launchIn(place, { ...plan, ...(wish.spawn !== undefined && { spawn: wish.spawn }) });
  const target = launched.created();
  launched.start();
  await eventually(() => output(place) === 'sleeping\n');
  writeFileSync(join(place.path, 'out'), '');
  try {
    await body(target);
  } finally {
    launched.signal(9);
    await launched.exited();
  }
}

function joining({ pid, startTime }: ProcessIdentity, namespaces = all): Spawn {
  return { kind: 'join', pid, startTime, namespaces, cgroups: { unified: null, legacy: [] } };
}

test('a command in the foreground joins, and tells its exit status', needs, async () => {
  await inPlace(async (place) => {
    await beside(place, { steps: [{ op: 'hostname', name: 'jar' }] }, async (target) => {
      const wish = { argv: ['onggi-probe'], spawn: joining(target), identity: identity('app'), immediate: true };
      const told = await runForeground(place, wish);
      assert.equal(told.exitCode, 0);
      const seen = JSON.parse(told.output);
      assert.equal(seen.hostname, 'jar');
      assert.deepEqual(seen.uids, [1000, 1000, 1000]);
      assert.deepEqual(Object.keys(seen.descriptors), ['0', '1', '2']);
      assert.equal(seen.parentDeathSignal, 0);
      const failing = { argv: ['sh', '-c', 'exit 5'], spawn: joining(target), immediate: true };
      assert.equal((await runForeground(place, failing)).exitCode, 5);
    });
  });
});

test('a command that is left alone outlives its launcher', needs, async () => {
  await inPlace(async (place) => {
    await beside(place, {}, async (target) => {
      const argv = ['sh', '-c', 'echo here; exec sleep 1000'];
      const plan = createdPlan(place, { argv, spawn: joining(target), immediate: true, launcher: { startFifo: null } });
      using launched = launchIn(place, plan);
      const { pid } = launched.created();
      assert.ok(await eventually(() => output(place) === 'here\n'));
      assert.equal(readlinkSync(`/proc/${pid}/ns/pid`), readlinkSync(`/proc/${target.pid}/ns/pid`));
      process.kill(pid, 'SIGKILL');
      assert.ok(await ended(pid));
    });
  });
});

test('what can not be executed, or joined, is told', needs, async () => {
  await inPlace(async (place) => {
    await beside(place, {}, async (target) => {
      const attempt = (wish: LauncherWish): { code: string; message: string } =>
        refusal(() => launchIn(place, launcherPlan(place, { immediate: true, ...wish })).created());
      assert.deepEqual(attempt({ argv: ['none-such'], spawn: joining(target) }), {
        code: 'command-not-found',
        message: 'exec: "none-such": executable file not found in $PATH',
      });
      const other = joining({ ...target, startTime: target.startTime + 1n });
      assert.match(attempt({ argv: ['true'], spawn: other }).message, /is another one now/);
    });
  });
});

test('a command joins a container with a user namespace as its root', requires('root', 'user-namespace'), async () => {
  await inPlace(async (place) => {
    chmodSync(place.path, 0o711);
    for (const path of [place.root, join(place.root, 'tmp')]) chownSync(path, 200_000, 200_000);
    const ids = [{ containerId: 0, hostId: 200_000, size: 65_536 }];
    const spawn: Spawn = {
      kind: 'clone',
      namespaces: ['user', ...all],
      join: [],
      cgroups: { unified: null, legacy: [] },
      timeOffsets: [],
    };
    await beside(place, { spawn, attach: [{ op: 'id-map', uid: ids, gid: ids, setgroups: true }] }, async (target) => {
      const wish = {
        argv: ['sh', '-c', 'id -u; echo mine > /tmp/mine'],
        spawn: joining(target, ['user', ...all]),
        immediate: true,
      };
      assert.equal((await runForeground(place, wish)).output, '0\n');
      assert.equal(readFileSync(join(place.root, 'tmp/mine'), 'utf8'), 'mine\n');
    });
  });
});

/**
 * CVE-2016-9962: whoever is inside with CAP_SYS_PTRACE may look at a process that joins, so it must hold nothing of the
 * host but the stdio that it is given.
 */
test('a joining process shows nothing of the host to who is inside', needs, async () => {
  await inPlace(async (place) => {
    const spy = [
      'echo sleeping',
      'while :; do for p in /proc/[0-9]*; do',
      '  read -r name < $p/comm && case "$name" in onggi-*) for f in $p/fd/* $p/cwd $p/root; do readlink $f; done ;; esac',
      'done; done > /spied 2>/dev/null',
    ].join('\n');
    const ptrace = 1n << 19n;
    // It reads those of the container, where there are any: what is seen of such names is the host's.
    for (const name of ['passwd', 'group']) rmSync(join(place.root, 'etc', name), { force: true });
    await beside(
      place,
      { argv: ['sh', '-c', spy], identity: identity('0', defaultCapabilities | ptrace) },
      async (target) => {
        for (let round = 0; round < 30; round++) {
          const wish = { argv: ['true'], spawn: joining(target), immediate: true };
          assert.equal((await runForeground(place, wish)).exitCode, 0);
        }
      },
    );
    const seen = new Set(readFileSync(join(place.root, 'spied'), 'utf8').trim().split('\n'));
    const allowed = new Set(['', '/', '/dev/null', join(place.path, 'out')]);
    const found = [...seen].filter((link) => !allowed.has(link) && !/^(pipe|socket):/.test(link));
    assert.deepEqual(found, []);
  });
});
