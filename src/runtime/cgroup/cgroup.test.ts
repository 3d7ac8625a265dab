import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import { type Cgroup, cgroupAt, controllerDirectory, directoriesOf, isUnified, parseOwnCgroups } from './cgroup.ts';
import { type CgroupLayout, parseCgroupLayout } from './hierarchy.ts';

const mounts = (...lines: string[]): string => lines.map((line) => `32 31 0:29 ${line}`).join('\n');
const hybridMounts = mounts(
  '/ /cg/memory rw - cgroup cgroup rw,memory',
  '/ /cg/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
  '/ /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd',
  '/ /cg/unified rw - cgroup2 cgroup2 rw',
);
const layoutOf = (mountinfo: string): CgroupLayout =>
  parseCgroupLayout(mountinfo, { read: () => 'memory pids', exists: () => false });
const hybrid = layoutOf(hybridMounts);
const unified = layoutOf(mounts('/ /cg rw - cgroup2 cgroup2 rw'));
const own = new Map([
  ['', '/user.slice/session.scope'],
  ['memory', '/user.slice'],
]);

test('an absolute path is the same in every hierarchy', () => {
  assert.deepEqual(directoriesOf(cgroupAt(hybrid, '/a//b/.', own)), [
    '/cg/unified/a/b',
    '/cg/memory/a/b',
    '/cg/cpu,cpuacct/a/b',
    '/cg/systemd/a/b',
  ]);
});

test("a relative path counts from the caller's own cgroup, on v2 alone from the one above it", () => {
  assert.deepEqual(directoriesOf(cgroupAt(hybrid, 'x', own)), [
    '/cg/unified/user.slice/session.scope/x',
    '/cg/memory/user.slice/x',
    '/cg/cpu,cpuacct/x',
    '/cg/systemd/x',
  ]);
  assert.deepEqual(directoriesOf(cgroupAt(unified, 'x', own)), ['/cg/user.slice/x']);
  assert.deepEqual(directoriesOf(cgroupAt(unified, 'x', new Map([['', '/']]))), ['/cg/x']);
});

test('what names no cgroup of its own is refused', () => {
  for (const path of ['/', '', './', '/a/../b', '..', `/${'x'.repeat(256)}`, '/a\nb', `/${'x/'.repeat(2000)}`]) {
    assert.throws(
      () => cgroupAt(hybrid, path),
      (error) => error instanceof OnggiError && error.code === 'invalid',
      path,
    );
  }
});

test('the directory of a controller', () => {
  const cgroup = cgroupAt(hybrid, '/c');
  assert.equal(controllerDirectory(cgroup, 'cpuacct'), '/cg/cpu,cpuacct/c');
  assert.equal(controllerDirectory(cgroup, 'pids'), undefined);
  assert.equal(controllerDirectory(cgroupAt(unified, '/c'), 'pids'), '/cg/c');
  assert.deepEqual([isUnified(cgroup), isUnified(cgroupAt(unified, '/c'))], [false, true]);
});

test('it is plain data', () => {
  const cgroup = cgroupAt(hybrid, '/c');
  assert.deepEqual(JSON.parse(JSON.stringify(cgroup)) as Cgroup, cgroup);
});

test('own cgroups, in a namespace or below a mounted part', () => {
  const text = '3:cpu,cpuacct:/docker/abc/x\n2:memory:/docker/abc\n1:name=systemd:/../y\n0::/z\n';
  const inside = hybridMounts.replace('/ /cg/memory', '/docker/abc /cg/memory').replace('/ /cg/cpu', '/docker /cg/cpu');
  assert.deepEqual(Object.fromEntries(parseOwnCgroups(text, inside)), {
    'cpu,cpuacct': '/abc/x',
    memory: '/',
    'name=systemd': '/',
    '': '/z',
  });
});
