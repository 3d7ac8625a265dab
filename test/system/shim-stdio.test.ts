import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requires } from '../harness/requires.ts';
import { eventually, follow, inPlace, runOnce, statusField } from './shim-container.ts';

const needs = requires('root');

type Entry = { readonly log: string; readonly stream: string; readonly time: string };
const entries = (text: string): Entry[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);

test("log entries are Docker's, whatever the bytes", needs, async () => {
  const script = String.raw`printf 'a "quoted" \\ \t\001\n'; printf 'caf\303\251 \360\237\230\200 \342\200\250\n'; printf 'bad \377\303\n' >&2; printf 'no newline'`;
  const { log, stdout } = await runOnce({ argv: ['sh', '-c', script] });
  const all = entries(log);
  assert.deepEqual(
    all.filter(({ stream }) => stream === 'stdout').map((entry) => entry.log),
    ['a "quoted" \\ \t\u0001\n', 'café 😀 \u2028\n', 'no newline'],
  );
  assert.deepEqual(
    all.filter(({ stream }) => stream === 'stderr').map((entry) => entry.log),
    ['bad \ufffd\ufffd\n'],
  );
  for (const { time } of all) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assert.ok(Math.abs(Date.now() - Date.parse(all[0]?.time ?? '')) < 60_000);
  assert.match(log, /^\{"log":"a \\"quoted\\" \\\\ \\t\\u0001\\n","stream":"stdout","time":"/m);
  assert.equal(stdout.includes('no newline'), true);
});

test('long lines are split at 16384 bytes, not within a character', needs, async () => {
  const script = `head -c 40000 /dev/zero | tr '\\0' x; echo; i=0; while [ $i -lt 9000 ]; do printf 'ä'; i=$((i+1)); done; echo`;
  const { log } = await runOnce({ argv: ['sh', '-c', script] });
  const texts = entries(log).map((entry) => entry.log);
  assert.deepEqual(
    texts.slice(0, 3).map((text) => text.length),
    [16384, 16384, 40001 - 2 * 16384],
  );
  assert.equal(texts.slice(3).join(''), `${'ä'.repeat(9000)}\n`);
  assert.ok(texts.every((text) => Buffer.byteLength(text) <= 16384));
});

test('logs rotate by size and count, and lose nothing between', needs, async () => {
  await inPlace(async (place) => {
    const path = join(place.path, 'c.log');
    place.launch(
      place.plan({
        argv: ['onggi-probe', 'output', '3000', '100'],
        shim: { log: { path, maxSize: 100_000n, maxFiles: 3 } },
      }),
    );
    await follow(await place.connect());
    const files = [`${path}.2`, `${path}.1`, path].map((file) => readFileSync(file, 'utf8'));
    assert.throws(() => statSync(`${path}.3`));
    for (const text of files.slice(0, 2)) assert.ok(text.length >= 100_000 && text.length < 120_000, `${text.length}`);
    const numbers = files.flatMap((text) => entries(text)).map((entry) => Number.parseInt(entry.log, 10));
    assert.equal(numbers.at(-1), 2999);
    assert.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, index) => 3000 - numbers.length + index),
    );
  });
});

test('a full disk costs log entries, not the container', needs, async () => {
  await inPlace(async (place) => {
    const disk = join(place.path, 'disk');
    mkdirSync(disk);
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status, 0);
    try {
      const path = join(disk, 'log');
      const argv = ['onggi-probe', 'output', '2000', '100'];
      place.launch(place.plan({ argv, shim: { log: { path, maxSize: 0n, maxFiles: 1 } } }));
      const told = await follow(await place.connect());
      assert.equal(told.exit.exitCode, 0);
      assert.equal(told.stdout.split('\n').length, 2001);
      const text = readFileSync(path, 'utf8');
      assert.ok(text.length > 10_000 && text.endsWith('}\n'));
      // Whole entries, none torn.
      for (const entry of entries(text)) assert.match(entry.log, /^\d+ x+\n$/);
    } finally {
      assert.ok(await eventually(() => spawnSync('umount', [disk]).status === 0));
    }
  });
});

test('a reader that stops stops the writer; all of it arrives', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'output', '200000', '100'], shim: { log: null } }));
    const client = await place.connect();
    let seen = 0;
    let paused = false;
    const told = await follow(client, async (event) => {
      if (event.type !== 'output') return;
      seen += event.bytes.length;
      if (paused || seen < 100_000) return;
      paused = true;
      await sleep(300);
    });
    assert.equal(told.exit.exitCode, 0);
    assert.equal(told.stdout.length, 20_000_000);
    const lines = told.stdout.split('\n');
    assert.equal(lines.length, 200_001);
    assert.ok(lines.slice(0, -1).every((line, index) => line.startsWith(`${index} `)));
  });
});

test('a client that leaves no longer holds anything up', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'output', '50000', '100'] }));
    const stuck = await place.connect({ stdout: true });
    const quiet = await place.connect({ reconciles: true });
    for await (const event of quiet.events) if (event.type === 'status' && event.state === 'created') break;
    quiet.start();
    await sleep(200);
    stuck.close();
    assert.ok(await eventually(() => place.log().includes('"49999 ')));
    quiet.close();
  });
});

test('stdin arrives whole and ends', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['wc', '-c'], shim: { stdin: true, stdinOnce: true } }));
    const client = await place.connect({ stdin: true, stdout: true, reconciles: true });
    const told = await follow(client, async (event) => {
      if (event.type !== 'status' || event.state !== 'running') return;
      await client.write(new Uint8Array(1_000_000));
      client.closeStdin();
    });
    assert.equal(told.stdout, '1000000\n');
  });
});

test('stdin of a client that leaves ends with it, once', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['cat'], shim: { stdin: true, stdinOnce: true } }));
    const watcher = await place.connect({ stdout: true, reconciles: true });
    const told = await follow(watcher, async (event) => {
      if (event.type !== 'status' || event.state !== 'running') return;
      const writer = await place.connect({ stdin: true });
      await writer.write(Buffer.from('last words'));
      writer.close();
    });
    assert.equal(told.stdout, 'last words');
    assert.equal(told.exit.exitCode, 0);
  });
});

test('what a client has written counts, also when the shim sees it leave first', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['cat'], shim: { stdin: true, stdinOnce: true } }));
    const watcher = await place.connect({ stdout: true, reconciles: true });
    const told = await follow(watcher, async (event) => {
      if (event.type !== 'status' || event.state !== 'running') return;
      const shim = Number(statusField(event.pid, 'PPid'));
      const writer = await place.connect({ stdin: true });
      await writer.write(Buffer.from('first '));
      process.kill(shim, 'SIGSTOP');
      const late = await place.connect({ stdin: true });
      await late.write(Buffer.from('last words'));
      late.close();
      writer.close();
      process.kill(shim, 'SIGCONT');
    });
    assert.equal(told.stdout, 'first last words');
  });
});

test('without stdin the container reads the end of file', needs, async () => {
  const told = await runOnce({ argv: ['sh', '-c', 'wc -c; readlink /proc/self/fd/0'] });
  assert.equal(told.stdout, '0\n/dev/null\n');
});

test('a terminal has a size, a controller and a console', needs, async () => {
  await inPlace(async (place) => {
    const shim = { terminal: true, stdin: true };
    place.launch(place.plan({ argv: ['sh', '-c', 'onggi-probe; stat -c %t:%T /dev/console; cat'], shim }));
    const client = await place.connect({ stdin: true, stdout: true, reconciles: true });
    let text = '';
    const told = await follow(client, async (event) => {
      if (event.type !== 'output') return;
      text += Buffer.from(event.bytes).toString();
      if (/88:0\r\n$/.test(text)) await client.write(Buffer.from('typed\n\x04'));
    });
    const report = JSON.parse(told.stdout.slice(0, told.stdout.indexOf('\n'))) as { terminal: object };
    const name = '/dev/pts/0';
    assert.deepEqual(report.terminal, { name, rows: 24, columns: 80, controlling: true, foreground: true });
    assert.ok(told.stdout.endsWith('typed\r\ntyped\r\n'), told.stdout.slice(-100));
    assert.equal(told.exit.exitCode, 0);
    assert.equal(entries(place.log()).at(-1)?.log, 'typed\r\n');
  });
});

test('a terminal is resized, and the command hears of it', needs, async () => {
  await inPlace(async (place) => {
    const script = 'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done';
    place.launch(place.plan({ argv: ['sh', '-c', script], shim: { terminal: true, stdin: true } }));
    const client = await place.connect({ stdout: true, reconciles: true });
    const told = await follow(client, (event) => {
      if (event.type === 'output' && Buffer.from(event.bytes).toString().startsWith('ready')) client.resize(40, 132);
    });
    assert.equal(told.stdout, 'ready\r\n40 132\r\n');
  });
});

test('a terminal gives ^C to the foreground, with and without a reaper', needs, async () => {
  for (const reaper of [false, true]) {
    await inPlace(async (place) => {
      const argv = ['sh', '-c', 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.05; done'];
      place.launch(place.plan({ argv, reaper, shim: { terminal: true, stdin: true } }));
      const client = await place.connect({ stdin: true, stdout: true, reconciles: true });
      const told = await follow(client, async (event) => {
        if (event.type === 'output' && Buffer.from(event.bytes).toString().startsWith('ready')) {
          await client.write(Buffer.from('\x03'));
        }
      });
      assert.match(told.stdout, /interrupted/);
      assert.equal(told.exit.exitCode, 5);
    });
  }
});

test('input that fills a turn of the shim to the last byte arrives', { ...needs, timeout: 30_000 }, async () => {
  await inPlace(async (place) => {
    // 16 reads of 4096 bytes, header included: what the last of them brings must not wait for more to come.
    const bytes = new Uint8Array(16 * 4096 - 8);
    const argv = ['sh', '-c', `head -c ${bytes.length} | wc -c`];
    place.launch(place.plan({ argv, shim: { stdin: true } }));
    const client = await place.connect({ stdin: true, stdout: true, reconciles: true });
    const told = await follow(client, async (event) => {
      if (event.type !== 'status' || event.state !== 'running') return;
      const shim = Number(statusField(event.pid, 'PPid'));
      process.kill(shim, 'SIGSTOP');
      await eventually(() => statusField(shim, 'State')?.startsWith('T') === true);
      await client.write(bytes);
      process.kill(shim, 'SIGCONT');
    });
    assert.equal(told.stdout.trim(), String(bytes.length));
  });
});
