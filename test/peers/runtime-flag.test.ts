/** Debian's runc and crun by `run --runtime`: they make the container, the shim keeps it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { eventually, run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { openTerminal } from '../harness/terminal.ts';

for (const runtime of ['runc', 'crun'] as const) {
  systemTest(`${runtime}: output, exit status, user, volume, log`, [runtime], async (world) => {
    const once = (...words: readonly string[]) => world.onggi(['run', '--rm', '--runtime', runtime, ...words]);
    const seven = await once('--network', 'none', world.image, 'sh', '-c', 'echo out; echo err >&2; exit 7');
    assert.deepEqual([seven.status, seven.stdout, seven.stderr], [7, 'out\n', 'err\n']);
    const piped = await world.onggi(
      ['run', '-i', '--rm', '--runtime', runtime, '--network', 'none', world.image, 'cat'],
      { input: 'typed' },
    );
    assert.equal(piped.stdout, 'typed', piped.stderr);
    const user = await once('--network', 'none', '-u', '1234:99', '--group-add', '98', world.image, 'id', '-G');
    assert.equal(user.stdout, '99 98\n', user.stderr);
    const missing = await once('--network', 'none', world.image, 'nosuch');
    assert.equal(missing.status, 127);
    assert.match(missing.stderr, /^onggi: .*nosuch.* not found in \$PATH/);
    assert.equal(missing.stderr.match(/nosuch/g)?.length, 1, 'said once');
    const filled = await once('--network', 'none', '-v', 'filled:/bin', world.image, 'true');
    assert.equal(filled.status, 0, filled.stderr);
    const volume = await once('--network', 'none', '-v', 'filled:/v', world.image, 'ls', '/v');
    assert.match(volume.stdout, /^busybox$/m);
    const shared = join(world.scratch, 'made');
    assert.equal((await once('-v', `${shared}:/s`, world.image, 'touch', '/s/x')).status, 0);
    assert.ok(existsSync(join(shared, 'x')));
    const file = '/sys/fs/cgroup/memory/memory.limit_in_bytes';
    const limit = `cat ${file} 2>/dev/null || cat /sys/fs/cgroup/memory.max`;
    const limited = await once('-m', '32m', '--network', 'none', world.image, 'sh', '-c', limit);
    assert.equal(limited.stdout, `${32 << 20}\n`, limited.stderr);
    assertNothingLeft(world);
  });

  systemTest(`${runtime}: in the background: exec, pause, logs, stop, start again, rm -f`, [runtime], async (world) => {
    const command = 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done';
    const checked = ['-p', '127.0.0.1:18089:80', '--health-cmd', 'test -e /bin/sh', '--health-interval', '50ms'];
    await world.ok(['run', '-d', '--name', 'one', ...checked, '--runtime', runtime, world.image, 'sh', '-c', command]);
    assert.equal(
      await world.ok(['inspect', '-f', '{{.HostConfig.Runtime}} {{.State.Status}}', 'one']),
      `${runtime} running`,
    );
    const pid = await world.ok(['inspect', '-f', '{{.State.Pid}}', 'one']);
    const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    assert.equal(readFileSync(`/proc/${parent}/comm`, 'utf8'), 'onggi-shim\n');
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(world.root));
    // runc says that it runs before it has executed it.
    await eventually('up', async () => (await world.ok(['logs', 'one'])) === 'up');
    assert.equal(await world.ok(['exec', 'one', 'sh', '-c', 'echo in; cat /proc/1/comm']), 'in\nsh');
    assert.match(await world.ok(['exec', 'one', 'ip', 'addr', 'show', 'eth0']), /inet \d/);
    await eventually('healthy', async () => {
      return (await world.ok(['inspect', '-f', '{{.State.Health.Status}}', 'one'])) === 'healthy';
    });
    const server = ['exec', '-d', 'one', 'sh', '-c', 'while :; do echo answer | nc -l -p 80; done'];
    await world.ok(server);
    await eventually(
      'published',
      async () => (await run('/bin/busybox', ['nc', '127.0.0.1', '18089'])).stdout === 'answer\n',
    );
    await world.ok(['pause', 'one']);
    assert.equal(await world.ok(['inspect', '-f', '{{.State.Status}}', 'one']), 'paused');
    await world.ok(['unpause', 'one']);
    await world.ok(['stop', 'one']);
    assert.equal(await world.ok(['inspect', '-f', '{{.State.ExitCode}}', 'one']), '5');
    assertNothingLeft(world);
    await world.ok(['start', 'one']);
    await eventually('up again', async () => (await world.ok(['logs', 'one'])) === 'up\nup');
    await world.ok(['rm', '-f', 'one']);
    assertNothingLeft(world);
  });

  systemTest(`${runtime}: a terminal`, [runtime, 'python3'], async (world) => {
    await using terminal = openTerminal(binary, [
      ...['--root', world.root, 'run', '--rm', '-it', '--runtime', runtime],
      ...['--network', 'none', world.image, 'sh', '-c', 'tty; read line; echo "got $line"; exit 3'],
    ]);
    await terminal.expect(/\/dev\/pts\/\d|\/dev\/console/);
    terminal.type('word\r');
    await terminal.expect(/got word/);
    assert.equal(await terminal.exit, 3);
  });

  systemTest(`${runtime}: its shim is killed`, [runtime], async (world) => {
    await world.ok([
      'run',
      '-d',
      '--name',
      'one',
      '--runtime',
      runtime,
      '--network',
      'none',
      world.image,
      'sleep',
      '1000',
    ]);
    const pid = await world.ok(['inspect', '-f', '{{.State.Pid}}', 'one']);
    const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    process.kill(Number(parent), 'SIGKILL');
    const status = () => world.ok(['ps', '-a', '--format', '{{.Status}}']);
    await eventually('seen to have ended', async () => (await status()).startsWith('Exited'));
    assert.equal(existsSync(`/proc/${pid}/root/bin`), false);
    await world.ok(['rm', 'one']);
    assertNothingLeft(world);
  });
}

systemTest('a runtime that is none', [], async (world) => {
  const unknown = await world.onggi(['run', '--rm', '--runtime', 'nosuch', world.image, 'true']);
  assert.equal(unknown.status, 125);
  assert.match(unknown.stderr, /unknown or invalid runtime name: nosuch/);
  // Is executed, makes nothing and says nothing.
  const useless = await world.onggi(['run', '--rm', '--runtime', '/bin/false', world.image, 'true']);
  assert.equal(useless.status, 125);
  assert.match(useless.stderr, /false create ended with wait status 0x100/);
  const lazy = await world.onggi(['run', '--rm', '--runtime', '/bin/true', world.image, 'true']);
  assert.equal(lazy.status, 125);
  assert.match(lazy.stderr, /\/bin\/true: it says that it has made process ""/);
  const refused = await world.onggi(['run', '--rm', '--runtime', 'runc', '--init', world.image, 'true']);
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /--runtime with --init/);
  assertNothingLeft(world);
});

systemTest('a runtime that hangs is killed, and what it has made is taken back', ['crun'], async (world) => {
  const env = { ONGGI_RUNTIME_TIMEOUT: '1' };
  for (const verb of ['create', 'start']) {
    const program = join(world.scratch, `hangs-at-${verb}`);
    const script = `#!/bin/sh\ncase " $* " in *" ${verb} "*) exec sleep 1000;; esac\nexec crun "$@"\n`;
    writeFileSync(program, script, { mode: 0o755 });
    const run = ['run', '--name', 'one', '--network', 'none', '--runtime', program, world.image, 'true'];
    const { status, stderr } = await world.onggi(run, { env });
    assert.equal(status, 125, stderr);
    assert.match(stderr, new RegExp(`hangs-at-${verb} ${verb}" did not end within 1 s and was killed`));
    assert.equal(await world.ok(['ps', '-a', '--format', '{{.Status}}']), 'Created');
    await world.ok(['rm', 'one']);
    assertNothingLeft(world);
  }
});

/** Of bundles, whose places begin as the sockets of shims. */
function assertNothingLeft(world: World): void {
  const sockets = join(world.root, 'run', 's');
  const left = existsSync(sockets) ? readdirSync(sockets).filter((name) => name.endsWith('.rt')) : [];
  assert.deepEqual(
    left.map((name) => basename(name)),
    [],
  );
}
