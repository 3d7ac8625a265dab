import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutOf } from '../../store/layout.ts';
import { diskMounts, hostMaskedPaths } from './host-image.ts';

/** Lines of proc(5) mountinfo. */
const line = (mountPoint: string, type: string, root = '/') =>
  `36 35 98:0 ${root} ${mountPoint} rw,noatime master:1 - ${type} /dev/x rw`;

test('the disks below "/", parents first', () => {
  const mountinfo = [
    line('/', 'ext4'),
    line('/home/me/deep', 'xfs'),
    line('/home', 'btrfs'),
    line('/proc', 'proc'),
    line('/sys', 'sysfs'),
    line('/dev', 'devtmpfs'),
    line('/tmp', 'tmpfs'),
    line('/mnt/share', 'nfs4'),
    line('/var', 'ext4'),
    '',
  ].join('\n');
  assert.deepEqual(diskMounts(mountinfo, []), ['/home', '/home/me/deep', '/var']);
});

test('binds are there already, and the engine’s own directories are not shown', () => {
  const mountinfo = [
    line('/etc/hosts', 'ext4', '/var/x/hosts'),
    line('/srv', 'ext4', '/data'),
    line('/var/lib/onggi', 'ext4'),
    line('/var/lib/onggi/containers', 'xfs'),
    line('/var/lib/onggimore', 'ext4'),
    line('/run/disk', 'ext4'),
  ].join('\n');
  assert.deepEqual(diskMounts(mountinfo, ['/run', '/var/lib/onggi']), ['/var/lib/onggimore']);
});

test('optional fields, blanks in names, mounts over mounts, lines that are none', () => {
  const mountinfo = [
    '36 35 98:0 / /a\\040b\\011c\\134d rw - ext4 /dev/x rw',
    '36 35 98:0 / /many rw shared:1 master:2 propagate_from:3 - ext4 /dev/x rw',
    '37 36 98:0 / /many rw - ext4 /dev/y rw',
    'nonsense',
    '36 35 98:0 / relative rw - ext4 /dev/x rw',
    '1 2 3',
  ].join('\n');
  assert.deepEqual(diskMounts(mountinfo, []), ['/a b\tc\\d', '/many']);
});

test('the store is masked wherever it is, and so is the usual one', () => {
  assert.deepEqual(hostMaskedPaths(layoutOf()), ['/var/lib/onggi', '/run/onggi']);
  assert.deepEqual(hostMaskedPaths(layoutOf('/srv/jar')), ['/srv/jar', '/srv/jar/run', '/var/lib/onggi']);
});
