/** `--storage-opt size=`: kept by the quotas of the file system, refused where it has none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import { loopDisk } from '../harness/loop-disk.ts';
import { systemTest, type World } from '../harness/system-test.ts';

/** In a store of a file system that keeps quotas of projects. */
async function limits(world: World, root: string): Promise<void> {
  await world.ok(['--root', root, 'import', await busyboxTar(), 'base']);
  const run = (...words: string[]) => world.onggi(['--root', root, 'run', '--network', 'none', ...words]);
  // All capabilities: whoever has CAP_SYS_RESOURCE is above quotas, but the overlay does not write with it.
  const script = 'dd if=/dev/zero of=/a bs=1M count=2 && dd if=/dev/zero of=/b bs=1M count=2; sync; ls /a';
  const limited = ['--name', 'small', '--privileged', '--storage-opt', 'size=3m', 'base'];
  const { stdout, stderr } = await run(...limited, 'sh', '-c', script);
  assert.match(stderr, /\/b.*(?:No space left on device|Disk quota exceeded)/s, stderr);
  assert.equal(stdout, '/a\n');
  const other = await run('--rm', 'base', 'dd', 'if=/dev/zero', 'of=/c', 'bs=1M', 'count=6');
  assert.equal(other.status, 0, other.stderr);
  await world.ok(['--root', root, 'rm', 'small']);
}

systemTest(
  'what a container may write is limited where the file system keeps quotas of projects',
  ['busybox', 'project-quota'],
  async (world) => {
    const place = mkdtempSync('/var/tmp/onggi-quota-');
    try {
      await limits(world, join(place, 's'));
    } finally {
      rmSync(place, { recursive: true });
    }
  },
  { image: false },
);

systemTest(
  'the same on xfs, whose quotas are its own',
  ['busybox', 'xfs-quota', 'loop-device'],
  async (world) => {
    using disk = loopDisk('xfs', join(world.scratch, 'xfs'), { mount: 'prjquota' });
    await limits(world, join(disk.path, 's'));
    using plain = loopDisk('xfs', join(world.scratch, 'plain'));
    await world.ok(['--root', join(plain.path, 's'), 'import', await busyboxTar(), 'base']);
    const asked = ['create', '--storage-opt', 'size=3m', 'base', 'true'];
    const refused = await world.onggi(['--root', join(plain.path, 's'), ...asked]);
    assert.match(refused.stderr, /file system "xfs" keeps no quotas of projects here.*prjquota/s);
  },
  { image: false },
);

systemTest(
  'a limit that the file system or the driver can not keep is refused with the reason, and nothing is made',
  ['busybox', 'btrfs', 'loop-device'],
  async (world) => {
    const asked = ['create', '--storage-opt', 'size=3m', 'base', 'true'];
    using plain = loopDisk('ext4', join(world.scratch, 'plain'), { mebibytes: 32 });
    await world.ok(['--root', plain.path, 'import', await busyboxTar(), 'base']);
    const refused = await world.onggi(['--root', plain.path, ...asked]);
    assert.match(refused.stderr, /file system "extfs" keeps no quotas of projects here.*tune2fs/s);
    assert.equal(await world.ok(['--root', plain.path, 'ps', '-aq']), '');
    const vfs = join(world.scratch, 'v');
    await world.ok(['--root', vfs, '--storage-driver', 'vfs', 'import', await busyboxTar(), 'base']);
    assert.match((await world.onggi(['--root', vfs, ...asked])).stderr, /driver "vfs" limits no container/);
  },
  { image: false },
);
