/** Changing limits, telling of OOM kills, and statistics beside runc's. The layout is detected, as in cgroup.test.ts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Resources } from '../../src/oci/runtime-spec.ts';
import { controllerDirectory, directoriesOf } from '../../src/runtime/cgroup/cgroup.ts';
import { findCgroup, readCgroupLayout } from '../../src/runtime/cgroup/layout.ts';
import { watchOom } from '../../src/runtime/cgroup/oom-events.ts';
import { checkFreshCgroup, killCgroup } from '../../src/runtime/cgroup/processes.ts';
import { updateCgroup } from '../../src/runtime/cgroup/update.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { cgroupsPath, runSpec } from './spec-container.ts';

const layout = readCgroupLayout();
const unified = layout.mode === 'unified';
const cgroup = findCgroup(cgroupsPath);
const needs = requires('root');
const MiB = 1 << 20;

function file(controller: string, legacy: string, current: string): string {
  return readFileSync(`${controllerDirectory(cgroup, controller)}/${unified ? current : legacy}`, 'utf8').trim();
}

/** Calls `act` while a container with these limits is created. */
async function during(resources: Resources, args: readonly string[], act: () => void | Promise<void>): Promise<void> {
  let acted = false;
  const told = await runSpec({ args, linux: { cgroupsPath, resources } }, async (event) => {
    if (event.type !== 'status' || event.state !== 'created') return;
    acted = true;
    await act();
  });
  assert.ok(acted, `never created: ${told.stderr}`);
}

const update = (resources: Resources): (() => void) => updateCgroup(layout, cgroup, resources, assert.fail);

test('limits that depend on one another go up and down in one update', needs, async () => {
  const of = (size: number): Resources => ({
    memory: { limit: size * MiB, ...(layout.swap && { swap: size * MiB }) },
    cpu: { quota: size * 1000, period: 100_000, burst: size * 500 },
  });
  await during(of(32), ['true'], () => {
    for (const size of [64, 16, 48]) {
      update(of(size));
      assert.equal(file('memory', 'memory.limit_in_bytes', 'memory.max'), String(size * MiB));
      assert.equal(file('cpu', 'cpu.cfs_burst_us', 'cpu.max.burst'), String(size * 500));
      assert.equal(file('cpu', 'cpu.cfs_quota_us', 'cpu.max').split(' ')[0], String(size * 1000));
      if (layout.swap && !unified) assert.equal(file('memory', 'memory.memsw.limit_in_bytes', ''), String(size * MiB));
    }
    const takeBack = update({ memory: { limit: -1 }, pids: { limit: -1 } });
    assert.equal(file('pids', 'pids.max', 'pids.max'), 'max');
    takeBack();
    assert.equal(file('memory', 'memory.limit_in_bytes', 'memory.max'), String(48 * MiB));
  });
});

test('an update that is refused changes nothing', needs, async () => {
  await during({ memory: { limit: 64 * MiB }, pids: { limit: 50 } }, ['true'], () => {
    assert.throws(() => update({ memory: { limit: 96 * MiB }, pids: { limit: 1e15 } }), { code: 'invalid' });
    assert.equal(file('memory', 'memory.limit_in_bytes', 'memory.max'), String(64 * MiB));
    const tight: Resources = { memory: { limit: 4096, checkBeforeUpdate: true } };
    assert.throws(() => update(tight), { code: 'conflict' });
    assert.equal(file('memory', 'memory.limit_in_bytes', 'memory.max'), String(64 * MiB));
  });
});

test('a new container is not put beside the processes of another one', needs, async () => {
  await during({}, ['true'], () => {
    assert.throws(() => checkFreshCgroup(cgroup), { code: 'conflict' });
  });
  checkFreshCgroup(cgroup);
});

test('a kill for lack of memory is told, and the end of the cgroup ends the telling', needs, async () => {
  let kills = 0;
  let watched: Promise<void> | undefined;
  const limit = 32 * MiB;
  const resources: Resources = { memory: { limit, ...(layout.swap && { swap: limit }) } };
  // A second process is killed, so that the first one and its cgroup are still there to be looked at.
  const script = `onggi-probe memory ${128 * MiB}; sleep 0.6`;
  await during(resources, ['sh', '-c', script], () => {
    watched = watchOom(cgroup, (count) => (kills += count), new AbortController().signal);
  });
  await watched;
  assert.equal(kills, 1);
  await assert.rejects(
    watchOom(cgroup, () => assert.fail(), new AbortController().signal),
    { code: 'not-found' },
  );
  await killCgroup(cgroup);
  assert.ok(!existsSync(directoriesOf(cgroup)[0] ?? ''));
});

/** Types of the leaves of a document, by their path; of lists only that they are there. */
function shape(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([name, inner]) => shape(inner, `${path}.${name}`));
}

test('statistics have the names that runc gives them', requires('root', 'runc', 'cgroup-v1', 'busybox'), async () => {
  await using scratch = makeScratch();
  const root = join(scratch.path, 'rootfs/bin');
  mkdirSync(root, { recursive: true });
  cpSync('/bin/busybox', join(root, 'busybox'));
  const config = {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['/bin/busybox', 'sleep', '100'], env: ['PATH=/bin'] },
    root: { path: 'rootfs' },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { resources: { pids: { limit: 9 } }, namespaces: [{ type: 'pid' }, { type: 'mount' }] },
  };
  writeFileSync(join(scratch.path, 'config.json'), JSON.stringify(config));
  const { readCgroupStats } = await import('../../src/runtime/cgroup/stats.ts');
  const runc = (...args: string[]): string => {
    const found = spawnSync('runc', ['--root', join(scratch.path, 'runc'), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', args[0] === 'run' ? 'ignore' : 'pipe', 'inherit'],
    });
    assert.equal(found.status, 0);
    return found.stdout ?? '';
  };
  const id = `onggi-test-${process.pid}`;
  runc('run', '--detach', '--bundle', scratch.path, id);
  try {
    const theirs: unknown = JSON.parse(runc('events', '--stats', id));
    assert.ok(typeof theirs === 'object' && theirs !== null && 'data' in theirs);
    const ours: unknown = JSON.parse(
      JSON.stringify(readCgroupStats(findCgroup(id)), (_key, value: unknown) =>
        typeof value === 'bigint' ? Number(value) : value,
      ),
    );
    assert.deepEqual(shape(ours).sort(), shape(theirs.data).sort());
  } finally {
    runc('delete', '--force', id);
  }
});
