/** Root file systems of containers and images as mounts on the host. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemTest } from '../harness/system-test.ts';

systemTest(
  'mount shows a container from outside, running or not; umount, rm and rmi leave nothing',
  ['busybox'],
  async (world) => {
    await world.ok(['run', '-d', '--network', 'none', '--name', 'cc', world.image, 'sleep', '1000']);
    const id = await world.ok(['ps', '-q', '--no-trunc']);
    const path = await world.ok(['mount', 'cc']);
    assert.equal(await world.ok(['mount', '--latest']), path);
    assert.equal(await world.ok(['mount']), `${id.slice(0, 12)}  ${path}`);
    assert.deepEqual(JSON.parse(await world.ok(['mount', '--format', 'json'])), [
      { id, names: ['cc'], mountpoint: path },
    ]);
    // Both sides are one file system.
    await world.ok(['exec', 'cc', 'sh', '-c', 'echo inside > /inside']);
    assert.equal(readFileSync(join(path, 'inside'), 'utf8'), 'inside\n');
    writeFileSync(join(path, 'outside'), 'outside\n');
    assert.equal(await world.ok(['exec', 'cc', 'cat', '/outside']), 'outside');
    assert.ok(!existsSync(join(path, 'proc/self')), 'nothing of what is mounted in it');
    // It stays while the container ends and starts again, and is the same one.
    await world.ok(['restart', '-t', '0', 'cc']);
    await world.ok(['exec', 'cc', 'sh', '-c', 'echo again > /inside']);
    assert.equal(readFileSync(join(path, 'inside'), 'utf8'), 'again\n');
    assert.equal(await world.ok(['umount', 'cc']), 'cc');
    assert.equal(await world.ok(['mount']), '');
    assert.match((await world.onggi(['unmount', 'cc'])).stderr, /container "cc" is not mounted/);
    await world.ok(['stop', '-t', '0', 'cc']);
    assert.equal(await world.ok(['container', 'mount', '--all']), path);
    assert.equal(readFileSync(join(path, 'outside'), 'utf8'), 'outside\n');
    await world.ok(['rm', 'cc']);
    assert.ok(!existsSync(path));
    const image = await world.ok(['image', 'mount', world.image]);
    assert.match(readFileSync(join(image, 'etc/passwd'), 'utf8'), /^root:/);
    assert.throws(() => writeFileSync(join(image, 'x'), ''), /EROFS/);
    assert.equal(await world.ok(['image', 'mount']), `${world.image}:latest  ${image}`);
    assert.match((await world.onggi(['rmi', world.image])).stderr, /is mounted on/);
    await world.ok(['rmi', '-f', world.image]);
    assert.ok(!existsSync(image));
  },
);

systemTest(
  'images at paths of a container: read-only, its own to write, a part; the image stays while it is needed',
  ['busybox'],
  async (world) => {
    const run = (...words: string[]): Promise<string> => world.ok(['run', '--rm', '--network', 'none', ...words]);
    await world.ok(['run', '--network', 'none', '--name', 'two', world.image, 'sh', '-c', 'mkdir /x; echo 2 > /x/two']);
    await world.ok(['commit', 'two', 'layered']);
    await world.ok(['rm', 'two']);
    const mount = 'type=image,source=layered,target=/i';
    assert.equal(
      await run('--mount', mount, world.image, 'sh', '-c', 'cat /i/x/two /i/www/index.html; touch /i/x/a || echo no'),
      '2\nhello from the container\nno',
    );
    assert.equal(await run('--mount', `${mount},image-subpath=x`, world.image, 'ls', '/i'), 'two');
    assert.equal(
      await run('--mount', `type=image,source=${world.image},target=/i`, world.image, 'cat', '/i/etc/group').then(
        (text) => text.split('\n')[0],
      ),
      'root:x:0:',
    );
    const made = ['--name', 'own', '--network', 'none', '--mount', `${mount},rw=true`, world.image];
    assert.equal(await world.ok(['run', ...made, 'sh', '-c', 'echo mine >> /i/x/two; cat /i/x/two']), '2\nmine');
    assert.equal(await world.ok(['start', '-a', 'own']), '2\nmine\nmine');
    assert.match((await world.onggi(['rmi', 'layered'])).stderr, /container .* is using its referenced image/);
    await world.ok(['rmi', '-f', 'layered']);
    assert.equal(await world.ok(['start', '-a', 'own']), '2\nmine\nmine\nmine');
    await world.ok(['rm', 'own']);
    assert.match(
      (await world.onggi(['run', '--rm', '--mount', mount, world.image, 'true'])).stderr,
      /[Nn]o such image: layered/,
    );
    assert.match(
      (
        await world.onggi([
          'run',
          '--rm',
          '--mount',
          `type=image,src=${world.image},dst=/i,subpath=none`,
          world.image,
          'true',
        ])
      ).stderr,
      /none/,
    );
  },
);

systemTest('a directory in the place of an image: written to, or with O not', ['busybox'], async (world) => {
  await world.ok(['create', '--name', 'from', world.image, 'x']);
  const directory = join(world.scratch, 'rootfs');
  mkdirSync(directory);
  const tar = join(world.scratch, 'x.tar');
  await world.ok(['export', '-o', tar, 'from']);
  assert.equal(spawnSync('tar', ['-xf', tar, '-C', directory]).status, 0);
  await world.ok(['rm', 'from']);
  const run = (...words: string[]): Promise<string> => world.ok(['run', '--network', 'none', '--rootfs', ...words]);
  assert.equal(
    await run('--rm', directory, 'sh', '-c', 'echo 1 > /one; cat /www/index.html'),
    'hello from the container',
  );
  assert.equal(readFileSync(join(directory, 'one'), 'utf8'), '1\n');
  assert.equal(await run('--name', 'over', `${directory}:O`, 'sh', '-c', 'echo 2 >> /one; cat /one'), '1\n2');
  assert.equal(readFileSync(join(directory, 'one'), 'utf8'), '1\n');
  assert.equal(await world.ok(['start', '-a', 'over']), '1\n2\n2');
  assert.equal(await world.ok(['diff', 'over']), 'C /one');
  assert.match(
    (await world.onggi(['commit', 'over', 'x'])).stderr,
    /has a directory for a root file system, and no image/,
  );
  await world.ok(['rm', 'over']);
  assert.match((await world.onggi(['run', '--rootfs', `${directory}:X`, 'true'])).stderr, /unknown option "X"/);
  assert.match((await world.onggi(['run', '--rootfs', `${directory}/none`, 'true'])).stderr, /none/);
});
