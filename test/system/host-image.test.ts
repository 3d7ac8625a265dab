/** The image `host`: this machine, copied on write, with what would let out of it hidden. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { openTerminal } from '../harness/terminal.ts';
import { inspect } from './container-view.ts';

const empty = { image: false };

async function inHost(world: World, flags: readonly string[], line: string): Promise<string> {
  return await world.ok(['run', '--rm', '--network', 'none', ...flags, 'host', 'sh', '-c', line]);
}

systemTest(
  'the machine’s files are there, and what is done to them stays inside',
  [],
  async (world) => {
    const given = join(world.scratch, 'given');
    const gone = join(world.scratch, 'gone');
    const made = join(world.scratch, 'made');
    writeFileSync(given, 'from the machine\n');
    writeFileSync(gone, 'still here\n');
    const line = `cat ${given} && echo changed >>${given} && rm ${gone} && echo new >${made} && cat ${given} ${made}; ls ${gone}`;
    const outcome = await world.onggi(['run', '--rm', '--network', 'none', 'host', 'sh', '-c', line]);
    assert.equal(outcome.stdout, 'from the machine\nfrom the machine\nchanged\nnew\n');
    assert.match(outcome.stderr, /No such file/);
    assert.deepEqual([readFileSync(given, 'utf8'), existsSync(made)], ['from the machine\n', false]);
    assert.equal(readFileSync(gone, 'utf8'), 'still here\n');
    assert.equal(await inHost(world, [], 'cat /etc/passwd'), readFileSync('/etc/passwd', 'utf8').trimEnd());
    // No image of that name comes into being, and no disk is copied.
    assert.equal(await world.ok(['images', '-aq']), '');
    assert.deepEqual(readdirSync(join(world.root, 'layers')), []);
  },
  empty,
);

systemTest(
  'a copy lives as long as its container, each has its own',
  [],
  async (world) => {
    const line = 'n=$(cat /var/tmp/onggi-count 2>/dev/null || echo 0); n=$((n+1)); echo $n | tee /var/tmp/onggi-count';
    for (const name of ['first', 'second']) {
      await world.ok(['create', '--name', name, '--network', 'none', 'host', 'sh', '-c', line]);
      assert.equal(await world.ok(['start', '-a', name]), '1');
    }
    assert.equal(await world.ok(['start', '-a', 'first']), '2');
    const { Image, Config, Path } = await inspect(world, 'first');
    assert.deepEqual([Image, Config['Image'], Path], ['', 'host', 'sh']);
    assert.equal(await world.ok(['ps', '-a', '--format', '{{.Image}}']), 'host\nhost');
    assert.equal(existsSync('/var/tmp/onggi-count'), false);
    await world.ok(['rm', 'first', 'second']);
    assert.deepEqual(readdirSync(join(world.root, 'containers')), []);
  },
  empty,
);

systemTest(
  'the store and the sockets of the machine’s programs are hidden, also from privileged ones',
  ['python3'],
  async (world) => {
    const socket = join(world.scratch, 'socket');
    const server = createServer((client) => client.end('reached'));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    using _ = { [Symbol.dispose]: () => server.close() };
    const secret = join(world.root, 'secret');
    mkdirSync(world.root, { recursive: true, mode: 0o700 });
    writeFileSync(secret, 'canary');
    const dial = `import socket; s = socket.socket(socket.AF_UNIX); print(s.connect_ex("${socket}"))`;
    for (const flags of [[], ['--privileged']]) {
      assert.equal(await inHost(world, flags, `ls -A /run ${world.root}`), `/run:\n\n${world.root}:`, `${flags}`);
      assert.match(await inHost(world, flags, `cat ${secret} 2>&1 || true`), /No such file/);
      // A socket that lies elsewhere is a name without a listener: ECONNREFUSED.
      assert.equal(await inHost(world, flags, `python3 -c '${dial}'`), '111', `${flags}`);
    }
    const searched = await inHost(world, [], `grep -rl canary ${world.scratch} 2>/dev/null; echo "$?"`);
    assert.equal(searched, '1');
  },
  empty,
);

systemTest(
  'other disks are copied on write, too',
  ['loop-device'],
  async (world) => {
    const [file, disk] = [join(world.scratch, 'disk.img'), join(world.scratch, 'a disk, mounted')];
    mkdirSync(disk);
    const make = `truncate -s 16M ${file} && mkfs.ext4 -q ${file} && mount -o loop ${file} "$0" && echo there >"$0/file"`;
    const made = await run('sh', ['-ec', make, disk]);
    assert.equal(made.status, 0, made.stderr);
    try {
      const line = `cat "${disk}/file"; echo inside >"${disk}/file"; echo more >"${disk}/more"; cat "${disk}/file"; ls "${disk}"`;
      assert.equal(await inHost(world, [], line), 'there\ninside\nfile\nlost+found\nmore');
      assert.deepEqual(readdirSync(disk), ['file', 'lost+found']);
      assert.equal(readFileSync(join(disk, 'file'), 'utf8'), 'there\n');
      assert.match(await inHost(world, ['--read-only'], `touch "${disk}/x" 2>&1 || true`), /Read-only file system/);
    } finally {
      const undone = await run('umount', [disk]);
      assert.equal(undone.status, 0, undone.stderr);
    }
  },
  empty,
);

systemTest(
  'confined like any other: users, capabilities, devices, processes, network',
  [],
  async (world) => {
    assert.equal(await inHost(world, ['-u', 'nobody'], 'id -un'), 'nobody');
    assert.equal(await inHost(world, [], 'echo $$; ls /sys/class/net'), '1\nlo');
    assert.match(await inHost(world, [], 'mount -t tmpfs x /mnt 2>&1 || true'), /(permission denied|not permitted)/i);
    assert.match(await inHost(world, [], '{ echo 0 >/proc/sys/kernel/panic; } 2>&1 || true'), /Read-only file system/);
    assert.equal(await inHost(world, [], 'find /dev -type b'), '');
    const id = await world.ok(['run', '-d', '--network', 'none', 'host', 'sleep', '1000']);
    assert.equal(await world.ok(['exec', id, 'sh', '-c', 'echo x >/etc/passwd; cat /etc/passwd']), 'x');
    const missing = await world.onggi(['run', '--rm', '--network', 'none', 'host', 'onggi-no-such-command']);
    assert.equal(missing.status, 127, missing.stderr);
  },
  empty,
);

systemTest(
  'a shell at a terminal; without a command it is one, too',
  ['python3'],
  async (world) => {
    const run = ['--root', world.root, 'run', '--rm', '-it', '--network', 'none'];
    await using shell = openTerminal(binary, [...run, '-e', 'PS1=jar> ', 'host', 'bash', '--norc', '--noprofile']);
    await shell.expect(/jar> /);
    shell.type('echo $((40 + 2)); touch /etc/onggi-was-here && ls /etc/onggi-was-here\r');
    await shell.expect(/42\r\n\/etc\/onggi-was-here\r\n/);
    shell.type('exit 4\r');
    assert.equal(await shell.exit, 4);
    assert.equal(existsSync('/etc/onggi-was-here'), false);
    assert.equal(await world.ok(['run', '--rm', '-i', '--network', 'none', 'host'], { input: 'echo $0' }), '/bin/sh');
  },
  empty,
);
