import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Known, type Seen, viewOf } from './view.ts';

const known: Known = { joinable: { net: 'net:[7]' }, id: 'box', bundle: '/tmp/b', disk: { major: 7, minor: 0 } };

function seen(report: object, more: Partial<Seen> = {}): Seen {
  const host = { net: 'net:[1]', pid: 'pid:[2]' };
  return { host, exit: 0, report: JSON.stringify(report), stderr: '', states: {}, hooks: [], left: {}, ...more };
}

test('mounts become fields by their targets, without the numbers of the run', () => {
  const mountinfo = [
    '20 1 8:1 /tmp/b/rootfs / rw,relatime - ext4 /dev/sda rw',
    '21 20 0:5 / /dev rw,nosuid shared:9 master:4 - tmpfs tmpfs rw,mode=755',
    '22 20 0:6 / /dev ro - tmpfs tmpfs rw',
  ];
  const view = viewOf(seen({ mountinfo, pid: 1 }), known);
  assert.equal(view['mounts./.root'], 'BUNDLE/rootfs');
  assert.equal(view['mounts./.propagation'], 'private');
  assert.equal(view['mounts./dev.options'], 'nosuid,rw');
  assert.equal(view['mounts./dev.propagation'], 'shared master');
  assert.equal(view['mounts./dev.super'], 'mode=755,rw');
  assert.equal(view['mounts./dev#2.options'], 'ro');
});

test("namespaces are the host's, the offered one, or new; ids of a shared pid namespace are any", () => {
  const namespaces = { net: 'net:[7]', pid: 'pid:[2]', pid_for_children: 'pid:[2]', uts: 'uts:[3]' };
  const view = viewOf(seen({ namespaces, pid: 70, ppid: 1, sid: 70, pgrp: 60 }), known);
  assert.equal(view['namespaces.net'], 'joined');
  assert.equal(view['namespaces.pid'], 'host');
  assert.equal(view['namespaces.pid_for_children'], 'host');
  assert.equal(view['namespaces.uts'], 'new');
  assert.deepEqual([view['pid'], view['sid'], view['pgrp']], ['a pid', 'its own', 'of another']);
});

test('lists stay one field, environment and cgroups are taken apart', () => {
  const view = viewOf(
    seen({
      pid: 1,
      uids: [1, 2, 3],
      groups: [7, 5],
      ignoredSignals: '0000000180001000',
      env: ['A=b=c', 'EMPTY='],
      cgroup: ['3:cpu,cpuacct:/x', '0::/'],
      paths: { 'content:/sys/fs/cgroup/blkio/limit': '7:0 5\n17:0 6\n' },
    }),
    known,
  );
  assert.deepEqual([view['uids'], view['groups']], ['[1,2,3]', '[5,7]']);
  assert.equal(view['ignoredSignals'], '0000000000001000');
  assert.deepEqual([view['env.A'], view['env.EMPTY']], ['b=c', '']);
  assert.deepEqual([view['cgroup.cpu,cpuacct'], view['cgroup.']], ['/x', '/']);
  assert.equal(view['paths.content:/sys/fs/cgroup/blkio/limit'], 'DISK 5\n17:0 6\n');
});

test('states and hooks are told without the names of the run', () => {
  const state = JSON.stringify({ ociVersion: '1.2.0', id: 'box', pid: 77, bundle: '/tmp/b', created: '2026-01-01' });
  const hook = JSON.stringify({ name: 'poststop', state, env: ['A=b'], namespaces: { net: 'net:[1]' }, cwd: '/tmp/b' });
  const view = viewOf(
    seen({}, { report: '', states: { created: state }, hooks: [hook], left: { '/x': 'file' } }),
    known,
  );
  assert.deepEqual(view, {
    exit: 0,
    'state.created.id': 'ID',
    'state.created.bundle': 'BUNDLE',
    'state.created.ociVersion': 'a version',
    'state.created.pid': 'a pid',
    'state.created.created': 'a time',
    hooks: 'poststop',
    'hook.poststop.cwd': 'BUNDLE',
    'hook.poststop.env.A': 'b',
    'hook.poststop.state.id': 'ID',
    'hook.poststop.state.bundle': 'BUNDLE',
    'hook.poststop.state.ociVersion': 'a version',
    'hook.poststop.state.pid': 'a pid',
    'hook.poststop.state.created': 'a time',
    'hook.poststop.namespaces.net': 'host',
    'left./x': 'file',
  });
});
