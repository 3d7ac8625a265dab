/** The same life of a container with each storage driver: what it shows, and what is left. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import { loopDisk } from '../harness/loop-disk.ts';
import { storeLeaks } from '../harness/store-leaks.ts';
import { systemTest, type World } from '../harness/system-test.ts';

/** A change of every kind; the second file gets its old time and length back. */
const changes = `
set -e
echo more >> /www/index.html
touch -r /etc/group /tmp/time; sed -i s/staff/stuff/ /etc/group; touch -r /tmp/time /etc/group; rm /tmp/time
chmod 700 /root
rm /etc/passwd
rm -r /var && echo file > /var
mkdir -p /new/deep && echo a > /new/deep/a && ln /new/deep/a /new/b && ln -s a /new/deep/link
chown 1000:1000 /new/b; mkfifo /new/fifo; mknod /new/null c 1 3
`;

/** What a user sees of it, step by step. */
async function life(world: World, root: string, driver: string): Promise<string[]> {
  const onggi = (...args: string[]): Promise<string> => world.ok(['--root', root, ...args]);
  const seen: string[] = [];
  await onggi('--storage-driver', driver, 'import', '--change', 'CMD ["sh"]', await busyboxTar(), 'base');
  assert.equal(await onggi('info', '--format', '{{.Driver}}'), driver);
  await onggi('run', '--network', 'none', '--name', 'one', 'base', 'sh', '-c', changes);
  seen.push(await onggi('diff', 'one'));
  await onggi('commit', 'one', 'second');
  await onggi('rm', 'one');
  // A layer of whiteouts over the first, and a directory in the place of a file and of a directory.
  const again = 'rm /var && mkdir /var && echo x > /var/x && rm -r /new && mkdir /new && stat -c %u:%g:%a /new';
  seen.push(await onggi('run', '--network', 'none', '--name', 'two', 'second', 'sh', '-c', again));
  seen.push(await onggi('diff', 'two'));
  await onggi('commit', 'two', 'third');
  const look =
    'find / -xdev | grep -Ev "^/bin/|^/etc/(host|resolv)" | sort | xargs stat -c "%n %f %u:%g %s %Y"; cat /etc/group';
  const shown = await onggi('run', '--network', 'none', '--rm', 'third', 'sh', '-c', look);
  // Directories have sizes of their own on each file system; what was made now, times of its own.
  seen.push(shown.replace(/^(\S+ 4\S+ \S+) .*$/gm, '$1').replace(/^(\/(?:new|var|www)\S* .*) \d+$/gm, '$1'));
  const tar = join(world.scratch, 'x.tar');
  await onggi('export', 'two', '-o', tar);
  seen.push(spawnSync('tar', ['-tf', tar], { encoding: 'utf8' }).stdout);
  seen.push(await onggi('run', '--network', 'none', '--rm', '--read-only', 'third', 'cat', '/var/x'));
  assert.equal(await onggi('system', 'check'), 'everything is whole');
  assert.match(await onggi('system', 'df'), /Containers +1 +0 /);
  await onggi('rm', 'two');
  await onggi('rmi', 'third', 'second');
  seen.push(await onggi('image', 'ls', '--format', '{{.Repository}}'));
  return seen;
}

async function refusesAnother(world: World, root: string, own: string): Promise<void> {
  const other = own === 'vfs' ? 'overlay2' : 'vfs';
  const { status, stderr } = await world.onggi(['--root', root, '--storage-driver', other, 'images']);
  assert.notEqual(status, 0);
  assert.ok(stderr.includes(`storage driver "${other}"`) && stderr.includes(`has "${own}"`), stderr);
}

systemTest(
  'each driver shows the same life of a container, and leaves nothing',
  ['busybox', 'btrfs', 'loop-device'],
  async (world) => {
    const overlay = await life(world, world.root, 'overlay2');
    await refusesAnother(world, world.root, 'overlay2');
    const vfs = join(world.scratch, 'vfs');
    assert.deepEqual(await life(world, vfs, 'vfs'), overlay);
    await refusesAnother(world, vfs, 'vfs');
    assert.deepEqual(storeLeaks(vfs), []);
    using disk = loopDisk('btrfs', join(world.scratch, 'disk'));
    const btrfs = join(disk.path, 's');
    assert.deepEqual(await life(world, btrfs, 'btrfs'), overlay);
    await refusesAnother(world, btrfs, 'btrfs');
    assert.deepEqual(storeLeaks(btrfs), []);
    // The tree that the first image has is all that is left of them.
    assert.equal(readdirSync(join(btrfs, 'trees')).length, 1);
    await world.ok(['--root', btrfs, 'rmi', 'base']);
    assert.deepEqual(readdirSync(join(btrfs, 'trees')), []);
    assert.ok(!existsSync(join(vfs, 'trees')));
  },
  { image: false },
);
