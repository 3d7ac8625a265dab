/** The systemd cgroup driver, on a machine whose init is systemd (boot.ts --systemd). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resources } from '../../src/oci/runtime-spec.ts';
import { type Cgroup, controllerDirectory, directoriesOf } from '../../src/runtime/cgroup/cgroup.ts';
import { readCgroupLayout } from '../../src/runtime/cgroup/layout.ts';
import { cgroupProcesses } from '../../src/runtime/cgroup/processes.ts';
import { planScope, removeScope, type Scope, startScope, updateScope } from '../../src/runtime/cgroup/systemd-scope.ts';
import { updateCgroup } from '../../src/runtime/cgroup/update.ts';
import { repository } from '../harness/busybox-image.ts';
import { makeScratch } from '../harness/scratch.ts';
import type { Told } from '../system/shim-container.ts';
import { runSpec } from '../system/spec-container.ts';

const layout = readCgroupLayout();
const unified = layout.mode === 'unified';
const env = process.env;
const request = (resources: Resources) => ({ id: 'x', resources, annotations: {}, warn: assert.fail });

function show(unit: string, property: string): string {
  const { stdout, stderr } = spawnSync('systemctl', ['show', '-P', property, unit], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.trim();
}

/** A file of a controller, by the names that the two versions have for it. */
function file(cgroup: Cgroup, controller: string, legacy: string, current: string): string {
  return readFileSync(`${controllerDirectory(cgroup, controller)}/${unified ? current : legacy}`, 'utf8').trim();
}

/** Runs a container in a scope and calls `look` while it waits for its start. */
async function inScope(
  cgroupsPath: string,
  resources: Resources,
  args: readonly string[],
  look: (scope: Scope, cgroup: Cgroup) => void | Promise<void>,
): Promise<Told> {
  const { scope, cgroup } = await planScope(layout, cgroupsPath, 'x', false, env);
  const holder = await startScope(layout, scope, request(resources), env);
  let looked = false;
  const path = (directoriesOf(cgroup)[0] ?? '').slice((layout.unified ?? layout.legacy[0])?.mountPoint.length);
  const remove = (): Promise<void> => removeScope(scope, cgroup, env);
  const told = await runSpec({ args, linux: { cgroupsPath: path, resources }, remove }, async (event) => {
    if (event.type !== 'status' || event.state !== 'created') return;
    holder[Symbol.dispose]();
    await look(scope, cgroup);
    looked = true;
  });
  holder[Symbol.dispose]();
  assert.ok(looked, `never created: ${told.stderr}`);
  assert.deepEqual(directoriesOf(cgroup).filter(existsSync), []);
  assert.equal(show(scope.unit, 'LoadState'), 'not-found');
  return told;
}

after(() => assert.equal(spawnSync('systemctl', ['--failed', '--quiet'], { encoding: 'utf8' }).stdout, ''));

test(`systemd has set up "${layout.mode}"`, () => {
  assert.equal(readFileSync('/proc/1/comm', 'utf8'), 'systemd\n');
});

test('the container is in its scope, with its limits', async () => {
  const resources = {
    memory: { limit: 64 << 20 },
    cpu: { quota: 12_345, period: 100_000, shares: 512, cpus: '0' },
    pids: { limit: 77 },
  };
  const told = await inScope('onggi-test.slice:onggi:one', resources, ['true'], (scope, cgroup) => {
    assert.equal(scope.unit, 'onggi-one.scope');
    for (const directory of directoriesOf(cgroup)) {
      assert.match(directory, /\/onggi\.slice\/onggi-test\.slice\/onggi-one\.scope$/);
      assert.equal(readFileSync(`${directory}/cgroup.procs`, 'utf8').trim().split('\n').length, 1, directory);
    }
    assert.equal(cgroupProcesses(cgroup).length, 1);
    assert.equal(show(scope.unit, 'ActiveState'), 'active');
    assert.equal(show(scope.unit, 'Delegate'), 'yes');
    assert.equal(show(scope.unit, 'Slice'), 'onggi-test.slice');
    assert.equal(show(scope.unit, unified ? 'MemoryMax' : 'MemoryLimit'), String(64 << 20));
    assert.equal(show(scope.unit, 'CPUQuotaPerSecUSec'), '130ms');
    assert.equal(show(scope.unit, 'TasksMax'), '77');
    assert.equal(show(scope.unit, 'AllowedCPUs'), '0');
    assert.equal(file(cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(64 << 20));
    // systemd keeps whole percents, the file has what was asked for.
    assert.equal(file(cgroup, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), unified ? '12345 100000' : '12345');
    assert.equal(file(cgroup, 'pids', 'pids.max', 'pids.max'), '77');
  });
  assert.equal(told.exit.exitCode, 0);
});

test('a reload of systemd keeps limits and device rules', async () => {
  const resources = { memory: { limit: 64 << 20 }, devices: [{ allow: false, access: 'rwm' }] };
  const script = 'mknod /dev/x c 1 11; (: </dev/x) 2>/dev/null || echo no kmsg; head -c 3 /dev/zero | wc -c';
  const told = await inScope('system.slice:onggi:two', resources, ['sh', '-c', script], (_scope, cgroup) => {
    assert.equal(spawnSync('systemctl', ['daemon-reload']).status, 0);
    assert.equal(file(cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(64 << 20));
    assert.equal(cgroupProcesses(cgroup).length, 1);
  });
  assert.equal(told.stdout, 'no kmsg\n3\n');
});

test('an update reaches systemd and the files', async () => {
  await inScope('system.slice:onggi:three', { memory: { limit: 64 << 20 } }, ['true'], async (scope, cgroup) => {
    const resources = { memory: { limit: 96 << 20 }, cpu: { quota: 50_500 } };
    await updateScope(layout, scope, resources, env);
    updateCgroup(layout, cgroup, resources, assert.fail);
    assert.equal(show(scope.unit, unified ? 'MemoryMax' : 'MemoryLimit'), String(96 << 20));
    assert.equal(file(cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(96 << 20));
    assert.equal(file(cgroup, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), unified ? '50500 100000' : '50500');
  });
});

test('a container that runs out of memory leaves no failed unit', async () => {
  const resources = { memory: { limit: 32 << 20, ...(layout.swap && { swap: 32 << 20 }) } };
  const told = await inScope(
    'system.slice:onggi:hog',
    resources,
    ['onggi-probe', 'memory', String(96 << 20)],
    () => {},
  );
  assert.equal(told.exit.signal, 9);
});

test('stop ends what is in a scope; a name that is taken is refused', async () => {
  const { scope, cgroup } = await planScope(layout, 'system.slice:onggi:four', 'x', false, env);
  const holder = await startScope(layout, scope, request({}), env);
  await assert.rejects(startScope(layout, scope, request({}), env), { code: 'exists' });
  assert.equal(cgroupProcesses(cgroup).length, 1);
  await removeScope(scope, cgroup, env);
  assert.deepEqual(cgroupProcesses(cgroup), []);
  holder[Symbol.dispose]();
  await removeScope(scope, cgroup, env);
});

test('a runtime that is killed leaves no scope', async () => {
  const { scope } = await planScope(layout, 'system.slice:onggi:five', 'x', false, env);
  const holder = await startScope(layout, scope, request({}), env);
  holder[Symbol.dispose]();
  for (let tries = 0; show(scope.unit, 'LoadState') !== 'not-found' && tries < 100; tries++) await sleep(50);
  assert.equal(show(scope.unit, 'LoadState'), 'not-found');
});

test('what systemd refuses is told', async () => {
  const { scope } = await planScope(layout, 'system.slice:onggi:six', 'x', false, env);
  const annotations = { 'org.systemd.property.CollectMode': "'nonsense'" };
  await assert.rejects(startScope(layout, scope, { ...request({}), annotations }, env), (error: Error) => {
    assert.match(error.message, /CollectMode/);
    return true;
  });
});

/** A bundle with busybox as its root. */
function makeBundle(directory: string, args: readonly string[], cgroupsPath: string): void {
  mkdirSync(join(directory, 'rootfs/bin'), { recursive: true });
  for (const name of ['proc', 'sys', 'dev']) mkdirSync(join(directory, 'rootfs', name));
  cpSync('/bin/busybox', join(directory, 'rootfs/bin/busybox'));
  const linux = {
    cgroupsPath,
    resources: { memory: { limit: 64 << 20 } },
    namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }],
  };
  const process = { user: { uid: 0, gid: 0 }, cwd: '/', args, env: ['PATH=/bin'] };
  const config = { ociVersion: '1.2.0', process, root: { path: 'rootfs' }, linux };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
}

test('the runtime with --systemd-cgroup: run, update, delete', async () => {
  await using scratch = makeScratch();
  makeBundle(scratch.path, ['/bin/busybox', 'sleep', '1000'], 'system.slice:onggi:seven');
  const runtime = (...args: string[]): string => {
    const command = ['--root', '/run/onggi-runtime-test', '--systemd-cgroup', ...args];
    const { status, stdout } = spawnSync(join(repository, 'dist/onggi-runtime'), command, {
      encoding: 'utf8',
      // The container keeps what it inherits open, and a pipe would be waited for.
      stdio: ['ignore', args[0] === 'create' ? 'ignore' : 'pipe', 'inherit'],
      timeout: 60_000,
    });
    assert.equal(status, 0, args.join(' '));
    return stdout ?? '';
  };
  runtime('create', '--bundle', scratch.path, 'seven');
  assert.equal(show('onggi-seven.scope', 'ActiveState'), 'active');
  runtime('start', 'seven');
  runtime('update', '--memory', String(96 << 20), 'seven');
  assert.equal(show('onggi-seven.scope', unified ? 'MemoryMax' : 'MemoryLimit'), String(96 << 20));
  assert.match(runtime('ps', 'seven'), /sleep 1000/);
  runtime('delete', '--force', 'seven');
  assert.equal(show('onggi-seven.scope', 'LoadState'), 'not-found');
});
