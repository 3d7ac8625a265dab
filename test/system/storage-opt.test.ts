/** `--storage-opt size=`: kept by the quotas of the file system, refused where it has none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import { loopDisk } from '../harness/loop-disk.ts';
import { systemTest } from '../harness/system-test.ts';

systemTest(
  'what a container may write is limited where the file system keeps quotas of projects',
  ['busybox', 'project-quota'],
  async (world) => {
    const place = mkdtempSync('/var/tmp/onggi-quota-');
    try {
      const root = join(place, 's');
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
    } finally {
      rmSync(place, { recursive: true });
    }
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
