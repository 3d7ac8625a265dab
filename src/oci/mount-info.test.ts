import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountAbove, mountInfoField } from './mount-info.ts';

const text = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /data rw - tmpfs one rw
31 30 0:41 / /data rw shared:3 master:1 - tmpfs two rw
32 22 0:42 / /with\\040blank rw master:9 propagate_from:2 - tmpfs three rw
`;

test('a field of mountinfo', () => {
  assert.equal(mountInfoField('/a\\040b\\134c'), '/a b\\c');
});

test('the mount that a path lies on', () => {
  const rows: readonly (readonly [path: string, point: string, peers: readonly string[]])[] = [
    ['/', '/', ['shared:1']],
    ['/etc/x', '/', ['shared:1']],
    ['/data', '/data', ['shared:3', 'master:1']],
    ['/data/x/y', '/data', ['shared:3', 'master:1']],
    ['/database', '/', ['shared:1']],
    ['/with blank/x', '/with blank', ['master:9', 'propagate_from:2']],
  ];
  for (const [path, point, peers] of rows) assert.deepEqual(mountAbove(text, path), { point, peers }, path);
  const bare = mountAbove('30 22 0:40 / /data rw - tmpfs one rw\n', '/data/x');
  assert.deepEqual(bare, { point: '/data', peers: [] });
  assert.equal(mountAbove('', '/x'), undefined);
});
