import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cgroupAt, directoriesOf } from './cgroup.ts';
import { ancestors, type CgroupFiles, type CgroupLayout, legacyMountPoint, parseCgroupLayout } from './hierarchy.ts';

const holding = (files: Record<string, string>): CgroupFiles => ({
  read: (path) => files[path] ?? '',
  exists: (path) => Object.hasOwn(files, path),
});
const parse = (mountinfo: string, files: Record<string, string> = {}): CgroupLayout =>
  parseCgroupLayout(mountinfo, holding(files));

const line = (mountPoint: string, type: string, options: string): string =>
  `32 31 0:29 / ${mountPoint} rw,relatime shared:5 - ${type} ${type} ${options}\n`;

const root = '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n';

test('v1 hierarchies, co-mounted controllers and a named one', () => {
  const layout = parse(
    root +
      line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct') +
      line('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory') +
      line('/sys/fs/cgroup/systemd', 'cgroup', 'rw,xattr,name=systemd'),
  );
  assert.equal(layout.mode, 'legacy');
  assert.equal(layout.unified, null);
  assert.deepEqual(layout.legacy[0], {
    mountPoint: '/sys/fs/cgroup/cpu,cpuacct',
    controllers: ['cpu', 'cpuacct'],
    name: 'cpu,cpuacct',
    options: 'cpu,cpuacct',
  });
  assert.equal(layout.legacy[2]?.options, 'name=systemd');
  assert.equal(legacyMountPoint(layout, 'cpuacct'), '/sys/fs/cgroup/cpu,cpuacct');
  assert.equal(legacyMountPoint(layout, 'hugetlb'), undefined);
});

test('v2 alone', () => {
  const layout = parse(line('/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate'), {
    '/sys/fs/cgroup/cgroup.controllers': 'cpu memory pids\n',
    '/proc/swaps': '',
  });
  assert.equal(layout.mode, 'unified');
  assert.deepEqual(layout.unified, { mountPoint: '/sys/fs/cgroup', controllers: ['cpu', 'memory', 'pids'] });
});

test('a named v1 hierarchy beside v2 changes nothing', () => {
  const layout = parse(
    line('/sys/fs/cgroup', 'cgroup2', 'rw') + line('/sys/fs/cgroup/systemd', 'cgroup', 'rw,name=systemd'),
  );
  assert.equal(layout.mode, 'unified');
  assert.deepEqual(layout.legacy, []);
});

test('hybrid: controllers in v1, v2 beside them', () => {
  const layout = parse(
    line('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory') + line('/sys/fs/cgroup/unified', 'cgroup2', 'rw'),
  );
  assert.equal(layout.mode, 'hybrid');
  assert.deepEqual(directoriesOf(cgroupAt(layout, '/onggi/a')), [
    '/sys/fs/cgroup/unified/onggi/a',
    '/sys/fs/cgroup/memory/onggi/a',
  ]);
});

test('no cgroups at all', () => {
  assert.equal(parse('22 27 0:21 / /proc rw - proc proc rw\n').mode, 'none');
});

test('a hierarchy that is mounted twice counts once, and escapes are undone', () => {
  const layout = parse(line('/sys/fs/c\\040group', 'cgroup', 'rw,memory') + line('/other', 'cgroup', 'rw,memory'));
  assert.deepEqual(
    layout.legacy.map((hierarchy) => hierarchy.mountPoint),
    ['/sys/fs/c group'],
  );
});

test('the ancestors of a cgroup, from the root down', () => {
  assert.deepEqual(ancestors('/a/b/c'), ['/', '/a', '/a/b']);
  assert.deepEqual(ancestors('/a'), ['/']);
});

test('v1: whether swap can be limited', () => {
  const mounts = line('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory');
  assert.equal(parse(mounts).swap, false);
  assert.equal(parse(mounts, { '/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes': '1' }).swap, true);
});
