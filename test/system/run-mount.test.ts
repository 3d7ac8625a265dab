/** `onggi run`: binds of the host's directories and files, tmpfs, the read-only root. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/program.ts';
import { systemTest } from '../harness/system-test.ts';
import { inspect, linesOf, reportOf, shell } from './container-view.ts';

systemTest('a bind is the host’s directory, both ways', ['busybox'], async (world) => {
  const source = join(world.scratch, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'given'), 'from the host');
  chownSync(join(source, 'given'), 1234, 50);
  assert.equal(
    await shell(
      world,
      ['-v', `${source}:/mnt/deep/place`],
      'cd /mnt/deep/place; cat given; stat -c " %u:%g" given; echo back >made',
    ),
    'from the host 1234:50',
  );
  assert.equal(readFileSync(join(source, 'made'), 'utf8'), 'back\n');
  assert.equal(statSync(join(source, 'made')).uid, 0);
});

systemTest(':ro keeps every mount below it from being written', ['busybox'], async (world) => {
  const source = join(world.scratch, 'source');
  mkdirSync(join(source, 'sub'), { recursive: true });
  const tried = 'touch /x/a; touch /x/sub/b; mount -o remount,rw /x; touch /x/a; cat /x/sub/there';
  const inside = `mount -t tmpfs inner ${source}/sub && echo kept >${source}/sub/there && exec "$@"`;
  const onggi = [process.env['ONGGI_BINARY'] ?? 'dist/onggi', '--root', world.root];
  // A mount below the source, in a mount namespace of the caller's: the machine's stays as it is.
  const flags = ['run', '--rm', '--network', 'none', '-v', `${source}:/x:ro`, world.image, 'sh', '-c', tried];
  const { stdout, stderr, status } = await run('unshare', ['-m', 'sh', '-c', inside, 'sh', ...onggi, ...flags]);
  assert.equal(stdout, 'kept\n');
  assert.equal(status, 0);
  assert.equal(stderr.match(/touch: .*: Read-only file system/g)?.length, 3, stderr);
  assert.deepEqual(readdirSync(source), ['sub']);
  const below = async (word: string): Promise<string> => {
    const mount = `type=bind,source=${source},target=/x,readonly,bind-recursive=${word}`;
    const look = 'touch /x/a; touch /x/sub/b; ls /x/sub';
    const words = ['run', '--rm', '--network', 'none', '--mount', mount, world.image, 'sh', '-c', look];
    const said = await run('unshare', ['-m', 'sh', '-c', inside, 'sh', ...onggi, ...words]);
    return said.stdout + said.stderr.replace(/^touch: (.*): Read-only.*$/gm, 'not $1');
  };
  assert.equal(await below('writable'), 'b\nthere\nnot /x/a\n');
  assert.equal(await below('disabled'), 'not /x/a\nnot /x/sub/b\n');
});

systemTest('a missing source becomes a directory with -v, an error with --mount', ['busybox'], async (world) => {
  const missing = join(world.scratch, 'not', 'there');
  assert.equal(await shell(world, ['-v', `${missing}:/x`], 'ls -A /x; stat -c "%F %a %u:%g" /x'), 'directory 755 0:0');
  assert.ok(statSync(missing).isDirectory());
  const other = join(world.scratch, 'neither');
  const flags = ['--mount', `type=bind,source=${other},target=/x`];
  const { status, stderr } = await world.onggi(['run', '--rm', '--network', 'none', ...flags, world.image, 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /bind source path does not exist: \/.*\/neither/);
  assert.ok(!existsSync(other));
});

systemTest('files are bound too, over files of the image or where none is', ['busybox'], async (world) => {
  const file = join(world.scratch, 'file');
  writeFileSync(file, 'mine:x:7:7::/:/bin/sh\n');
  const flags = ['-v', `${file}:/etc/passwd:ro`, '-v', `${file}:/new/place/name`, '-u', 'mine'];
  assert.equal(await shell(world, flags, 'id -u; cat /new/place/name'), '7\nmine:x:7:7::/:/bin/sh');
  const write = '(echo >>/etc/passwd) 2>&1 || true; echo >>/new/place/name';
  assert.match(await shell(world, flags.slice(0, -2), write), /Read-only file system/);
  assert.equal(readFileSync(file, 'utf8'), 'mine:x:7:7::/:/bin/sh\n\n');
});

systemTest(
  'a bind replaces what is usually there, and /etc/hosts is the container’s own otherwise',
  ['busybox'],
  async (world) => {
    const file = join(world.scratch, 'hosts');
    writeFileSync(file, '10.9.8.7 mine\n');
    assert.equal(await shell(world, ['-v', `${file}:/etc/hosts`], 'cat /etc/hosts'), '10.9.8.7 mine');
    const before = readFileSync('/etc/hosts', 'utf8');
    assert.match(await shell(world, [], 'echo 1.2.3.4 other >>/etc/hosts && cat /etc/hosts'), /1\.2\.3\.4 other/);
    assert.equal(readFileSync('/etc/hosts', 'utf8'), before);
    const shm = join(world.scratch, 'shm');
    mkdirSync(shm);
    writeFileSync(join(shm, 'mark'), '');
    assert.equal(await shell(world, ['-v', `${shm}:/dev/shm`], 'ls /dev/shm'), 'mark');
  },
);

systemTest('mounts inside mounts, whatever the order of the flags', ['busybox'], async (world) => {
  for (const name of ['outer', 'inner']) {
    mkdirSync(join(world.scratch, name));
    writeFileSync(join(world.scratch, name, name), '');
  }
  mkdirSync(join(world.scratch, 'outer/in'));
  const [outer, inner] = [`${world.scratch}/outer:/m:ro`, `${world.scratch}/inner:/m/in`];
  for (const flags of [
    ['-v', outer, '-v', inner],
    ['-v', inner, '-v', outer],
  ]) {
    assert.equal(
      await shell(world, flags, 'ls /m /m/in; touch /m/in/w; touch /m/w 2>/dev/null || echo ro'),
      '/m:\nin\nouter\n\n/m/in:\ninner\nro',
    );
    await run('rm', [join(world.scratch, 'inner/w')]);
  }
  assert.deepEqual(readdirSync(join(world.scratch, 'outer/in')), []);
  const twice = await world.onggi(['run', '--rm', '-v', outer, '-v', `${world.scratch}/inner:/m`, world.image, 'true']);
  assert.equal(twice.status, 125);
  assert.match(twice.stderr, /Duplicate mount point: \/m/);
});

systemTest('of several mounts on one path Docker’s is there', ['busybox'], async (world) => {
  const [a = '', b = ''] = ['a', 'b'].map((name) => {
    mkdirSync(join(world.scratch, name));
    writeFileSync(join(world.scratch, name, 'file'), name);
    return join(world.scratch, name);
  });
  const look = 'cat /p/file 2>/dev/null; grep " /p " /proc/self/mountinfo | grep -o "size=.*k" || echo none';
  const seen = async (...flags: readonly string[]): Promise<readonly string[]> =>
    (await shell(world, flags, look)).split('\n');
  const bound = `type=bind,source=${b},target=/p`;
  assert.deepEqual(await seen('-v', `${a}:/p`, '-v', `${a}:/p`), ['anone']);
  assert.deepEqual(await seen('-v', '/p', '-v', `${a}:/p`, '-v', '/p/'), ['anone']);
  assert.deepEqual(await seen('--mount', bound, '--tmpfs', '/p:size=1m', '--tmpfs', '/p:size=2m'), ['size=2048k']);
  const both = ['--mount', 'type=tmpfs,target=/p,tmpfs-size=1m', '--tmpfs', '/p:size=2m'];
  assert.deepEqual(await seen(...both), ['size=1024k']);
  for (const [name, source] of [
    ['first', a],
    ['last', b],
  ] as const) {
    await world.ok(['create', '--name', name, '-v', `${source}:/p`, world.image, 'true']);
  }
  const others = ['--volumes-from', 'first', '--volumes-from', 'last'];
  assert.deepEqual(await seen(...others, '-v', '/p'), ['bnone']);
  assert.deepEqual(await seen(...others, '-v', `${a}:/p`), ['anone']);
  assert.deepEqual(await seen(...others, '--tmpfs', '/p:size=1m'), ['size=1024k']);
  assert.equal(await world.ok(['volume', 'ls', '-q']), '');
  const refused = await world.onggi(['run', '-v', `${a}:/p`, '--tmpfs', '/p', world.image, 'true']);
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /^onggi: Duplicate mount point: \/p\nName each path/);
  const told = await world.onggi(['create', '--mount', bound, '--tmpfs', '/p', '-v', '/q', world.image, 'true']);
  assert.match(told.stderr, /^WARNING: --mount on \/p has no effect: --tmpfs names the same path$/m);
  const { Config, Mounts } = await inspect(world, told.stdout.trim());
  assert.deepEqual(Config['Volumes'], { '/q': {} });
  assert.ok(Mounts.every((mount) => mount['Destination'] !== '/p' || mount['Type'] === 'tmpfs'));
});

systemTest('a symlink as the target stays inside the container', ['busybox'], async (world) => {
  const tree = join(world.scratch, 'tree');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  await run('cp', ['/bin/busybox', join(tree, 'bin/sh')]);
  const outside = join(world.scratch, 'outside');
  mkdirSync(outside);
  // Absolute, and by more .. than there are directories: both mean the container's own root.
  symlinkSync(outside, join(tree, 'absolute'));
  symlinkSync(`../../../../../../../../..${outside}`, join(tree, 'climbing'));
  const tar = join(world.scratch, 'tree.tar');
  await run('tar', ['-C', tree, '-cf', tar, '.']);
  await world.ok(['import', tar, 'links']);
  const source = join(world.scratch, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'mark'), '');
  for (const target of ['/absolute/made', '/climbing/made']) {
    const flags = ['run', '--rm', '--network', 'none', '-v', `${source}:${target}`];
    assert.equal(await world.ok([...flags, 'links', 'sh', '-c', `cd ${outside}/made && echo *`]), 'mark');
  }
  assert.deepEqual(readdirSync(outside), [], 'the container’s set-up wrote to the host');
});

systemTest('a source that is a symlink is followed on the host', ['busybox'], async (world) => {
  mkdirSync(join(world.scratch, 'real'));
  writeFileSync(join(world.scratch, 'real/mark'), '');
  symlinkSync('real', join(world.scratch, 'link'));
  assert.equal(await shell(world, ['-v', `${world.scratch}/link:/x`], 'ls /x'), 'mark');
});

systemTest('tmpfs: size, mode, options', ['busybox'], async (world) => {
  const options = async (flag: string, path: string) => {
    const { mountinfo } = await reportOf(world, ['--tmpfs', flag]);
    const line = mountinfo.find((each) => each.split(' ')[4] === path)?.split(' ') ?? [];
    return [line[5], line.at(-1)];
  };
  assert.deepEqual(await options('/t', '/t'), ['rw,nosuid,nodev,noexec,relatime', 'rw']);
  assert.deepEqual(await options('/t:exec,size=1m,uid=7', '/t'), ['rw,nosuid,nodev,relatime', 'rw,size=1024k,uid=7']);
  assert.equal(await shell(world, ['--tmpfs', '/t'], 'stat -c %a /t'), '1777');
  assert.equal(await shell(world, ['--tmpfs', '/www:mode=750'], 'ls -A /www; stat -c %a /www'), '750');
  const full = await shell(world, ['--tmpfs', '/t:size=64k'], 'dd if=/dev/zero of=/t/f bs=128k count=1 2>&1; true');
  assert.match(full, /No space left on device/);
  for (const [flag, message] of [
    ['rel', /absolute/],
    ['/', /"\/"/],
    ['/t:size=1m,bad option', /invalid option "bad option"/],
    ['/t:size=abc', /invalid argument/],
  ] as const) {
    const outcome = await world.onggi(['run', '--rm', '--network', 'none', '--tmpfs', flag, world.image, 'true']);
    assert.equal(outcome.status, 125, flag);
    assert.match(outcome.stderr, message, flag);
  }
});

systemTest('a read-only root leaves only the mounts to write to', ['busybox'], async (world) => {
  const source = join(world.scratch, 'source');
  mkdirSync(source);
  chmodSync(source, 0o777);
  const tries = ['/a', '/etc/a', '/tmp/a', '/t/a', '/x/a', '/dev/shm/a', '/dev/a', '/proc/a', '/sys/a', '/etc/hosts'];
  const line = `for f in ${tries.join(' ')}; do (: >>$f) 2>/dev/null && echo $f; done; true`;
  const flags = ['--read-only', '--tmpfs', '/t', '-v', `${source}:/x`];
  // As in Docker /dev stays writable; the files in /etc that the engine keeps don't.
  assert.deepEqual(linesOf(await shell(world, flags, line)), ['/t/a', '/x/a', '/dev/shm/a', '/dev/a']);
  const { mountinfo } = await reportOf(world, ['--read-only']);
  assert.match(mountinfo.find((each) => each.split(' ')[4] === '/')?.split(' ')[5] ?? '', /^ro,/);
});

systemTest('the mounts are in inspect, in Docker’s words', ['busybox'], async (world) => {
  const flags = ['-v', `${world.scratch}:/x:ro`, '--tmpfs', '/t:size=1m', '--mount', 'type=tmpfs,target=/u'];
  await world.ok(['create', '--name', 'mounted', ...flags, world.image, 'true']);
  const { Mounts, HostConfig } = await inspect(world, 'mounted');
  assert.deepEqual(HostConfig['Binds'], [`${world.scratch}:/x:ro`]);
  assert.deepEqual(HostConfig['Tmpfs'], { '/t': 'size=1m' });
  assert.deepEqual(HostConfig['Mounts'], [{ Type: 'tmpfs', Target: '/u' }]);
  const tmpfs = { Type: 'tmpfs', Source: '', Destination: '/u', Mode: '', RW: true, Propagation: '' };
  assert.deepEqual(Mounts[1], tmpfs);
  assert.deepEqual(Mounts[0], {
    Type: 'bind',
    Source: world.scratch,
    Destination: '/x',
    Mode: 'ro',
    RW: false,
    Propagation: 'rprivate',
  });
});
