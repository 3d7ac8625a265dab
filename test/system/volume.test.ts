/** Volumes: kept beyond containers, filled from the image, shared, removed with whom they belong to. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf } from '../../src/store/layout.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { inspect } from './container-view.ts';

function run(world: World, ...args: string[]): Promise<string> {
  return world.ok(['run', '--rm', '--network', 'none', ...args]);
}

async function fails(world: World, args: readonly string[], status: number, message: RegExp): Promise<void> {
  const outcome = await world.onggi(args);
  assert.equal(outcome.status, status, `${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  assert.match(outcome.stderr, message, args.join(' '));
}

systemTest('a named volume outlives its containers, and is removed by name only', ['busybox'], async (world) => {
  const { image } = world;
  await run(world, '-v', 'data:/data', image, 'sh', '-c', 'echo kept >/data/file');
  assert.equal(await run(world, '-v', 'data:/other:ro', image, 'cat', '/other/file'), 'kept');
  await fails(world, ['run', '--rm', '-v', 'data:/d:ro', image, 'touch', '/d/x'], 1, /Read-only file system/);
  assert.equal(await world.ok(['volume', 'ls', '-q']), 'data');
  const name = await world.ok(['create', '-v', 'data:/data', image, 'true']);
  const { Mounts } = await inspect(world, name);
  const [mount] = Mounts as Record<string, unknown>[];
  assert.deepEqual(
    [mount?.['Type'], mount?.['Name'], mount?.['Destination'], mount?.['RW']],
    ['volume', 'data', '/data', true],
  );
  assert.equal(await world.ok(['ps', '-aq', '--filter', 'volume=data']), name.slice(0, 12));
  await fails(world, ['volume', 'rm', 'data'], 1, new RegExp(`volume is in use - \\[${name.slice(0, 12)}\\]`));
  await world.ok(['rm', '-v', name]);
  assert.equal(await world.ok(['volume', 'rm', 'data']), 'data');
  await fails(world, ['volume', 'inspect', 'data'], 1, /no such volume/);
  await fails(world, ['volume', 'rm', 'data'], 1, /no such volume/);
  await world.ok(['volume', 'rm', '-f', 'data']);
  assert.deepEqual(readdirSync(layoutOf(world.root).volumes), []);
});

systemTest('an empty volume begins as a copy of what the image has there', ['busybox'], async (world) => {
  const look = ['sh', '-c', 'ls /bin | wc -l; stat -c %a:%u /bin; ls -l /bin/sh | cut -c1'];
  const plain = await run(world, world.image, ...look);
  // The program that looks is in what is covered.
  assert.equal(await run(world, '-v', 'copy:/bin', world.image, ...look), plain);
  await world.ok(['run', '--rm', '-v', 'copy:/x', world.image, 'sh', '-c', 'rm /x/*; echo 1 >/x/only']);
  assert.equal(await run(world, '-v', 'copy:/x', world.image, 'ls', '/x'), 'only');
  assert.equal(
    await run(world, '-v', 'empty:/etc:nocopy', world.image, 'sh', '-c', 'ls /etc | grep -c passwd; true'),
    '0',
  );
  // Also where it lies in another mount: what that one holds is not the image's.
  mkdirSync(join(world.scratch, 'above/bin'), { recursive: true });
  writeFileSync(join(world.scratch, 'above/bin/own'), '');
  const above = join(world.scratch, 'above');
  const below = ['-v', `${above}:/etc`, '-v', 'below:/etc/bin', '-v', `${above}:/usr`, '-v', 'used:/usr/bin'];
  const seen = ['/bin/sh', '-c', 'ls /etc/bin; ls /usr/bin | grep -wE "own|sh"'];
  assert.equal(await run(world, ...below, world.image, ...seen), 'sh');
  await world.ok(['volume', 'rm', 'copy', 'empty', 'below', 'used']);
});

systemTest('with U all of it belongs to the user of the container', ['busybox', 'user-namespace'], async (world) => {
  const { image, scratch } = world;
  const source = join(scratch, 'given');
  const outside = join(scratch, 'outside');
  mkdirSync(join(source, 'deep/er'), { recursive: true });
  writeFileSync(join(source, 'deep/er/file'), '');
  writeFileSync(outside, '');
  // It leads to a file of the machine, which stays whose it was.
  symlinkSync(outside, join(source, 'link'));
  symlinkSync(source, join(scratch, 'way'));
  const owner = (path: string): string => {
    const { uid, gid } = lstatSync(path);
    return `${uid}:${gid}`;
  };
  const owners = (): string[] => ['', 'deep', 'deep/er/file', 'link'].map((path) => owner(join(source, path)));
  const look = ['sh', '-c', 'stat -c %u:%g /b /b/deep/er/file /v /v/sh; touch /b/own 2>&1; true'];
  const mounts = ['-v', `${scratch}/way:/b:U`, '-v', 'given:/v:U,ro'];
  await run(world, '-v', 'given:/bin', image, 'true');
  assert.equal(await run(world, '-u', '7:8', ...mounts, image, ...look), Array(4).fill('7:8').join('\n'));
  assert.deepEqual([...owners(), owner(outside)], [...Array(4).fill('7:8'), '0:0']);
  // Ids of a user namespace: on the machine for what is bound, of the inside for a volume.
  const maps = ['--uidmap', '0:500000:3000', '--gidmap', '0:600000:3000'];
  assert.equal(await run(world, '-u', '5:6', ...maps, ...mounts, image, ...look), Array(4).fill('5:6').join('\n'));
  assert.deepEqual(owners(), Array(4).fill('500005:600006'));
  assert.equal(owner(join(layoutOf(world.root).volumes, 'given/_data/sh')), '5:6');
  // Without a user it is root's.
  const name = await world.ok(['create', '--name', 'given', ...mounts, '--network', 'none', image, 'true']);
  assert.equal(
    await world.ok(['inspect', '-f', '{{json .HostConfig.Binds}}', name]),
    `["${scratch}/way:/b:U","given:/v:ro,U"]`,
  );
  assert.equal(owners()[0], '500005:600006');
  await world.ok(['start', '-a', name]);
  assert.deepEqual(owners(), Array(4).fill('0:0'));
  await world.ok(['rm', name]);
  for (const path of ['/', '/etc/.', '/bin/..']) {
    await fails(world, ['create', '-v', `${path}:/b:U`, image], 1, /chowning host path "[^"]*" is not allowed/);
  }
  await fails(world, ['run', '--rm', '-u', 'nobody-there', '-v', 'given:/v:U', image, 'true'], 125, /nobody-there/);
  const bottomless = join(scratch, 'bottomless');
  mkdirSync(join(bottomless, 'd/'.repeat(600)), { recursive: true });
  const deep = ['run', '--rm', '-u', '7', '-v', `${bottomless}:/b:U`, image, 'true'];
  await fails(world, deep, 125, /it has directories more than 500 deep/);
  await world.ok(['volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'other']);
  await fails(world, ['create', '-v', 'other:/v:U', image], 1, /"U" of volume "other".* not supported/);
  await world.ok(['volume', 'rm', 'given', 'other']);
});

systemTest('anonymous volumes go with --rm and rm -v, not with rm', ['busybox'], async (world) => {
  const { image } = world;
  const names = async (): Promise<string[]> =>
    (await world.ok(['volume', 'ls', '-q'])).split('\n').filter((line) => line !== '');
  await run(world, '-v', '/cache', image, 'touch', '/cache/x');
  assert.deepEqual(await names(), []);
  const [kept, gone] = [
    await world.ok(['create', '-v', '/cache', image, 'true']),
    await world.ok(['create', '-v', '/cache', image, 'true']),
  ];
  assert.equal((await names()).length, 2);
  await world.ok(['rm', '-v', gone]);
  await world.ok(['rm', kept]);
  const [left = '', ...more] = await names();
  assert.match(left, /^[0-9a-f]{64}$/);
  assert.deepEqual(more, []);
  assert.equal(await world.ok(['volume', 'ls', '-q', '-f', 'dangling=true']), left);
  await world.ok(['volume', 'create', '--label', 'keep=1', 'named']);
  await fails(world, ['volume', 'ls', '-f', 'color=red'], 1, /invalid filter 'color'/);
  assert.equal((await world.onggi(['volume', 'prune'], { input: 'n\n' })).status, 0);
  assert.deepEqual((await names()).length, 2);
  assert.match(await world.ok(['volume', 'prune', '-f']), new RegExp(`^Deleted Volumes:\n${left}\n`));
  assert.deepEqual(await names(), ['named']);
  await world.ok(['volume', 'prune', '-af', '--filter', 'label=other']);
  await world.ok(['volume', 'prune', '-af', '--filter', 'label=keep']);
  assert.deepEqual(await names(), []);
});

systemTest('the volumes of an image, and those of another container', ['busybox'], async (world) => {
  const rootfs = join(world.scratch, 'rootfs');
  mkdirSync(join(rootfs, 'var/data'), { recursive: true });
  writeFileSync(join(rootfs, 'var/data/seed'), 'seed\n');
  const archive = join(world.scratch, 'image.tar');
  execFileSync('tar', ['-C', rootfs, '-cf', archive, '.']);
  await world.ok(['import', '--change', 'VOLUME /var/data', '--change', 'VOLUME /proc', archive, 'withvolume']);
  const id = await world.ok(['create', '--name', 'source', 'withvolume', '/none']);
  const { Mounts } = await inspect(world, id);
  assert.deepEqual(
    (Mounts as Record<string, unknown>[]).map((mount) => mount['Destination']),
    ['/var/data'],
  );
  await run(world, '--volumes-from', 'source', world.image, 'sh', '-c', 'echo 1 >/var/data/one');
  assert.equal(await run(world, '--volumes-from', 'source:ro', world.image, 'ls', '/var/data'), 'one');
  await fails(
    world,
    ['run', '--rm', '--volumes-from', 'source:ro', world.image, 'touch', '/var/data/x'],
    1,
    /Read-only/,
  );
  await fails(world, ['run', '--volumes-from', 'nosuch', world.image, 'true'], 125, /No such container: nosuch/);
  await world.ok(['rm', '-v', 'source']);
  await world.ok(['rmi', 'withvolume']);
});

systemTest('what a volume mounts, and a part of one', ['busybox'], async (world) => {
  const { image } = world;
  await world.ok(['volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m,mode=700', 'memory']);
  assert.match(
    await run(world, '-v', 'memory:/m', image, 'sh', '-c', 'grep " /m " /proc/mounts'),
    / \/m tmpfs .*size=1024k,mode=700/,
  );
  // Mounted once, as long as somebody has it.
  const keeper = await world.ok(['run', '-d', '--network', 'none', '-v', 'memory:/first', image, 'sleep', '1000']);
  await run(world, '-v', 'memory:/m', image, 'sh', '-c', 'echo shared >/m/file');
  assert.equal(await world.ok(['exec', keeper, 'cat', '/first/file']), 'shared');
  await fails(
    world,
    ['run', '--rm', '--network', 'none', '-v', 'memory:/m:ro', image, 'touch', '/m/x'],
    1,
    /Read-only/,
  );
  assert.match(await run(world, '-v', 'memory:/m', image, 'grep', ' /m ', '/proc/mounts'), /size=1024k,mode=700/);
  await world.ok(['rm', '-f', keeper]);
  assert.equal(await run(world, '-v', 'memory:/m', image, 'ls', '/m'), '');
  await run(world, '-v', 'parts:/p', image, 'sh', '-c', 'mkdir -p /p/a/b; echo in >/p/a/b/file');
  const part = (subpath: string) => `type=volume,src=parts,dst=/p,volume-subpath=${subpath}`;
  assert.equal(await run(world, '--mount', part('a/b'), image, 'cat', '/p/file'), 'in');
  await fails(world, ['run', '--rm', '--mount', part('none'), image, 'true'], 127, /parts.*none.*no such file/);
  await fails(
    world,
    ['run', '--rm', '--mount', `${part('a')},src=memory`, image, 'true'],
    125,
    /subpath "a" of volume "memory"/,
  );
  await fails(world, ['volume', 'create', '-o', 'size=1'], 1, /volume option "size": unknown/);
  await fails(world, ['volume', 'create', 'a/b'], 1, /volume name "a\/b"/);
  await fails(world, ['run', '--rm', '-v', 'a$b:/x', image, 'true'], 125, /volume name "a\$b"/);
  await world.ok(['volume', 'rm', 'memory', 'parts']);
});

/* THREATS, class of paths that the content of a mount chooses: as CVE-2023-3676 and its kin for subpaths. */
systemTest('a link in a volume leads nowhere out of it', ['busybox'], async (world) => {
  await world.ok(['volume', 'create', 'hostile']);
  const data = join(layoutOf(world.root).volumes, 'hostile/_data');
  const secret = join(world.scratch, 'secret');
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), 'host');
  symlinkSync(secret, join(data, 'absolute'));
  symlinkSync('../../../../../../../../../..', join(data, 'up'));
  const mount = (subpath: string) => `type=volume,src=hostile,dst=/p,volume-subpath=${subpath}`;
  for (const subpath of ['absolute', 'up/etc', '../../..', `..${secret}`]) {
    const outcome = await world.onggi([
      'run',
      '--rm',
      '--network',
      'none',
      '--mount',
      mount(subpath),
      world.image,
      'ls',
      '/p',
    ]);
    assert.doesNotMatch(outcome.stdout, /key|passwd|shadow|hostile/, subpath);
  }
  assert.ok(existsSync(join(secret, 'key')));
  await world.ok(['volume', 'rm', 'hostile']);
  assert.ok(existsSync(join(secret, 'key')));
});
