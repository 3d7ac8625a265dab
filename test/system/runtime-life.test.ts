/** The life of a container of onggi-runtime: create, start, state, kill, delete, run, list, ps, pause, resume. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../harness/busybox-image.ts';
import { eventually, run, start } from '../harness/program.ts';
import { runtimeTest } from '../harness/runtime-test.ts';

const sleeper = { args: ['sleep', '100'] };

runtimeTest('a container goes from created over running to stopped, and is gone then', [], async (world) => {
  const id = 'onggi-life';
  await world.create(id, sleeper, ['--pid-file', join(world.scratch, 'pid')]);
  const created = await world.state(id);
  assert.equal(created.status, 'created');
  assert.equal(readFileSync(join(world.scratch, 'pid'), 'utf8'), String(created.pid));
  assert.equal(readFileSync(`/proc/${created.pid}/comm`, 'utf8'), 'onggi-init\n');
  await world.ok(['start', id]);
  const running = await world.state(id);
  assert.deepEqual([running.status, running.pid], ['running', created.pid]);
  assert.deepEqual(readFileSync(`/proc/${running.pid}/cmdline`, 'utf8').split('\0'), ['sleep', '100', '']);
  const again = await world.runtime(['start', id]);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /cannot start an already running container/);
  const kept = await world.runtime(['delete', id]);
  assert.equal(kept.status, 1);
  assert.match(kept.stderr, /cannot delete container onggi-life that is not stopped: running/);
  await world.ok(['kill', id, 'KILL']);
  await world.reaches(id, 'stopped');
  assert.equal((await world.state(id)).pid, 0);
  for (const [args, message] of [
    [['kill', id], 'container not running'],
    [['start', id], 'cannot start a container that has stopped'],
    [['pause', id], 'container not running'],
    [['update', '--memory', '64m', id], 'container not running'],
    [['events', '--stats', id], 'is not running'],
  ] as const) {
    const { status, stderr } = await world.runtime(args);
    assert.equal(status, 1, args[0]);
    assert.match(stderr, new RegExp(message), args[0]);
  }
  assert.equal((await world.runtime(['exec', id, 'true'])).status, 255);
  await world.ok(['kill', '--all', id, 'KILL']);
  await world.ok(['delete', id]);
  assert.match((await world.runtime(['state', id])).stderr, /container "onggi-life" does not exist/);
});

runtimeTest('a created container can be deleted, and a running one by force', [], async (world) => {
  await world.create('onggi-a', sleeper);
  await world.ok(['delete', 'onggi-a']);
  await world.detached('onggi-b', { args: ['sh', '-c', 'trap "" TERM; sleep 100 & sleep 100'] });
  const { pid } = await world.state('onggi-b');
  await world.ok(['delete', '--force', 'onggi-b']);
  assert.equal(existsSync(`/proc/${pid}/exe`), false);
  await world.ok(['delete', '-f', 'onggi-b']);
});

runtimeTest('run ends with the status of the command and leaves nothing', [], async (world) => {
  const outcome = async (script: string) => {
    const bundle = world.bundle({ args: ['sh', '-c', script] });
    return await world.runtime(['run', '--bundle', bundle, 'onggi-run'], { input: 'from outside' });
  };
  assert.deepEqual(await outcome('cat; echo err >&2; exit 7'), {
    status: 7,
    signal: null,
    stdout: 'from outside',
    stderr: 'err\n',
  });
  assert.equal((await outcome('kill -9 $$; sleep 1')).status, 0);
  assert.equal((await outcome('sh -c "kill -9 \\$\\$"; exit $?')).status, 137);
});

runtimeTest('run in the foreground hands signals on', [], async (world) => {
  const bundle = world.bundle({ args: ['sh', '-c', 'trap "exit 42" TERM; echo up; while :; do sleep 0.1; done'] });
  const running = world.start(['run', '-b', bundle, 'onggi-signal']);
  await running.printed(/up/);
  process.kill(running.pid, 'SIGTERM');
  assert.equal((await running.outcome).status, 42);
});

runtimeTest('who ignores the ends of children can run, exec and list processes', [], async (world) => {
  const ignoring = async (...args: string[]) => {
    const outcome = await run('sh', ['-c', 'trap "" CHLD; exec "$@"', '--', ...world.command, ...args]);
    return [outcome.status, outcome.stdout, outcome.stderr];
  };
  const bundle = world.bundle({ args: ['sh', '-c', 'sh -c "exit 3"; exit $(($? + 2))'] });
  assert.deepEqual(await ignoring('run', '-b', bundle, 'onggi-unwaited'), [5, '', '']);
  await world.detached('onggi-unwaited', sleeper);
  assert.deepEqual(await ignoring('exec', 'onggi-unwaited', 'sh', '-c', 'exit 4'), [4, '', '']);
  assert.match(String((await ignoring('ps', 'onggi-unwaited'))[1]), /sleep/);
  assert.deepEqual(await ignoring('delete', '-f', 'onggi-unwaited'), [0, '', '']);
});

runtimeTest('run --keep keeps the container', [], async (world) => {
  const { status } = await world.runtime(['run', '--keep', '-b', world.bundle({ args: ['true'] }), 'onggi-keep']);
  assert.equal(status, 0);
  assert.equal((await world.state('onggi-keep')).status, 'stopped');
  await world.ok(['delete', 'onggi-keep']);
});

runtimeTest('an id is given once', [], async (world) => {
  await world.create('onggi-once', sleeper);
  const second = await world.runtime(['create', '-b', world.bundle(sleeper), 'onggi-once']);
  assert.equal(second.status, 1);
  assert.match(second.stderr, /container with given ID already exists/);
  assert.equal((await world.state('onggi-once')).status, 'created');
  await world.ok(['delete', 'onggi-once']);
  // What a killed maker left before it recorded anything is in nobody's way.
  mkdirSync(join(world.root, 'onggi-once'));
  assert.equal(await world.ok(['list', '-q']), '');
  await world.create('onggi-once', sleeper);
  await world.ok(['delete', 'onggi-once']);
});

runtimeTest('list shows all containers in three forms', [], async (world) => {
  await world.create('onggi-1', sleeper);
  await world.detached('onggi-2', sleeper);
  assert.equal(await world.ok(['list', '-q']), 'onggi-1\nonggi-2\n');
  const [first, second] = JSON.parse(await world.ok(['list', '--format=json']));
  const { status, pid } = await world.state('onggi-2');
  assert.deepEqual([first.status, second.status, second.pid, second.owner], ['created', status, pid, 'root']);
  const table = (await world.ok(['list'])).split('\n');
  assert.match(table[0] ?? '', /^ID +PID +STATUS +BUNDLE +CREATED +OWNER$/);
  assert.match(table[2] ?? '', new RegExp(`^onggi-2 +${pid} +running +${second.bundle} +\\d{4}-.*Z +root$`));
  await world.ok(['delete', '-f', 'onggi-1']);
  await world.ok(['delete', '-f', 'onggi-2']);
});

runtimeTest('ps shows the processes of the container alone', [], async (world) => {
  await world.detached('onggi-ps', { args: ['sh', '-c', 'sleep 100 & sleep 101; true'] });
  const { pid } = await world.state('onggi-ps');
  await eventually(
    'three processes',
    async () => JSON.parse(await world.ok(['ps', '-f', 'json', 'onggi-ps'])).length === 3,
  );
  const pids: number[] = JSON.parse(await world.ok(['ps', '-f', 'json', 'onggi-ps']));
  assert.ok(pids.includes(pid));
  const table = await world.ok(['ps', 'onggi-ps', '-o', 'pid,args']);
  assert.match(table, /^ +PID COMMAND\n/);
  assert.deepEqual(table.match(/sleep \d+$/gm)?.sort(), ['sleep 100', 'sleep 101']);
  assert.match(await world.ok(['ps', 'onggi-ps']), /^UID +PID/);
  assert.match((await world.runtime(['ps', 'onggi-ps', '-o', 'args'])).stderr, /PID field/);
  await world.ok(['delete', '-f', 'onggi-ps']);
});

runtimeTest('pause stops all processes until resume', [], async (world) => {
  const script = 'while :; do echo >> /tmp/ticks; sleep 0.02; done';
  await world.detached('onggi-pause', { args: ['sh', '-c', script] });
  const { pid } = await world.state('onggi-pause');
  const ticks = () => {
    const path = `/proc/${pid}/root/tmp/ticks`;
    return existsSync(path) ? readFileSync(path).length : 0;
  };
  await eventually('it ticks', () => ticks() > 0);
  await world.ok(['pause', 'onggi-pause']);
  assert.equal((await world.state('onggi-pause')).status, 'paused');
  const stopped = ticks();
  assert.match((await world.runtime(['pause', 'onggi-pause'])).stderr, /container not running/);
  assert.match((await world.runtime(['exec', 'onggi-pause', 'true'])).stderr, /cannot exec in a paused container/);
  assert.equal((await world.runtime(['delete', 'onggi-pause'])).status, 1);
  assert.equal(ticks(), stopped);
  await world.ok(['resume', 'onggi-pause']);
  assert.equal((await world.state('onggi-pause')).status, 'running');
  await eventually('it ticks again', () => ticks() > stopped);
  assert.match((await world.runtime(['resume', 'onggi-pause'])).stderr, /container not paused/);
  await world.ok(['pause', 'onggi-pause']);
  await world.ok(['kill', 'onggi-pause', '9']);
  await world.reaches('onggi-pause', 'stopped');
  await world.ok(['delete', 'onggi-pause']);
});

runtimeTest('kill takes names and numbers, and reaches all with --all', [], async (world) => {
  const script =
    'trap "echo one >> /tmp/said" USR1; sh -c \'trap "echo two >> /tmp/said" USR1; echo up >> /tmp/said; while :; do sleep 0.05; done\' & while :; do sleep 0.05; done';
  await world.detached('onggi-kill', { args: ['sh', '-c', script] });
  const { pid } = await world.state('onggi-kill');
  const said = () => {
    const path = `/proc/${pid}/root/tmp/said`;
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean).sort() : [];
  };
  await eventually('both are up', () => said().includes('up'));
  for (const [count, word] of ['SIGUSR1', 'usr1', '10'].entries()) {
    await world.ok(['kill', 'onggi-kill', word]);
    await eventually(`${word} arrived`, () => said().filter((line) => line === 'one').length === count + 1);
  }
  assert.equal(said().includes('two'), false);
  await world.ok(['kill', '-a', 'onggi-kill', 'USR1']);
  await eventually(
    'all heard it',
    () => said().includes('two') && said().filter((line) => line === 'one').length === 4,
  );
  assert.match((await world.runtime(['kill', 'onggi-kill', 'BOGUS'])).stderr, /no such signal/);
  await world.ok(['kill', 'onggi-kill', '0']);
  // As with runc and crun: nothing is the usual signal.
  await world.ok(['kill', 'onggi-kill', '']);
  await world.ok(['kill', 'onggi-kill', 'KILL']);
  await world.reaches('onggi-kill', 'stopped');
  await world.ok(['delete', 'onggi-kill']);
});

runtimeTest('killing a container that shares its pid namespace ends all of it', [], async (world) => {
  await world.detached('onggi-shared', {
    args: ['sh', '-c', 'sleep 100 & sleep 101'],
    edit: (spec) => ({
      ...spec,
      linux: { ...spec.linux, namespaces: (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'pid') },
    }),
  });
  await world.ok(['kill', 'onggi-shared', 'KILL']);
  await world.reaches('onggi-shared', 'stopped');
  assert.deepEqual(JSON.parse(await world.ok(['ps', '-f', 'json', 'onggi-shared'])), []);
  await world.ok(['delete', 'onggi-shared']);
});

runtimeTest('delete --force ends a process that was put into one of its cgroups alone', [], async (world) => {
  await world.detached('onggi-guest', sleeper);
  const { pid } = await world.state('onggi-guest');
  const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8').match(/^\d+:(memory|):(\/.*)$/m) ?? [];
  const [, controller = '', path = ''] = line;
  const guest = start('sleep', ['100']);
  writeFileSync(`/sys/fs/cgroup/${controller}${path}/cgroup.procs`, String(guest.pid));
  await world.ok(['delete', '--force', 'onggi-guest']);
  assert.equal((await guest.outcome).signal, 'SIGKILL');
});

runtimeTest('it answers under its own name and as "onggi runtime"', [], async (world) => {
  const { stdout, status } = await run(join(repository, 'dist/onggi'), ['runtime', '--root', world.root, 'list']);
  assert.deepEqual([status, stdout], [0, await world.ok(['list'])]);
});

runtimeTest('what a later config.json says does not reach the container', [], async (world) => {
  const bundle = world.bundle(sleeper);
  await run('sh', [
    '-c',
    '"$@" >/dev/null 2>&1',
    '--',
    join(repository, 'dist/onggi-runtime'),
    '--root',
    world.root,
    'create',
    '-b',
    bundle,
    'onggi-kept',
  ]);
  writeFileSync(join(bundle, 'config.json'), '{}');
  await world.ok(['start', 'onggi-kept']);
  assert.equal(await world.ok(['exec', 'onggi-kept', 'hostname']), 'bundle\n');
  await world.ok(['delete', '-f', 'onggi-kept']);
});
