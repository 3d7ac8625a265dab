/** `update` on cgroup v2, value by value: what each flag and field writes, by either driver, and what crun's writes. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Resources, Spec } from '../../src/oci/runtime-spec.ts';
import { run } from '../harness/program.ts';
import { type RuntimeWorld, runtimeTest } from '../harness/runtime-test.ts';

type Files = Readonly<Record<string, string>>;
type Row = {
  /** Flags, or what is read by --resources. */
  readonly change: readonly string[] | Resources;
  readonly files: Files;
  /** Where crun differs: what its cgroup has then, or null when it refuses. */
  readonly crun?: Files | null;
};

const MiB = 1 << 20;
const bytes = (size: number): string => String(size * MiB);

/** One after the other on one container: later ones build on earlier ones. */
const rows: readonly Row[] = [
  { change: ['--blkio-weight', '10'], files: { 'io.weight': 'default 1' } },
  { change: ['--blkio-weight', '1000'], files: { 'io.weight': 'default 10000' } },
  { change: ['--blkio-weight', '500'], files: { 'io.weight': 'default 4950' } },
  { change: ['--blkio-weight', '0'], files: { 'io.weight': 'default 4950' } },
  { change: { blockIO: { weight: 300 } }, files: { 'io.weight': 'default 2930' } },
  { change: ['--cpu-quota', '20000'], files: { 'cpu.max': '20000 100000' } },
  // crun forgets the quota.
  {
    change: ['--cpu-period', '50000'],
    files: { 'cpu.max': '20000 50000' },
    crun: { 'cpu.max': 'max 50000' },
  },
  { change: ['--cpu-quota', '30000', '--cpu-period', '60000'], files: { 'cpu.max': '30000 60000' } },
  { change: ['--cpu-burst', '1000'], files: { 'cpu.max.burst': '1000' }, crun: null },
  { change: { cpu: { quota: 40_000, period: 90_000 } }, files: { 'cpu.max': '40000 90000' } },
  { change: ['--cpu-burst', '0'], files: { 'cpu.max.burst': '0' }, crun: null },
  // The curve of runc and crun before 2025 was a straight line.
  { change: ['--cpu-share', '512'], files: { 'cpu.weight': '59' }, crun: { 'cpu.weight': '20' } },
  { change: ['--cpu-share', '1024'], files: { 'cpu.weight': '100' }, crun: { 'cpu.weight': '39' } },
  { change: ['--cpu-share', '2'], files: { 'cpu.weight': '1' } },
  { change: ['--cpu-share', '262144'], files: { 'cpu.weight': '10000' } },
  { change: { cpu: { shares: 2048 } }, files: { 'cpu.weight': '174' }, crun: { 'cpu.weight': '79' } },
  { change: ['--cpu-idle', '1'], files: { 'cpu.idle': '1', 'cpu.weight': '0' }, crun: null },
  { change: ['--cpu-idle', '0'], files: { 'cpu.idle': '0', 'cpu.weight': '174' }, crun: null },
  { change: ['--cpu-rt-period', '1000000'], files: {}, crun: null },
  { change: ['--cpu-rt-runtime', '5000'], files: {}, crun: null },
  { change: ['--cpuset-cpus', '0', '--cpuset-mems', '0'], files: { 'cpuset.cpus': '0', 'cpuset.mems': '0' } },
  { change: ['--cpuset-cpus', '0-1'], files: { 'cpuset.cpus': '0-1' } },
  { change: ['--memory', bytes(64)], files: { 'memory.max': bytes(64) } },
  {
    change: ['--memory', bytes(64), '--memory-swap', bytes(96)],
    files: { 'memory.max': bytes(64), 'memory.swap.max': bytes(32) },
  },
  // What is limited is memory and swap together: more memory is less swap, as on v1.
  {
    change: ['--memory', bytes(80)],
    files: { 'memory.max': bytes(80), 'memory.swap.max': bytes(16) },
    crun: { 'memory.max': bytes(80), 'memory.swap.max': bytes(32) },
  },
  { change: ['--memory-swap', bytes(128)], files: { 'memory.swap.max': bytes(48) }, crun: null },
  { change: ['--memory-swap', '-1'], files: { 'memory.swap.max': 'max' } },
  { change: ['--memory', '-1'], files: { 'memory.max': 'max', 'memory.swap.max': 'max' } },
  {
    change: { memory: { limit: 50 * MiB, swap: 50 * MiB, reservation: 20 * MiB } },
    files: { 'memory.max': bytes(50), 'memory.swap.max': '0', 'memory.low': bytes(20) },
  },
  { change: ['--memory-reservation', bytes(32)], files: { 'memory.low': bytes(32) } },
  { change: ['--memory-reservation', '-1'], files: { 'memory.low': 'max' } },
  { change: ['--pids-limit', '99'], files: { 'pids.max': '99' } },
  { change: ['--pids-limit', '-1'], files: { 'pids.max': 'max' } },
  { change: { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }] }, files: { 'hugetlb.2MB.max': bytes(4) } },
  {
    change: { unified: { 'memory.high': bytes(40), 'pids.max': '66' } },
    files: { 'memory.high': bytes(40), 'pids.max': '66' },
  },
  { change: ['--pids-limit', '55'], files: { 'memory.high': bytes(40), 'pids.max': '55' } },
];

const id = 'onggi-update';

const at =
  (cgroupsPath: string) =>
  (spec: Spec): Spec => ({
    ...spec,
    // crun of Debian 12 knows none later.
    ociVersion: '1.0.2',
    linux: { ...spec.linux, cgroupsPath },
  });

/** @param runtime with its global flags; its pipes would be kept by the container */
async function launch(world: RuntimeWorld, runtime: readonly string[], cgroupsPath: string): Promise<void> {
  const bundle = world.bundle({ args: ['sleep', '1000'], edit: at(cgroupsPath) });
  const words = [...runtime, 'run', '--detach', '--bundle', bundle, id];
  const { status } = await run('sh', ['-c', '"$@" >/dev/null 2>&1 </dev/null', '--', ...words]);
  assert.equal(status, 0, words.join(' '));
}

function cgroupOf(pid: number): string {
  return `/sys/fs/cgroup${readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().replace('0::', '')}`;
}

function contents(directory: string, names: readonly string[]): Files {
  return Object.fromEntries(names.map((name) => [name, readFileSync(`${directory}/${name}`, 'utf8').trim()]));
}

let files = 0;

const isFlags = (change: Row['change']): change is readonly string[] => Array.isArray(change);

/** Of the command line: what is to change is in a file, since crun takes no pipe. */
function flagsOf({ scratch }: RuntimeWorld, { change }: Row): readonly string[] {
  if (isFlags(change)) return change;
  const path = join(scratch, `resources-${++files}`);
  writeFileSync(path, JSON.stringify(change));
  return ['--resources', path];
}

async function updates(world: RuntimeWorld, cgroupsPath: string, globals: readonly string[]): Promise<void> {
  await launch(world, [...world.command, ...globals], cgroupsPath);
  const { pid } = await world.state(id);
  for (const row of rows) {
    const { change, files } = row;
    const said = JSON.stringify(change);
    const { status, stderr } = await world.runtime([...globals, 'update', ...flagsOf(world, row), id]);
    const none = Object.keys(files).length === 0;
    assert.deepEqual([status, stderr !== ''], [none ? 1 : 0, none], `${said}: ${stderr}`);
    assert.deepEqual(contents(cgroupOf(pid), Object.keys(files)), files, said);
  }
  await world.ok([...globals, 'delete', '--force', id]);
}

runtimeTest('v2: each flag and field of an update reaches its file', ['cgroup-v2'], async (world) => {
  await updates(world, `/onggi-updates/${id}`, []);
  rmdirSync('/sys/fs/cgroup/onggi-updates');
});

runtimeTest('v2: and so it does where systemd keeps the cgroup', ['cgroup-v2'], async (world) => {
  assert.equal(readFileSync('/proc/1/comm', 'utf8'), 'systemd\n');
  await updates(world, `system.slice:onggi:${id}`, ['--systemd-cgroup']);
});

runtimeTest('v2: crun writes the same but for what is known', ['cgroup-v2', 'crun'], async (world) => {
  const command = ['crun', '--root', join(world.scratch, 'crun')];
  const crun = (...args: readonly string[]) => run('crun', [...command.slice(1), ...args]);
  await launch(world, command, '/onggi-crun');
  const { pid } = JSON.parse((await crun('state', id)).stdout);
  for (const row of rows) {
    const { change, files, crun: theirs = files } = row;
    const { status, stderr } = await crun('update', ...flagsOf(world, row), id);
    const said = `${JSON.stringify(change)}: ${stderr}`;
    assert.equal(status === 0, theirs !== null, said);
    if (theirs !== null) assert.deepEqual(contents(cgroupOf(pid), Object.keys(theirs)), theirs, said);
  }
  await crun('delete', '--force', id);
  assert.equal(existsSync('/sys/fs/cgroup/onggi-crun'), false);
});
