/** `onggi why`, and what the record says in each case: who or what ended a container. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { connections, detached, inspect, linesOf } from './container-view.ts';

async function why(world: World, ref: string): Promise<string[]> {
  return linesOf(await world.ok(['why', ref]));
}

async function ran(world: World, name: string, ...command: string[]): Promise<string[]> {
  await world.onggi(['run', '--name', name, '--network', 'none', world.image, ...command]);
  return await why(world, name);
}

/** The shim is the parent of the init. */
async function shimOf(world: World, ref: string): Promise<number> {
  const { State } = await inspect(world, ref);
  const shim = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${State.Pid}/status`, 'utf8'))?.[1]);
  assert.ok(shim > 1);
  return shim;
}

/** A zombie is not: the machine's process 1 may take its time. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

systemTest('before, during and after its life', ['busybox'], async (world) => {
  await world.ok(['create', '--name', 'new', '--network', 'none', world.image, 'true']);
  assert.deepEqual(await why(world, 'new'), ['It was never started.']);
  const id = await detached(world, [], ['onggi-probe', 'sleep']);
  const { State } = await inspect(world, id);
  await eventually('it sleeps', async () => (await world.ok(['logs', id])) === 'sleeping');
  const lastLines = ['Last lines of its log:', '  sleeping'];
  assert.deepEqual(await why(world, id), [`It is running, as process ${State.Pid}.`, ...lastLines]);
  assert.deepEqual(await ran(world, 'good', 'true'), ['Its command ended by itself, with success (exit status 0).']);
  assert.deepEqual(await ran(world, 'bad', 'sh', '-c', 'echo a; printf b >&2; exit 3'), [
    'Its command ended by itself with exit status 3.',
    'Last lines of its log:',
    '  a',
    '  b',
  ]);
  assert.deepEqual(await ran(world, 'shell', 'sh', '-c', 'exit 143'), [
    'Its command ended by itself with exit status 143, which shells use for "SIGTERM killed my child".',
  ]);
  assert.deepEqual(await ran(world, 'missing', 'nosuch'), ['It was never started.']);
  const { status, stderr } = await world.onggi(['why', 'nosuch']);
  assert.deepEqual([status, stderr], [1, 'onggi: No such container: nosuch\n']);
});

systemTest('the last ten lines, no more', ['busybox'], async (world) => {
  const lines = await ran(world, 'talker', 'seq', '100');
  assert.deepEqual(lines.slice(1), ['Last lines of its log:', ...Array.from({ length: 10 }, (_, i) => `  ${91 + i}`)]);
});

systemTest('a signal that came by onggi has a sender', ['busybox'], async (world) => {
  const id = await detached(world, ['--init'], ['onggi-probe', 'sleep']);
  const kill = world.start(['kill', '-s', 'TERM', id]);
  assert.equal((await kill.outcome).status, 0);
  assert.equal(await world.ok(['wait', id]), '143');
  assert.deepEqual((await why(world, id)).slice(0, 2), [
    'Its command ended by itself with exit status 143, which shells use for "SIGTERM killed my child".',
    `SIGTERM was sent by process ${kill.pid} of user 0.`,
  ]);
  const stopped = await detached(world, [], ['onggi-probe', 'sleep']);
  const stop = world.start(['stop', '-t', '0', stopped]);
  await stop.outcome;
  assert.deepEqual((await why(world, stopped)).slice(0, 2), [
    'It was killed by SIGKILL (exit status 137).',
    `SIGKILL was sent by process ${stop.pid} of user 0.`,
  ]);
});

systemTest('a signal past the shim has none, and that is said', ['busybox'], async (world) => {
  const id = await detached(world, [], ['onggi-probe', 'sleep']);
  process.kill((await inspect(world, id)).State.Pid, 'SIGKILL');
  assert.equal(await world.ok(['wait', id]), '137');
  assert.deepEqual((await why(world, id)).slice(0, 2), [
    'It was killed by SIGKILL (exit status 137).',
    'The signal did not pass through its shim, and the kernel does not tell who sent it.',
  ]);
});

systemTest('a crash of its own', ['busybox'], async (world) => {
  const line = [
    'run',
    '--name',
    'crash',
    '--init',
    '--network',
    'none',
    world.image,
    'onggi-probe',
    'signal-self',
    '11',
  ];
  assert.equal((await world.onggi(line)).status, 139);
  assert.match((await why(world, 'crash'))[0] ?? '', /exit status 139, which shells use for "SIGSEGV killed my child"/);
});

systemTest('a second life that fails to begin is told with its reason', ['busybox'], async (world) => {
  const command = join(world.scratch, 'command');
  writeFileSync(command, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const flags = ['--name', 'twice', '--network', 'none', '-v', `${command}:/command`];
  assert.equal((await world.onggi(['run', ...flags, world.image, '/command'])).status, 0);
  writeFileSync(command, '', { mode: 0o644 });
  chmodSync(command, 0o644);
  const again = await world.onggi(['start', 'twice']);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /exec: "\/command": permission denied/);
  const { State } = await inspect(world, 'twice');
  assert.deepEqual([State.Status, State.ExitCode], ['exited', 126]);
  assert.deepEqual(await why(world, 'twice'), [
    'The command never ran: exec: "/command": permission denied.',
    'Exit status 126.',
  ]);
});

systemTest('a killed shim takes the container with it: 137, and why says it', ['busybox'], async (world) => {
  const id = await detached(world, [], ['sh', '-c', 'sleep 1000 & exec onggi-probe sleep']);
  const attached = world.start(['attach', id]);
  await eventually('attach is connected', () => connections(attached.pid) > 0);
  const { Pid } = (await inspect(world, id)).State;
  process.kill(await shimOf(world, id), 'SIGKILL');
  await eventually('its init is gone', () => !alive(Pid));
  assert.equal((await attached.outcome).status, 137);
  assert.equal(await world.ok(['wait', id]), '137');
  const { State } = await inspect(world, id);
  assert.deepEqual([State.Status, State.ExitCode, State.OOMKilled, State.Pid], ['exited', 137, false, 0]);
  assert.deepEqual((await why(world, id)).slice(0, 2), [
    'Its shim ended without recording how: it was killed (SIGKILL), or the machine went down.',
    'The container was killed with its shim; 137 stands for that.',
  ]);
  // It can live again.
  await world.ok(['start', id]);
  assert.equal((await inspect(world, id)).State.Running, true);
});

systemTest('one with --rm whose shim is killed goes with the next look', ['busybox'], async (world) => {
  const id = await detached(world, ['--rm'], ['onggi-probe', 'sleep']);
  const { Pid } = (await inspect(world, id)).State;
  process.kill(await shimOf(world, id), 'SIGKILL');
  await eventually('its init is gone', () => !alive(Pid));
  assert.equal(await world.ok(['ps', '-aq']), '');
  assert.ok(!existsSync(join(world.root, 'containers', id)));
});
