import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Plan } from '../../src/runtime/plan/steps.ts';
import { requires } from '../harness/requires.ts';
import { type ContainerWish, follow, inPlace, runOnce } from './shim-container.ts';

const needs = requires('root', 'cgroup-v1');
const controllers = ['memory', 'pids', 'cpu', 'cpuset', 'freezer', 'devices'];
const parent = (controller: string): string => `/sys/fs/cgroup/${controller}/onggi-shim-test`;
const group = (controller: string): string => `${parent(controller)}/c${process.pid}`;
const unified = '/sys/fs/cgroup/unified';

function grouped(
  writes: readonly [string, string][] = [],
): Pick<ContainerWish, 'prepare' | 'spawn' | 'cleanup' | 'shim'> {
  const own = `${unified}/onggi-shim-test/c${process.pid}`;
  const hasUnified = existsSync(unified);
  const prepare: Plan['prepare'] = [
    ...(hasUnified ? [{ op: 'cgroup-create', path: own } as const] : []),
    ...controllers.map((name) => ({ op: 'cgroup-create', path: group(name) }) as const),
    ...writes.map(([file, value]) => {
      const path = `${group(file.slice(0, file.indexOf('.')))}/${file}`;
      return { op: 'write', path, value, what: 'limit', optional: false } as const;
    }),
  ];
  return {
    prepare,
    spawn: {
      kind: 'clone',
      namespaces: ['mnt', 'pid', 'net', 'uts', 'ipc'],
      join: [],
      cgroups: { unified: hasUnified ? own : null, legacy: controllers.map(group) },
      timeOffsets: [],
    },
    cleanup: [
      ...controllers.map((name) => ({ op: 'cgroup-remove', path: group(name) }) as const),
      ...(hasUnified ? [{ op: 'cgroup-remove', path: own } as const] : []),
    ],
    shim: { oom: { version: 1, directory: group('memory') } },
  };
}

function removeParents(): void {
  for (const path of [...controllers.map(parent), `${unified}/onggi-shim-test`]) if (existsSync(path)) rmdirSync(path);
}

test('the container is in its groups from the first to the last', needs, async () => {
  const told = await runOnce({ argv: ['cat', '/proc/self/cgroup'], ...grouped() });
  for (const name of controllers)
    assert.match(told.stdout, new RegExp(`:${name}:/onggi-shim-test/c${process.pid}$`, 'm'));
  if (existsSync(unified)) assert.match(told.stdout, new RegExp(`^0::/onggi-shim-test/c${process.pid}$`, 'm'));
  for (const name of controllers) assert.equal(existsSync(group(name)), false, name);
  removeParents();
});

test('the groups above go with it where nobody else is in them, as many as were asked for', needs, async () => {
  const wish = grouped();
  const above = (levels: number) => wish.cleanup?.map((step) => ({ ...step, above: levels })) ?? [];
  const busy = `${parent('memory')}/other`;
  mkdirSync(parent('memory'), { recursive: true });
  mkdirSync(busy);
  // Far more than there are: the root of a hierarchy is never empty.
  const told = await runOnce({ argv: ['true'], ...wish, cleanup: above(9) });
  assert.equal(told.exit.released, true);
  assert.equal(told.record.released, true);
  assert.deepEqual(
    controllers.filter((name) => existsSync(parent(name))),
    ['memory'],
  );
  rmdirSync(busy);
  await runOnce({ argv: ['true'], ...wish, cleanup: above(0) });
  assert.deepEqual(
    controllers.filter((name) => !existsSync(parent(name))),
    [],
  );
  removeParents();
});

test('a parent that another start has only just made gets its CPUs and memory nodes here', needs, async () => {
  mkdirSync(parent('cpuset'), { recursive: true });
  assert.equal(readFileSync(`${parent('cpuset')}/cpuset.cpus`, 'utf8').trim(), '');
  const told = await runOnce({ argv: ['cat', '/proc/self/cgroup'], ...grouped() });
  assert.match(told.stdout, new RegExp(`:cpuset:/onggi-shim-test/c${process.pid}$`, 'm'));
  removeParents();
});

test('what could not be removed is told, and that not all is released', needs, async () => {
  const told = await runOnce({ argv: ['true'], cleanup: [{ op: 'cgroup-remove', path: '/proc/self' }] });
  const warnings = told.events.flatMap((event) => (event.type === 'warn' ? [event.text] : []));
  assert.match(warnings.join(), /^remove the cgroup "\/proc\/self"/);
  assert.equal(told.exit.released, false);
  assert.equal(told.record.released, false);
});

test('a cgroup namespace begins at the container', needs, async () => {
  const told = await runOnce({
    argv: [
      'sh',
      '-c',
      'cat /proc/self/cgroup; ls -l /cg; cat /cg/pids/pids.max; echo 1 > /cg/pids/pids.max; mkdir /cg/x',
    ],
    ...grouped([['pids.max', '33']]),
    mounts: [
      { op: 'unshare-cgroup' },
      {
        op: 'cgroup-mount',
        target: '/cg',
        unified: false,
        legacy: [
          { name: 'pids', options: 'pids', links: ['p'] },
          { name: 'memory', options: 'memory', links: [] },
        ],
        flags: { bits: 1 | 2 | 4 | 8, words: [] },
      },
    ],
  });
  assert.match(told.stdout, /:pids:\/$/m);
  assert.match(told.stdout, /p -> pids/);
  assert.match(told.stdout, /^33$/m);
  assert.equal(told.stderr.match(/Read-only file system/g)?.length, 2);
  removeParents();
});

test('a hog is killed at its limit, and it is told whose limit that was', needs, async () => {
  const limit = String(16 << 20);
  const hog = await runOnce({
    argv: ['onggi-probe', 'memory', String(64 << 20)],
    ...grouped([['memory.limit_in_bytes', limit]]),
  });
  assert.equal(hog.exit.signal, 9);
  assert.equal(hog.exit.oom, 'cgroup');
  assert.equal(hog.record.oom, 'cgroup');
  // A child is killed, the command goes on: Docker still says OOMKilled.
  const argv = ['sh', '-c', `onggi-probe memory ${64 << 20}; echo $?; exit 4`];
  const child = await runOnce({ argv, ...grouped([['memory.limit_in_bytes', limit]]) });
  assert.equal(child.stdout, '137\n');
  assert.equal(child.exit.exitCode, 4);
  assert.equal(child.exit.oom, 'cgroup');
  const calm = await runOnce({ argv: ['true'], ...grouped([['memory.limit_in_bytes', limit]]) });
  assert.equal(calm.exit.oom, null);
  removeParents();
});

test('an ancestor that runs out is not the container running out', needs, async () => {
  mkdirSync(parent('memory'), { recursive: true });
  writeFileSync(`${parent('memory')}/memory.limit_in_bytes`, String(16 << 20));
  const told = await runOnce({ argv: ['onggi-probe', 'memory', String(64 << 20)], ...grouped() });
  assert.equal(told.exit.oom, 'host');
  removeParents();
});

test('processes that outlive their command are killed with the group', needs, async () => {
  await inPlace(async (place) => {
    const wish = grouped();
    const plan = place.plan({ argv: ['sh', '-c', 'sleep 1000 & sleep 1000 & echo started'], ...wish });
    // Without a pid namespace the end of the command ends nothing else.
    const spawn = plan.spawn.kind === 'clone' ? { ...plan.spawn, namespaces: ['mnt', 'net'] as const } : plan.spawn;
    place.launch({ ...plan, spawn });
    const told = await follow(await place.connect());
    assert.equal(told.exit.exitCode, 0);
    for (const name of controllers) assert.equal(existsSync(group(name)), false, name);
  });
  removeParents();
});

test('a limit that can not be set ends it before it begins', needs, async () => {
  const told = await runOnce({ argv: ['true'], ...grouped([['memory.limit_in_bytes', 'plenty']]) });
  assert.equal(told.fail().phase, 'prepare');
  assert.equal(told.fail().errno, 22);
  assert.match(told.fail().text, /limit: write "plenty" to ".*memory.limit_in_bytes"/);
  assert.equal(told.exit.exitCode, 125);
  assert.equal(told.pid, 0);
  for (const name of controllers) assert.equal(existsSync(group(name)), false, name);
  removeParents();
});

test('a limit that may be gone without is a warning', needs, async () => {
  const wish = grouped();
  const path = `${group('memory')}/memory.no_such`;
  const write = { op: 'write', path, value: '1', what: 'soft limit', optional: true } as const;
  const told = await runOnce({ argv: ['true'], ...wish, prepare: [...(wish.prepare ?? []), write] });
  assert.equal(told.exit.exitCode, 0);
  const warning = told.events.find((event) => event.type === 'warn');
  assert.match(warning?.type === 'warn' ? warning.text : '', /soft limit: write/);
  removeParents();
});
