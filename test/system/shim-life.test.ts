import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requires } from '../harness/requires.ts';
import { ended, eventually, follow, inPlace, runOnce, statusField } from './shim-container.ts';

const needs = requires('root');

test('a command runs, its output arrives, its status is told and recorded', needs, async () => {
  const told = await runOnce({ argv: ['sh', '-c', 'echo out; echo err >&2; exit 3'] });
  assert.equal(told.stdout, 'out\n');
  assert.equal(told.stderr, 'err\n');
  assert.equal(told.exit.exitCode, 3);
  assert.equal(told.exit.neverRan, false);
  assert.deepEqual(Object.keys(told.record), [
    'exitCode',
    'signal',
    'oom',
    'coreDumped',
    'failure',
    'sender',
    'startedAt',
    'finishedAt',
    'released',
  ]);
  assert.equal(told.record.exitCode, 3);
  assert.equal(told.record.failure, null);
  assert.equal(told.record.finishedAt, String(told.exit.finishedAt));
  assert.ok(BigInt(told.record.startedAt ?? 0) < BigInt(told.record.finishedAt));
});

test('nothing runs before start; the second client sees the same container', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['touch', '/ran'] }));
    const client = await place.connect();
    const watcher = await place.connect({ stdout: true });
    let created = false;
    const told = await follow(client, async (event) => {
      if (event.type !== 'status' || event.state !== 'created') return;
      created = true;
      assert.equal(statusField(event.pid, 'Name'), 'onggi-init');
      await sleep(50);
      assert.equal(existsSync(join(place.root, 'ran')), false);
    });
    assert.ok(created);
    assert.equal(existsSync(join(place.root, 'ran')), true);
    const seen = [];
    for await (const event of watcher.events) seen.push(event.type === 'status' ? event.state : event.type);
    watcher.close();
    assert.deepEqual(seen.slice(-2), ['running', 'exit']);
    assert.equal(told.exit.exitCode, 0);
  });
});

for (const [command, exitCode, errno] of [
  ['/no/such', 127, 2],
  ['nosuch', 127, 2],
  ['/etc/passwd', 126, 13],
  ['/etc', 126, 13],
] as const) {
  test(`"${command}" ends with ${exitCode} and never ran`, needs, async () => {
    const told = await runOnce({ argv: [command] });
    assert.equal(told.fail().errno, errno);
    assert.equal(told.exit.exitCode, exitCode);
    assert.equal(told.exit.neverRan, true);
    assert.equal(told.record.startedAt, null);
    assert.equal(told.record.failure?.errno, errno);
    assert.match(told.record.failure?.text ?? '', new RegExp(command));
  });
}

test('a file that is no program fails at exec, with 126', needs, async () => {
  for (const reaper of [false, true]) {
    await inPlace(async (place) => {
      writeFileSync(join(place.root, 'bin/garbage'), '\0\0\0', { mode: 0o755 });
      place.launch(place.plan({ argv: ['garbage'], reaper }));
      const told = await follow(await place.connect());
      assert.equal(told.fail().errno, 8);
      assert.equal(told.exit.exitCode, 126);
      assert.equal(place.record().exitCode, 126);
    });
  }
});

test('death by a signal is told with its sender', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'sleep'] }));
    const client = await place.connect();
    const told = await follow(client, (event) => {
      if (event.type === 'output') void client.signal(9);
    });
    assert.equal(told.exit.signal, 9);
    assert.equal(told.exit.exitCode, 137);
    assert.deepEqual(told.exit.sender, { pid: process.pid, uid: 0, signal: 9 });
    assert.deepEqual(place.record().sender, { pid: process.pid, uid: 0, signal: 9 });
  });
});

test('signals to the shim reach the init', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'trap', '15', '10'] }));
    const client = await place.connect();
    let text = '';
    let init = 0;
    const told = await follow(client, (event) => {
      if (event.type === 'status') init = event.pid;
      if (event.type !== 'output') return;
      text += Buffer.from(event.bytes).toString();
      if (text === 'ready\n') process.kill(Number(statusField(init, 'PPid')), 'SIGTERM');
      if (text === 'ready\ngot 15\n') void client.signal(10);
      if (text === 'ready\ngot 15\ngot 10\n') client.killAll();
    });
    assert.equal(told.exit.signal, 9);
    assert.equal(place.record().sender?.signal, 9);
  });
});

test('the death of the shim is the death of the container', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'sleep'] }));
    const client = await place.connect();
    let init = 0;
    await assert.rejects(
      follow(client, (event) => {
        if (event.type === 'status') init = event.pid;
        if (event.type === 'output') process.kill(Number(statusField(init, 'PPid')), 'SIGKILL');
      }),
    );
    assert.ok(await ended(init), 'the init lives on');
    assert.equal(existsSync(join(place.path, 'c/exit')), false);
  });
});

test('a container that nobody starts ends by itself', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['touch', '/ran'] }));
    const client = await place.connect();
    for await (const event of client.events) if (event.type === 'status' && event.state === 'created') break;
    client.close();
    assert.ok(await eventually(() => existsSync(join(place.path, 'c/exit'))));
    assert.equal(existsSync(join(place.root, 'ran')), false);
    assert.match(place.record().failure?.text ?? '', /nobody started/);
  });
});

test('reconcile runs after the exit, unless a client did the work', needs, async () => {
  for (const claimed of [false, true]) {
    await inPlace(async (place) => {
      const flag = join(place.path, 'reconciled');
      place.launch(
        place.plan({
          argv: ['true'],
          shim: { reconcile: ['/bin/sh', '-c', `env > ${flag}.new; mv ${flag}.new ${flag}`] },
        }),
      );
      const client = await place.connect({ stdout: true, reconciles: true });
      for await (const event of client.events) {
        if (event.type === 'status' && event.state === 'created') client.start();
      }
      await sleep(100);
      assert.equal(place.locked(), true, 'the shim waits for the client');
      if (claimed) rmSync(join(place.path, 'c'), { recursive: true });
      client.close();
      assert.ok(await eventually(() => !place.locked()));
      assert.equal(existsSync(join(place.path, 'c.sock')), false);
      assert.equal(await eventually(() => existsSync(flag), claimed ? 300 : 5000), !claimed);
      // The environment is what the shim was given, which no container can reach.
      if (!claimed) assert.match(readFileSync(flag, 'utf8'), /^MARK=given$/m);
    });
  }
});

test('pid 1 reaps and forwards when asked to', needs, async () => {
  const plain = await runOnce({ argv: ['onggi-probe', 'orphans', '5'] });
  assert.equal(plain.stdout, 'zombies 5\n');
  const reaped = await runOnce({ argv: ['onggi-probe', 'orphans', '5'], reaper: true });
  assert.equal(reaped.stdout, 'zombies 0\n');
  assert.equal((await runOnce({ argv: ['onggi-probe', 'exit', '9'], reaper: true })).exit.exitCode, 9);
  assert.equal((await runOnce({ argv: ['onggi-probe', 'signal-self', '15'], reaper: true })).exit.exitCode, 143);
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'trap', '12'], reaper: true }));
    const client = await place.connect();
    const told = await follow(client, (event) => {
      if (event.type !== 'output') return;
      if (Buffer.from(event.bytes).toString().startsWith('ready')) void client.signal(12);
      else void client.signal(15);
    });
    assert.equal(told.stdout, 'ready\ngot 12\n');
    assert.equal(told.exit.exitCode, 143);
  });
});

test('an idle shim takes no time and little memory', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'sleep'] }));
    const client = await place.connect();
    let shim = 0;
    const told = await follow(client, async (event) => {
      if (event.type === 'status') shim = Number(statusField(event.pid, 'PPid'));
      if (event.type !== 'output') return;
      // Beyond the time in which it waits for somebody to start the container.
      await sleep(10_500);
      const before = cpuTicks(shim);
      await sleep(500);
      assert.ok(cpuTicks(shim) - before <= 1);
      const pss = Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${shim}/smaps_rollup`, 'utf8'))?.[1]);
      // The sanitizers' own memory is not ours.
      if (process.env['ONGGI_LIBDIR'] === undefined) assert.ok(pss < 300, `${pss} kB`);
      client.killAll();
    });
    assert.equal(told.exit.exitCode, 137);
  });
});

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return Number(fields[13]) + Number(fields[14]);
}
