/** Flags of `run` about devices and file systems. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { badSwitch, type Row } from './row.ts';

export const deviceRows: readonly Row[] = [
  {
    flag: 'device',
    words: ['--device', '/dev/null:/dev/renamed:rw'],
    inside: 'echo x > /dev/renamed && stat -c %t:%T /dev/renamed',
    shows: /^1:3$/,
    bad: [['--device', '/dev/null/nowhere'], /custom device "\/dev\/null\/nowhere": not a device node/],
  },
  {
    flag: 'device-cgroup-rule',
    words: ['--device-cgroup-rule', 'c 10:237 rwm'],
    // Whether the machine has such a device or not, it is not the cgroup that says no; to the next one it is.
    inside: 'mknod /a c 10 237; cat /a; mknod /b c 10 238; cat /b',
    shows: /^(?!.*\/a': Operation not permitted).*\/b': Operation not permitted$/s,
    bad: [['--device-cgroup-rule', 'c 10:237'], /invalid device cgroup format 'c 10:237'/],
  },
  {
    flag: 'mount',
    words: ['--mount', 'type=bind,source=$DIR,target=/bound,readonly'],
    inside: 'touch /bound/x',
    shows: /Read-only file system$/,
    bad: [['--mount', 'type=bind,source=/nowhere,target=/x'], /bind source path does not exist: \/nowhere/],
  },
  {
    flag: 'read-only',
    container: 'second',
    words: ['--read-only'],
    inside: 'touch /x; grep -cE " /etc/(hosts|hostname|resolv.conf) [^ ]+ ro," /proc/self/mounts',
    shows: /Read-only file system\n3$/,
    bad: badSwitch('read-only'),
  },
  {
    flag: 'rootfs',
    tried: async (world, directory) => {
      const root = join(directory, 'root');
      mkdirSync(join(root, 'bin'), { recursive: true });
      copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
      const command = ['/bin/busybox', 'touch', '/made'];
      await world.ok(['run', '--rm', '--network', 'none', '--rootfs', root, ...command]);
      assert.ok(existsSync(join(root, 'made')));
    },
    bad: badSwitch('rootfs'),
  },
  {
    flag: 'storage-opt',
    // That the size is kept shows on a file system that is made for it (storage-opt.test.ts); most have no quotas.
    tried: async (world) => {
      const words = ['create', '--name', 'bounded', '--storage-opt', 'size=10m', world.image, 'true'];
      const { status, stderr } = await world.onggi(words);
      if (status !== 0) assert.match(stderr, /keeps no quotas of projects here\nTurn them on/);
      else assert.equal(await world.ok(['rm', 'bounded']), 'bounded');
    },
    bad: [['--storage-opt', 'inodes=5'], /storage option 'inodes=5': there is size=BYTES alone/],
  },
  {
    flag: 'tmpfs',
    container: 'second',
    words: ['--tmpfs', '/t:size=2m,mode=700'],
    inside: 'df -k /t; stat -c %a /t',
    shows: /\b2048\b.*\n700$/s,
    bad: [['--tmpfs', 't'], /t/],
  },
  {
    flag: 'volume',
    words: ['-v', '$DIR:/host:ro', '-v', 'rowdata:/data'],
    inside: 'cat /host/file; echo kept > /data/file; cat /data/file; touch /host/x',
    shows: /^of the host\nkept\n.*Read-only file system$/s,
    bad: [['-v', '/a:/b:zz'], /zz/],
  },
  {
    flag: 'volume-driver',
    words: ['--volume-driver', 'local'],
    inside: 'grep " /data " /proc/self/mountinfo',
    shows: /volumes\/rowdata\/_data \/data/,
    bad: [['--volume-driver', 'other'], /invalid volume driver: 'other'/],
  },
  {
    flag: 'volumes-from',
    tried: async (world, directory) => {
      mkdirSync(`${directory}/shared`);
      await world.ok(['create', '--name', 'donor', '-v', `${directory}:/given`, world.image, 'true']);
      const line = ['run', '--rm', '--network', 'none', '--volumes-from', 'donor:ro', world.image];
      assert.match(
        await world.ok([...line, 'sh', '-c', 'ls /given; touch /given/x 2>&1 || true']),
        /shared.*Read-only/s,
      );
    },
    bad: [['--volumes-from', 'web:wx'], /wx/],
  },
];
