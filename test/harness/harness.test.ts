/** The judge is judged: each kind of leak is made on purpose and must be seen, and seen to go. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { busyboxTar } from './busybox-image.ts';
import { findLeaks, snapshot } from './leaks.ts';
import { lockMachine } from './machine-lock.ts';
import { run, start } from './program.ts';
import { basic, startRegistry } from './registry.ts';
import { type Need, requires } from './requires.ts';
import { makeScratch } from './scratch.ts';
import { openTerminal } from './terminal.ts';

/** Makes a leak, looks, undoes it, looks again. */
async function seen(pattern: RegExp, make: () => void | Promise<void>, undo: () => void | Promise<void>) {
  await lockMachine();
  const before = snapshot();
  await make();
  const found = await findLeaks(before, 200).finally(undo);
  assert.ok(
    found.some((line) => pattern.test(line)),
    `${pattern} not among:\n${found.join('\n')}`,
  );
  assert.deepEqual(
    (await findLeaks(before)).filter((line) => pattern.test(line)),
    [],
  );
}

function must(command: string, ...args: string[]): void {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(result.status, 0, `${command} ${args.join(' ')}: ${result.stderr}`);
}

test('a process left behind is a leak', requires('root'), async () => {
  let sleeper: ReturnType<typeof start> | undefined;
  await seen(
    /^process: \d+ sleep 100/,
    () => {
      sleeper = start('sleep', ['100']);
    },
    async () => {
      sleeper?.child.kill('SIGKILL');
      await sleeper?.outcome;
    },
  );
});

test('a mount left behind is a leak', requires('root'), async () => {
  await using scratch = makeScratch();
  await seen(
    /^mount: \/tmp\/.*onggi-.* \(tmpfs leaky/,
    () => must('mount', '-t', 'tmpfs', 'leaky', scratch.path),
    () => must('umount', scratch.path),
  );
});

test('a cgroup directory left behind is a leak', requires('root', 'cgroup-v1'), async () => {
  const path = '/sys/fs/cgroup/pids/onggi-harness-leak';
  await seen(
    /^cgroup: .*onggi-harness-leak/,
    () => mkdirSync(path),
    () => rmdirSync(path),
  );
});

test('a link left behind is a leak', requires('root', 'veth', 'ip'), async () => {
  await seen(
    /^link: onggileak0/,
    () => must('ip', 'link', 'add', 'onggileak0', 'type', 'veth', 'peer', 'name', 'onggileak1'),
    () => must('ip', 'link', 'del', 'onggileak0'),
  );
});

test('a rule left behind is a leak, its counters are not', requires('root', 'nf_tables'), async () => {
  await seen(
    /^nft: table ip onggi_leak \/ chain c \/ counter .*accept/,
    () => must('nft', 'table ip onggi_leak { chain c { counter accept; }; }'),
    () => must('nft', 'delete', 'table', 'ip', 'onggi_leak'),
  );
});

test('a descriptor left open is a leak', requires('root'), async () => {
  let fd = -1;
  await seen(
    /^descriptor: \d+ -> \/etc\/passwd/,
    () => {
      fd = openSync('/etc/passwd', 'r');
    },
    () => closeSync(fd),
  );
  const server = createServer();
  await seen(
    /^descriptor: \d+ -> socket:/,
    () => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve())),
    () => new Promise<void>((resolve) => server.close(() => resolve())),
  );
});

test('an unknown word in requires() fails', () => {
  assert.throws(() => requires('rooot' as Need), /requires\("rooot"\): not one of root, overlay/);
});

test('a program that takes too long is killed and told', async () => {
  await assert.rejects(run('sleep', ['60'], { timeout: 50 }), /"sleep 60" did not end within \d+ ms/);
});

test('a program is fed and its status and output are kept', async () => {
  const outcome = await run('sh', ['-c', 'cat; echo problem >&2; exit 3'], { input: 'text' });
  assert.deepEqual(outcome, { status: 3, signal: null, stdout: 'text', stderr: 'problem\n' });
});

test('a terminal relays keys, size and status', requires('python3'), async () => {
  await using terminal = openTerminal('sh', ['-c', 'stty size; read x; stty size; echo "got $x"; exit 7'], {
    rows: 30,
    columns: 100,
  });
  await terminal.expect(/30 100\r\n/);
  terminal.resize({ rows: 40, columns: 120 });
  terminal.type('keys\r');
  await terminal.expect(/40 120\r\ngot keys\r\n/);
  assert.equal(await terminal.exit, 7);
});

test(
  'the test image has a shell, the probe when built, and the files programs expect',
  requires('busybox'),
  async () => {
    const listing = await run('tar', ['-tf', await busyboxTar()]);
    const names = new Set(listing.stdout.split('\n'));
    for (const name of ['./bin/busybox', './bin/sh', './etc/passwd', './www/index.html'])
      assert.ok(names.has(name), name);
  },
);

test('a registry takes blobs from whom it knows', requires('docker-registry', 'htpasswd'), async () => {
  await using registry = await startRegistry({ user: 'jar', password: 'lid' });
  const digest = await registry.putBlob('some/thing', Buffer.from('bytes'));
  const url = `http://${registry.host}/v2/some/thing/blobs/${digest}`;
  assert.equal((await fetch(url)).status, 401);
  const headers = { authorization: basic({ user: 'jar', password: 'lid' }) };
  assert.equal(await (await fetch(url, { headers })).text(), 'bytes');
});
