import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cgroup, cgroupAt } from './cgroup.ts';
import { compileCgroup } from './compile.ts';
import type { CgroupLayout } from './hierarchy.ts';
import { type Access, delegatedLayout, permittedCgroup } from './permission.ts';

const top = '/sys/fs/cgroup';
const delegation = `${top}/user.slice/user-1000.slice/user@1000.service`;
const layout: CgroupLayout = {
  mode: 'unified',
  legacy: [],
  unified: { mountPoint: top, controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'] },
  swap: true,
};
const own = new Map([['', '/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope']]);

/** What systemd delegates to a user: its service and all below. */
function access(writable: readonly string[]): Access {
  const existing = [top, `${top}/user.slice`, delegation, `${delegation}/app.slice`];
  return {
    exists: (path) => existing.includes(path),
    canWrite: (path) => writable.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)),
    read: (path) => (path === `${delegation}/cgroup.controllers` ? 'memory pids\n' : ''),
  };
}

test('a delegated part offers the controllers that were delegated, and is left alone above', () => {
  const ours = access([delegation]);
  const delegated = delegatedLayout(layout, own, ours);
  assert.deepEqual(delegated.unified, { mountPoint: top, controllers: ['memory', 'pids'], delegated: delegation });
  const cgroup = permittedCgroup(cgroupAt(delegated, 'c', own), delegated, own, ours);
  assert.equal(cgroup.unified, `${delegation}/app.slice/c`);
  const warnings: string[] = [];
  const { prepare } = compileCgroup(delegated, cgroup, { memory: { limit: 1 << 20 } }, (text) => warnings.push(text));
  const written = prepare.flatMap((step) => (step.op === 'write' ? [`${step.path}=${step.value}`] : []));
  assert.deepEqual(written.slice(0, 2), [
    `${delegation}/cgroup.subtree_control=+memory +pids`,
    `${delegation}/app.slice/cgroup.subtree_control=+memory +pids`,
  ]);
  assert.ok(written.includes(`${delegation}/app.slice/c/memory.max=1048576`), written.join('\n'));
  assert.deepEqual(warnings, []);
});

test('nothing delegated: no cgroup, one warning that names the limits', () => {
  const none = access([]);
  const delegated = delegatedLayout(layout, own, none);
  const cgroup = permittedCgroup(cgroupAt(delegated, '/c'), delegated, own, none);
  assert.deepEqual(cgroup, { unified: null, legacy: [] });
  const warnings: string[] = [];
  const resources = { memory: { limit: 1 << 20 }, pids: { limit: 5 } };
  const steps = compileCgroup(delegated, cgroup, resources, (text) => warnings.push(text));
  assert.deepEqual(steps, { prepare: [], placement: cgroup, oom: null, cleanup: [] });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /no permission to make a cgroup: not limited: .*memory/);
});

test('a cgroup that one may make but not move into is none', () => {
  // Made over to the user by root, while the user's processes are elsewhere (cgroup-v2.rst, "Delegation Containment").
  const elsewhere = access([`${top}/given`]);
  const given: Access = { ...elsewhere, exists: (path) => path === `${top}/given` || path === top };
  const cgroup: Cgroup = { unified: `${top}/given/c`, legacy: [] };
  assert.equal(permittedCgroup(cgroup, layout, own, given).unified, null);
});

test('of v1 hierarchies those stay that may be written; v2 beside them is nothing by itself', () => {
  const hybrid: CgroupLayout = { ...layout, mode: 'hybrid' };
  const legacy = ['memory', 'pids'].map((name) => ({ controllers: [name], directory: `${top}/${name}/c` }));
  const cgroup: Cgroup = { unified: `${top}/unified/c`, legacy };
  const some: Access = { ...access([`${top}/memory`]), exists: (path) => path === `${top}/memory` || path === top };
  const { legacy: kept } = permittedCgroup(cgroup, hybrid, new Map(), some);
  assert.deepEqual(
    kept.map(({ controllers }) => controllers),
    [['memory']],
  );
  assert.deepEqual(permittedCgroup(cgroup, hybrid, own, access([])), { unified: null, legacy: [] });
});
