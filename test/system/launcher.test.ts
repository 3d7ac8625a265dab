/** The launcher alone: making a container, leaving it, staying with it, undoing what failed. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCreated } from '../../src/kernel/launcher.ts';
import { requires } from '../harness/requires.ts';
import {
  createdPlan,
  fifoOf,
  interpreter,
  launcherPlan,
  launchIn,
  output,
  refusal,
  runForeground,
} from './launcher-container.ts';
import { ended, eventually, inPlace, statusField } from './shim-container.ts';

const needs = requires('root');

test('a created container waits alone, is started by somebody else, and is nobody of ours', needs, async () => {
  await inPlace(async (place) => {
    const plan = createdPlan(place, { argv: ['onggi-probe'] });
    using launched = launchIn(place, plan);
    const { pid, startTime } = launched.created();
    assert.notEqual(statusField(pid, 'PPid'), String(process.pid));
    assert.ok(startTime > 0n);
    assert.equal(output(place), '');
    launched[Symbol.dispose]();
    await sleep(50);
    assert.equal(statusField(pid, 'Name'), 'onggi-init');
    startCreated(fifoOf(place), interpreter(plan));
    assert.ok(await ended(pid));
    const seen = JSON.parse(output(place));
    assert.deepEqual(Object.keys(seen.descriptors), ['0', '1', '2']);
    assert.equal(seen.parentDeathSignal, 0);
    assert.equal(seen.pid, 1);
    assert.deepEqual(seen.env, ['PATH=/bin', 'HOME=/root']);
  });
});

test('a container is started once, and only while it is there', needs, async () => {
  await inPlace(async (place) => {
    const start = (): void => startCreated(fifoOf(place), interpreter(plan));
    const plan = createdPlan(place, { argv: ['onggi-probe', 'sleep'] });
    assert.equal(refusal(start).code, 'conflict');
    using launched = launchIn(place, plan);
    const { pid } = launched.created();
    start();
    assert.deepEqual(refusal(start), {
      code: 'conflict',
      message: 'start the container: it does not wait for its start',
    });
    process.kill(pid, 'SIGKILL');
    assert.ok(await ended(pid));
    assert.equal(refusal(start).code, 'conflict');
  });
});

test('a created container that is killed can not be started', needs, async () => {
  await inPlace(async (place) => {
    const plan = createdPlan(place, { argv: ['true'] });
    using launched = launchIn(place, plan);
    const { pid } = launched.created();
    process.kill(pid, 'SIGKILL');
    assert.ok(await ended(pid));
    assert.equal(refusal(() => startCreated(fifoOf(place), interpreter(plan))).code, 'conflict');
  });
});

test('a command that can not be executed is told to whoever starts it', needs, async () => {
  await inPlace(async (place) => {
    writeFileSync(join(place.root, 'bin/broken'), '\x7fELF broken', { mode: 0o755 });
    const plan = createdPlan(place, { argv: ['broken'] });
    using launched = launchIn(place, plan);
    const { pid } = launched.created();
    assert.deepEqual(
      refusal(() => startCreated(fifoOf(place), interpreter(plan))),
      {
        code: 'not-executable',
        message: 'exec: "broken": exec format error',
      },
    );
    assert.ok(await ended(pid));
  });
});

test('what fails while it is made leaves nothing', needs, async () => {
  await inPlace(async (place) => {
    const group = `/sys/fs/cgroup/pids/onggi-launcher-${process.pid}`;
    const before = readdirSync(place.path);
    const plan = createdPlan(place, {
      argv: ['none-such'],
      prepare: [{ op: 'cgroup-create', path: group }],
      cleanup: [{ op: 'cgroup-remove', path: group }],
    });
    using launched = launchIn(place, plan);
    assert.deepEqual(
      refusal(() => launched.created()),
      {
        code: 'command-not-found',
        message: 'exec: "none-such": executable file not found in $PATH',
      },
    );
    assert.equal(existsSync(group), false);
    assert.deepEqual(
      readdirSync(place.path).filter((name) => name !== 'out'),
      before,
    );
    const other = launchIn(place, { ...plan, prepare: [{ op: 'cgroup-create', path: '/tmp/no/group' }] });
    assert.match(refusal(() => other.created()).message, /create the cgroup "\/tmp\/no\/group"/);
  });
});

test('a command in the foreground tells its exit status and its signal', needs, async () => {
  await inPlace(async (place) => {
    assert.deepEqual(await runForeground(place, { argv: ['sh', '-c', 'echo out; echo err >&2; exit 7'] }), {
      exitCode: 7,
      signal: 0,
      output: 'out\nerr\n',
    });
  });
  await inPlace(async (place) => {
    using launched = launchIn(
      place,
      launcherPlan(place, { argv: ['sh', '-c', 'trap "exit 9" TERM; echo ready; while :; do sleep 0.01; done'] }),
    );
    launched.created();
    launched.start();
    await eventually(() => output(place) === 'ready\n');
    launched.signal(15);
    assert.deepEqual(await launched.exited().then(({ exitCode, signal }) => ({ exitCode, signal })), {
      exitCode: 9,
      signal: 0,
    });
    launched.signal(15);
  });
  await inPlace(async (place) => {
    using launched = launchIn(place, launcherPlan(place, { argv: ['onggi-probe', 'sleep'] }));
    launched.created();
    launched.start();
    launched.signal(9);
    const { exitCode, signal } = await launched.exited();
    assert.deepEqual([exitCode, signal], [137, 9]);
  });
});

test('without a wait for the start it runs at once', needs, async () => {
  await inPlace(async (place) => {
    assert.equal((await runForeground(place, { argv: ['echo', 'hi'], immediate: true })).output, 'hi\n');
  });
  await inPlace(async (place) => {
    const plan = createdPlan(place, { argv: ['echo', 'hi'], immediate: true, launcher: { startFifo: null } });
    using launched = launchIn(place, plan);
    launched.created();
    assert.ok(await eventually(() => output(place) === 'hi\n'));
  });
});

test('a starter that goes away before the start takes it along, afterwards it leaves it', needs, async () => {
  await inPlace(async (place) => {
    const plan = launcherPlan(place, { argv: ['onggi-probe', 'sleep'] });
    const launched = launchIn(place, plan);
    const { pid } = launched.created();
    launched[Symbol.dispose]();
    assert.ok(await ended(pid));
    const second = launchIn(place, plan);
    const { pid: alive } = second.created();
    second.start();
    second[Symbol.dispose]();
    await sleep(50);
    assert.equal(statusField(alive, 'Name'), 'onggi-probe');
    process.kill(alive, 'SIGKILL');
    assert.ok(await ended(alive));
  });
});

test('descriptors are passed on, from 3 up, and no others', needs, async () => {
  await inPlace(async (place) => {
    const files = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => {
      writeFileSync(join(place.path, name), `${name}\n`);
      return openSync(join(place.path, name), 'r');
    });
    try {
      const argv = ['sh', '-c', 'cat <&3 <&9; cat <&5; ls /proc/$$/fd; ls /proc/1/fd | wc -l'];
      const told = await runForeground(place, { argv, preserve: files });
      assert.match(told.output, /^g\nc\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n/);
    } finally {
      for (const fd of files) closeSync(fd);
    }
  });
});
