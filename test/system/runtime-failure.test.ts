/** What fails leaves nothing, and what is killed leaves nothing that "delete --force" does not remove. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hooks, Spec } from '../../src/oci/runtime-spec.ts';
import { eventually } from '../harness/program.ts';
import { type RuntimeWorld, runtimeTest } from '../harness/runtime-test.ts';

const id = 'onggi-fail';

/** Creating and running must fail with this message, and leave no state, process or cgroup. */
async function refused(world: RuntimeWorld, bundle: string, message: RegExp): Promise<void> {
  for (const command of [['create'], ['run'], ['run', '--detach']]) {
    const { status, stderr } = await world.runtime([...command, '--bundle', bundle, id]);
    assert.equal(status, 1, `${command.join(' ')}: ${stderr}`);
    assert.match(stderr, message, command.join(' '));
    assert.deepEqual(existsSync(world.root) ? readdirSync(world.root) : [], [], `${command.join(' ')} left state`);
  }
}

const process = (change: Partial<NonNullable<Spec['process']>>) => (spec: Spec) => ({
  ...spec,
  process: { user: { uid: 0, gid: 0 }, cwd: '/', ...spec.process, ...change },
});

runtimeTest('a bundle that can not be run is refused, and the field named', [], async (world) => {
  const args = ['true'];
  await refused(world, join(world.scratch, 'none'), /config\.json": no such file or directory/);
  await refused(world, world.bundle({ args: ['nonexistent'] }), /"nonexistent": executable file not found in \$PATH/);
  await refused(world, world.bundle({ args, edit: process({ cwd: '/etc/passwd' }) }), /process\.cwd: .*\/etc\/passwd/);
  const root = (path: string) => (spec: Spec) => ({ ...spec, root: { path } });
  await refused(world, world.bundle({ args, edit: root('none') }), /root\.path: "none": no such directory/);
  await refused(
    world,
    world.bundle({ args, edit: root('config.json') }),
    /root\.path: "config\.json" is not a directory/,
  );
  await refused(world, world.bundle({ args, edit: (spec) => ({ ...spec, ociVersion: '2.0.0' }) }), /ociVersion/);
  const also =
    (mount: { readonly destination: string; readonly type: string; readonly source: string }) => (spec: Spec) => ({
      ...spec,
      mounts: [...(spec.mounts ?? []), mount],
    });
  const onFile = also({ destination: '/etc/passwd', type: 'tmpfs', source: 'tmpfs' });
  await refused(world, world.bundle({ args, edit: onFile }), /mounts\[\d\]\.destination: .*not a directory/);
  const apart = (type: 'proc' | 'mqueue') => (spec: Spec) => ({
    ...also({ destination: '/mnt', type, source: type })(spec),
    linux: {
      ...spec.linux,
      namespaces: (['mount', 'user', 'network', 'uts'] as const).map((type) => ({ type })),
    },
  });
  await refused(
    world,
    world.bundle({
      args,
      edit: (spec) => ({ ...apart('mqueue')(spec), mounts: apart('mqueue')(spec).mounts.slice(-1) }),
    }),
    /mounts\[0\]\.type: start container: mount "mqueue": operation not permitted\n.* of type "ipc"/,
  );
  await refused(
    world,
    world.bundle({ args, edit: apart('proc') }),
    /mounts\[0\]\.type: start container: mount "proc": operation not permitted\n.* of type "pid"/,
  );
  const interpreted = join(world.scratch, 'rootfs/bin/interpreted');
  writeFileSync(interpreted, '#!/none\n', { mode: 0o755 });
  const { stderr } = await world.runtime(['run', '--bundle', world.bundle({ args: ['interpreted'] }), id]);
  assert.match(stderr, /exec: "interpreted": no such file or directory\nIt is there; the interpreter/);
  unlinkSync(interpreted);
  const unknown = also({ destination: '/mnt', type: 'nofs', source: 'none' });
  await refused(
    world,
    world.bundle({ args, edit: unknown }),
    /mounts\[\d\]\.type: .*the kernel knows no such file system/,
  );
  const joining = (path: string) => (spec: Spec) => {
    const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'network');
    return { ...spec, linux: { ...spec.linux, namespaces: [...namespaces, { type: 'network' as const, path }] } };
  };
  for (const [path, message] of [
    ['/none', /linux\.namespaces\[\d\]\.path: .*"\/none": no such file/],
    ['/etc/passwd', /linux\.namespaces\[\d\]\.path: .*it is no namespace/],
    ['/proc/self/ns/uts', /linux\.namespaces\[\d\]\.path: .*of another type/],
  ] as const) {
    await refused(world, world.bundle({ args, edit: joining(path) }), message);
  }
  const resources = (given: object) => (spec: Spec) => ({ ...spec, linux: { ...spec.linux, resources: given } });
  const cpus = world.bundle({ args, edit: resources({ cpu: { cpus: 'x' } }) });
  await refused(world, cpus, /linux\.resources\.cpu\.cpus: "x" is not a list of CPUs/);
  const affinity = process({ execCPUAffinity: { final: 'all' } });
  await refused(world, world.bundle({ args, edit: affinity }), /process\.execCPUAffinity\.final: "all"/);
  // Where there is no resctrl, and where there is, but no such class.
  const noClass = (spec: Spec) => ({ ...spec, linux: { ...spec.linux, intelRdt: { closID: 'onggi-none' } } });
  await refused(world, world.bundle({ args, edit: noClass }), /linux\.intelRdt/);
});

runtimeTest('a config.json that is none is refused', [], async (world) => {
  const bundle = join(world.scratch, 'b');
  const file = join(bundle, 'config.json');
  mkdirSync(bundle);
  for (const [text, message] of [
    ['{', /not JSON/],
    ['[]', /config\.json/],
    ['{}', /ociVersion/],
    [`{"ociVersion":"1.0.0","x":"${'x'.repeat(17 << 20)}"}`, /at most|are the most/],
    ['['.repeat(200_000), /config\.json/],
  ] as const) {
    writeFileSync(file, text);
    await refused(world, bundle, message);
  }
  unlinkSync(file);
  mkdirSync(file);
  await refused(world, bundle, /not a regular file/);
});

runtimeTest('a console socket that nobody needs, or that is not there, is refused', [], async (world) => {
  const bundle = world.bundle({ args: ['true'] });
  const terminal = world.bundle({ args: ['true'], edit: process({ terminal: true }) });
  for (const [directory, message] of [
    [bundle, /the container has no terminal/],
    [terminal, /none/],
  ] as const) {
    const flags = ['--bundle', directory, '--console-socket', join(world.scratch, 'none')];
    const { status, stderr } = await world.runtime(['create', ...flags, id]);
    assert.equal(status, 1);
    assert.match(stderr, message);
  }
});

runtimeTest('a pid file that can not be written undoes the container', [], async (world) => {
  const flags = ['--bundle', world.bundle({ args: ['true'] }), '--pid-file', join(world.scratch, 'none/pid')];
  for (const command of [['create'], ['run', '-d'], ['run']]) {
    const { status, stderr } = await world.runtime([...command, ...flags, id]);
    assert.equal(status, 1);
    assert.match(stderr, /none\/pid/);
  }
});

const hooks = (given: Hooks) => (spec: Spec) => ({ ...spec, hooks: given });
const shell = (script: string, timeout?: number) => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  ...(timeout !== undefined && { timeout }),
});

runtimeTest('hooks run in their order, each told the state', [], async (world) => {
  const told = join(world.scratch, 'told');
  const inside = '/tmp/told';
  const note = (kind: string, file: string) => shell(`echo "${kind} $(cat)" >> ${file}`);
  const bundle = world.bundle({
    args: ['cat', inside],
    edit: (spec) => ({
      ...spec,
      annotations: { 'org.example': 'yes' },
      hooks: {
        prestart: [note('prestart', told)],
        createRuntime: [note('createRuntime', told)],
        createContainer: [note('createContainer', told)],
        startContainer: [note('startContainer', inside)],
        poststart: [note('poststart', told)],
        poststop: [note('poststop', told), note('poststop', told)],
      },
    }),
  });
  const stdout = await world.ok(['run', '--bundle', bundle, id]);
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => [line.split(' ')[0], JSON.parse(line.slice(line.indexOf(' ')))] as const);
  const [[, start] = assert.fail()] = lines(stdout);
  assert.deepEqual([start.status, start.pid, start.id], ['created', 1, id]);
  const outside = lines(readFileSync(told, 'utf8'));
  assert.deepEqual(
    outside.map(([kind, { status }]) => `${kind} ${status}`),
    [
      'prestart creating',
      'createRuntime creating',
      'createContainer creating',
      'poststart running',
      'poststop stopped',
      'poststop stopped',
    ],
  );
  for (const [, state] of outside) {
    assert.deepEqual([state.id, state.bundle, state.annotations], [id, bundle, { 'org.example': 'yes' }]);
  }
});

runtimeTest('signals after the end of the container do not cut its removal off', [], async (world) => {
  const [begun, go] = [join(world.scratch, 'begun'), join(world.scratch, 'go')];
  const waiting = shell(`: > ${begun}; while [ ! -e ${go} ]; do sleep 0.02; done`);
  const bundle = world.bundle({ args: ['sh', '-c', 'exit 5'], edit: hooks({ poststop: [waiting] }) });
  const running = world.start(['run', '--bundle', bundle, id]);
  await eventually('the hook runs', () => existsSync(begun));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) running.child.kill(signal);
  writeFileSync(go, '');
  assert.deepEqual(await running.outcome, { status: 5, signal: null, stdout: '', stderr: '' });
});

runtimeTest('a failing hook undoes the container, and its poststop hooks run', [], async (world) => {
  for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) {
    const after = join(world.scratch, `after-${kind}`);
    const given = { [kind]: [shell('echo because >&2; exit 3')], poststop: [shell(`echo ran >> ${after}`)] };
    await refused(world, world.bundle({ args: ['true'], edit: hooks(given) }), new RegExp(`${kind}.*because`, 's'));
    assert.equal(readFileSync(after, 'utf8'), 'ran\n'.repeat(3));
  }
  const hanging = { createRuntime: [shell('sleep 60', 1)] };
  const { status, stderr } = await world.runtime([
    'run',
    '-b',
    world.bundle({ args: ['true'], edit: hooks(hanging) }),
    id,
  ]);
  assert.equal(status, 1);
  assert.match(stderr, /createRuntime/);
});

runtimeTest('a failing startContainer hook is told by start, and the container has ended', [], async (world) => {
  const given = { startContainer: [shell('echo because >&2; exit 3')] };
  await world.create(id, { args: ['true'], edit: hooks(given) });
  const { status, stderr } = await world.runtime(['start', id]);
  assert.equal(status, 1);
  assert.match(stderr, /startContainer.*because/s);
  await world.reaches(id, 'stopped');
  await world.ok(['delete', id]);
});

runtimeTest('failing poststart and poststop hooks are warnings', [], async (world) => {
  const given = { poststart: [shell('exit 1')], poststop: [shell('exit 2')] };
  const outcome = await world.runtime(['run', '-b', world.bundle({ args: ['true'], edit: hooks(given) }), id]);
  assert.equal(outcome.status, 0);
  assert.match(outcome.stderr, /warning: poststart hook "\/bin\/sh": exit status 1\n/);
  assert.match(outcome.stderr, /warning: poststop hook "\/bin\/sh": exit status 2\n/);
});

runtimeTest('two containers can not have one cgroup', [], async (world) => {
  const edit = (spec: Spec) => ({ ...spec, linux: { ...spec.linux, cgroupsPath: '/onggi-one' } });
  await world.detached('onggi-first', { args: ['sleep', '100'], edit });
  const second = await world.runtime(['create', '-b', world.bundle({ args: ['true'], edit }), 'onggi-second']);
  assert.equal(second.status, 1);
  assert.match(second.stderr, /holds process/);
  assert.equal((await world.state('onggi-first')).status, 'running');
  await world.ok(['delete', '-f', 'onggi-first']);
});

runtimeTest('a link in the place of a state directory is not followed', [], async (world) => {
  const elsewhere = join(world.scratch, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'file'), 'precious');
  mkdirSync(world.root, { recursive: true });
  symlinkSync(elsewhere, join(world.root, id));
  assert.equal((await world.runtime(['create', '-b', world.bundle({ args: ['true'] }), id])).status, 1);
  await world.runtime(['delete', '--force', id]);
  assert.equal(readFileSync(join(elsewhere, 'file'), 'utf8'), 'precious');
  assert.deepEqual(readdirSync(elsewhere), ['file']);
  unlinkSync(join(world.root, id));
});

runtimeTest('delete --force ends a create that hangs in a hook', [], async (world) => {
  const given = { createRuntime: [shell('exec sleep 61')] };
  const making = world.start(['create', '-b', world.bundle({ args: ['true'], edit: hooks(given) }), id]);
  await eventually('it is being made', async () => (await world.ok(['list', '-q'])) === `${id}\n`);
  assert.equal((await world.state(id)).status, 'creating');
  await world.ok(['delete', '--force', id]);
  assert.equal((await making.outcome).signal, 'SIGKILL');
});

runtimeTest('a record that can not be read does not keep its directory', [], async (world) => {
  mkdirSync(join(world.root, id), { recursive: true });
  writeFileSync(join(world.root, id, 'state.json'), '{"format":99}');
  assert.match((await world.runtime(['state', id])).stderr, /its format is "99"/);
  assert.equal((await world.runtime(['delete', id])).status, 1);
  assert.match((await world.runtime(['list'])).stderr, /warning: load container "onggi-fail"/);
  await world.ok(['delete', '--force', id]);
});

runtimeTest('a runtime that is killed at any time leaves what delete --force removes', [], async (world) => {
  const bundle = world.bundle({ args: ['sleep', '100'] });
  let found = 0;
  for (let wait = 0; wait < 40; wait += 2) {
    const making = world.start(['run', '--detach', '--bundle', bundle, id]);
    // Its pipes are held by what it has started.
    making.child.stdout?.destroy();
    making.child.stderr?.destroy();
    await new Promise((resolve) => setTimeout(resolve, wait));
    making.child.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (existsSync(join(world.root, id))) found++;
    await world.ok(['delete', '--force', id]);
    assert.equal(existsSync(join(world.root, id)), false, `killed after ${wait} ms`);
  }
  assert.ok(found > 0, 'none was killed while it made a container');
});
