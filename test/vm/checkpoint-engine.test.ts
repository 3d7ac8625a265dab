/** Checkpoints of the engine's containers by criu(8), on a kernel that Debian's criu works with (boot.ts). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { probePath } from '../harness/busybox-image.ts';
import { eventually, type Running, start } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';

/** Counts in memory, at a file and on stdout; ends by SIGTERM with a status of its own. */
const counting =
  'trap "exit 7" TERM; i=0; while :; do i=$((i+1)); echo $i; echo $i >/tmp/n.new; mv /tmp/n.new /tmp/n; sleep 0.1; done';

/** Path on this machine of where the container's counter is. Commands take long here, so it is not asked by `exec`. */
async function counter(world: World, name: string): Promise<string> {
  return `/proc/${await world.ok(['inspect', '--format', '{{.State.Pid}}', name])}/root/tmp/n`;
}

async function goesOn(path: string, from = 0): Promise<number> {
  const count = () => (existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0);
  await eventually('it counts on', () => count() > from + 1);
  return count();
}

async function state(world: World, name: string): Promise<string> {
  return await world.ok(['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', name]);
}

async function refused(
  world: World,
  args: readonly string[],
  message: RegExp,
  env: Record<string, string> = {},
): Promise<void> {
  const { status, stderr } = await world.onggi(args, { env });
  assert.notEqual(status, 0, args.join(' '));
  assert.match(stderr, message);
}

systemTest('a container goes on from its checkpoint, under a shim of ours again', [], async (world) => {
  const flags = ['--restart', 'always', '-m', '64m', '-v', 'kept:/data', '-p', '18080:80'];
  flags.push('--sysctl', 'net.core.somaxconn=77', '--sysctl', 'net.ipv4.conf.eth0.forwarding=0');
  flags.push('--sysctl', 'kernel.msgmax=4000', '--link-local-ip', '169.254.7.7');
  await world.ok(['run', '-d', '--name', 'one', ...flags, world.image, 'sh', '-c', counting]);
  const first = await counter(world, 'one');
  const create = ['checkpoint', 'create'];
  await refused(world, [...create, 'one', 'none'], /run "criu": it is not installed.*Install criu/s, { PATH: '/none' });
  const at = await goesOn(first);
  assert.equal(await world.ok([...create, '--leave-running', 'one', 'early']), 'early');
  await goesOn(first, at);
  await refused(world, [...create, 'one', 'early'], /checkpoint with name early already exists/);
  assert.equal(await world.ok([...create, 'one', 'late']), 'late');
  // Its end was asked for: the restart policy leaves it.
  assert.equal(await state(world, 'one'), 'exited 137');
  assert.equal(await world.ok(['checkpoint', 'ls', 'one']), 'CHECKPOINT NAME\nearly\nlate');

  const lines = (await world.ok(['logs', 'one'])).split('\n').length;
  assert.equal(await world.ok(['start', '--checkpoint', 'late', 'one']), 'one');
  await goesOn(await counter(world, 'one'), lines + 1);
  // criu leaves the network empty, so what lives in it is set up anew; the rest is in the images.
  const parameters = [
    ...['net/core/somaxconn', 'net/ipv4/conf/eth0/forwarding', 'net/ipv4/ip_unprivileged_port_start'],
    'kernel/msgmax',
  ];
  const look = [
    ...['cat /sys/fs/cgroup/memory.max', 'ip -4 -o addr show eth0 | wc -l', 'ip addr | grep -c 169.254.7.7'],
    ...[`cd /proc/sys; cat ${parameters.join(' ')}`, 'echo x >/data/file'],
  ];
  const seen = (await world.ok(['exec', 'one', 'sh', '-c', look.join('; ')])).split('\n');
  assert.deepEqual(seen, [`${64 << 20}`, '2', '1', '77', '0', '0', '4000']);
  assert.match(await world.ok(['logs', 'one']), new RegExp(`^${lines}\n${lines + 1}$`, 'm'));
  await world.ok(['stop', 'one']);
  assert.equal(await state(world, 'one'), 'exited 7');

  const images = join(
    world.root,
    'containers',
    await world.ok(['inspect', '--format', '{{.Id}}', 'one']),
    'checkpoints',
  );
  writeFileSync(join(images, 'late/core-1.img'), Buffer.alloc(4096, 0xff));
  await refused(world, ['start', '--checkpoint', 'late', 'one'], /restore "one": criu failed: Error/);
  await world.ok(['checkpoint', 'rm', 'one', 'late']);
  assert.deepEqual(readdirSync(images), ['early']);
  await world.ok(['start', 'one']);
  await goesOn(await counter(world, 'one'));
  assert.equal((await world.ok(['logs', 'one'])).match(/^1$/gm)?.length, 2, 'it began anew');
  await world.ok(['rm', '-f', 'one']);
  await world.ok(['volume', 'rm', 'kept']);
});

systemTest('in a directory of the user, attached, without a network, under our own init', [], async (world) => {
  const place = ['--checkpoint-dir', join(world.scratch, 'points')];
  const script = 'echo ready; read line; echo "got $line"; exit 5';
  const flags = ['-i', '--init', '--name', 'two', '--network', 'none'];
  await world.ok(['run', '-d', ...flags, world.image, 'sh', '-c', script]);
  await world.ok(['checkpoint', 'create', ...place, 'two', 'here']);
  assert.equal(await world.ok(['checkpoint', 'ls', ...place, 'two']), 'CHECKPOINT NAME\nhere');
  const attached = await world.onggi(['start', '-ai', '--checkpoint', 'here', ...place, 'two'], { input: 'word\n' });
  assert.deepEqual([attached.status, attached.stdout.endsWith('got word\n')], [5, true], attached.stderr);
  assert.equal(await world.ok(['logs', 'two']), 'ready\ngot word');
  await refused(world, ['start', '--checkpoint', 'none', 'two'], /checkpoint none does not exist/);
  await world.ok(['rm', 'two']);
  await world.ok(['run', '-d', '--init', '--pid', 'host', '--name', 'more', world.image, 'sleep', '1000']);
  const message = /a container with --init together with --pid or a mount at \/dev is not supported/;
  await refused(world, ['checkpoint', 'create', 'more', 'none'], message);
  await world.ok(['rm', '-f', 'more']);
});

/** A command of onggi's at a terminal of 33 lines and 101 columns. */
function atTerminal(world: World, args: readonly string[]): Running {
  return start(probePath, ['terminal', '33', '101', binary, '--root', world.root, ...args]);
}

systemTest('a terminal goes on, and a user namespace with its ids', [], async (world) => {
  const script = [
    'echo x >/data/file',
    'while read line; do echo "got $line at $(tty), $(stty size)"; stat -c "%n %u" /data/file /etc/hosts; done',
    'exit 9',
  ].join('; ');
  const maps = ['--uidmap', '0:500000:65536', '--gidmap', '0:600000:65536'];
  const flags = ['--name', 'three', ...maps, '-v', 'kept:/data', '--device', '/dev/null:/dev/other', '--init'];
  await world.ok(['run', '-dit', ...flags, world.image, 'sh', '-c', script]);
  await world.ok(['exec', 'three', 'sh', '-c', 'until [ -e /data/file ]; do :; done']);
  await world.ok(['checkpoint', 'create', 'three', 'here']);
  const terminal = atTerminal(world, ['start', '-ai', '--checkpoint', 'here', 'three']);
  // Only then is there somebody who reads keys.
  await eventually('it runs', async () => (await state(world, 'three')).startsWith('running'));
  terminal.child.stdin?.write('first\r');
  await terminal.printed(/got first at \/dev\/pts\/0, 33 101\r\n\/data\/file 0\r\n\/etc\/hosts 0\r\n/);
  const pid = await world.ok(['inspect', '--format', '{{.State.Pid}}', 'three']);
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\t500000\t/m);
  const look =
    'cat /proc/self/uid_map; ls /sys/class/net; echo x >/dev/other; ping -c 1 -W 1 127.0.0.1 >/dev/null; echo $?';
  assert.equal((await world.ok(['exec', 'three', 'sh', '-c', look])).replace(/\s+/g, ' '), ' 0 500000 65536 eth0 lo 0');
  terminal.child.stdin?.write('\x04');
  assert.equal((await terminal.outcome).status, 9);
  assert.match(await world.ok(['logs', 'three']), /got first/);
  await world.ok(['rm', 'three']);
  await world.ok(['volume', 'rm', 'kept']);
});

systemTest('all privileges, an init of the user, and binds that follow the machine', [], async (world) => {
  const tree = join(world.scratch, 'tree');
  mkdirSync(join(tree, 'late'), { recursive: true });
  const mount = (...words: string[]) => execFileSync('mount', words);
  mount('-t', 'tmpfs', 'tree', tree);
  mount('--make-shared', tree);
  try {
    mkdirSync(join(tree, 'late'));
    await world.ok(['run', '-d', '--name', 'four', '--init', '--privileged', world.image, 'sh', '-c', counting]);
    const init = join(world.scratch, 'init');
    writeFileSync(init, '#!/bin/sh\nshift\n"$@" &\nwait\n', { mode: 0o755 });
    const flags = ['--init', '--init-path', init, '-v', `${tree}:/tree:rslave`];
    await world.ok(['run', '-d', '--name', 'five', ...flags, world.image, 'sh', '-c', counting]);
    for (const name of ['four', 'five']) {
      const at = await goesOn(await counter(world, name));
      await world.ok(['checkpoint', 'create', name, 'here']);
      await world.ok(['start', '--checkpoint', 'here', name]);
      await goesOn(await counter(world, name), at);
    }
    const command = (name: string) => world.ok(['exec', name, 'cat', '/proc/1/cmdline']);
    assert.match(await command('four'), /onggi-init/);
    assert.match(await command('five'), /^\/bin\/sh\0\/run\/onggi-init\0--\0/);
    mount('-t', 'tmpfs', 'late', join(tree, 'late'));
    assert.equal(await world.ok(['exec', 'five', 'grep', '-c', ' /tree/late ', '/proc/mounts']), '1');
    await world.ok(['rm', '-f', 'four', 'five']);
  } finally {
    execFileSync('umount', ['-l', tree]);
  }
});
