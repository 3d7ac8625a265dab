/** A container that somebody stops or removes while somebody else starts it: one of the orders of the two, and nothing left. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { inspect } from './container-view.ts';

const rounds = 30;
const sleeping = ['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.02; done'];

/** Milliseconds between the two: from "not begun yet" to "runs already", the same in each run of the test. */
const delays = Array.from({ length: rounds }, (_, round) => (round * 7) % 60);

async function made(world: World, name: string, ...flags: readonly string[]): Promise<string> {
  return await world.ok(['create', '--name', name, '--network', 'none', ...flags, world.image, ...sleeping]);
}

type Said = { readonly status: number | null; readonly stderr: string };

async function after(delay: number, work: () => Promise<Said>): Promise<Said> {
  await pause(delay);
  return await work();
}

/** Told by the shim, or found out without it. */
function assertCutOff({ status, stderr }: Said, said: string): void {
  assert.equal(status, 1, said);
  const ended =
    'it was ended before it ran|the init was killed by signal 9 .*\\nSomebody has removed it|its shim went away';
  assert.match(
    stderr,
    new RegExp(`^onggi: (?:No such container: (?:box\\d*|[0-9a-f]{64})|start container: (?:${ended}))`),
    said,
  );
}

/** No directory and no socket of anybody is left. */
function assertNothing(world: World): void {
  assert.deepEqual(readdirSync(join(world.root, 'containers')), []);
  const sockets = join(world.root, 's');
  if (existsSync(sockets)) assert.deepEqual(readdirSync(sockets), []);
}

systemTest('stop while it starts: it runs or it has ended, and is startable', ['busybox'], async (world) => {
  await made(world, 'box');
  for (const delay of delays) {
    const [started, stopped] = await Promise.all([
      world.onggi(['start', 'box']),
      after(delay, () => world.onggi(['stop', '-t', '1', 'box'])),
    ]);
    const said = `after ${delay} ms: ${JSON.stringify([started, stopped])}`;
    assert.deepEqual([started.status, stopped.status, stopped.stderr], [0, 0, ''], said);
    const { Status, ExitCode, Pid } = (await inspect(world, 'box')).State;
    // A first process without its trap yet is not ended by SIGTERM (pid_namespaces(7)), but by SIGKILL after the time.
    const right = Status === 'running' ? Pid > 0 : Status === 'exited' && [5, 137].includes(ExitCode) && Pid === 0;
    assert.ok(right, `${said} ${Status} ${ExitCode} ${Pid}`);
    await world.ok(['stop', '-t', '1', 'box']);
    assert.equal((await inspect(world, 'box')).State.Status, 'exited', said);
  }
  await world.ok(['rm', 'box']);
  assertNothing(world);
});

for (const flags of [[], ['--rm']]) {
  systemTest(`rm -f while it starts ${flags.join(' ')}: it is gone`, ['busybox'], async (world) => {
    for (const delay of delays) {
      await made(world, 'box', ...flags);
      const [started, removed] = await Promise.all([
        world.onggi(['start', 'box']),
        after(delay, () => world.onggi(['rm', '-f', 'box'])),
      ]);
      const said = `after ${delay} ms: ${JSON.stringify([started, removed])}`;
      assert.deepEqual([removed.status, removed.stderr], [0, ''], said);
      assert.equal(await world.ok(['ps', '-aq']), '', said);
      if (started.status !== 0) assertCutOff(started, said);
    }
    assertNothing(world);
  });
}

systemTest('rm without -f while it starts: it is gone or it runs', ['busybox'], async (world) => {
  for (let round = 0; round < rounds; round++) {
    await made(world, 'box');
    const [started, removed] = await Promise.all([
      world.onggi(['start', 'box']),
      after(round % 6, () => world.onggi(['rm', 'box'])),
    ]);
    const said = JSON.stringify([started, removed]);
    const left = await world.ok(['ps', '-a', '--format', '{{.State}}']);
    if (removed.status === 0) {
      assert.equal(left, '', said);
      assertCutOff(started, said);
    } else {
      assert.match(removed.stderr, /^onggi: cannot remove container "box": container is running\n/, said);
      assert.deepEqual([started.status, left], [0, 'running'], said);
      await world.ok(['rm', '-f', 'box']);
    }
  }
  assertNothing(world);
});

systemTest('rm -f and stop while it is run: the command ends as the container', ['busybox'], async (world) => {
  for (const delay of delays) {
    const name = `box${delay}`;
    const ran = world.onggi(['run', '--name', name, '--network', 'none', world.image, ...sleeping]);
    let over = false;
    void ran.then(() => {
      over = true;
    });
    await pause(delay);
    // Before it is there, and before it starts, there is nothing to be stopped; rm -f is content with that.
    if (delay % 2 === 1) await world.onggi(['stop', '-t', '1', name]);
    while (!over) assert.equal((await world.onggi(['rm', '-f', name])).status, 0);
    const { status, stderr } = await ran;
    const said = `after ${delay} ms: ${status} ${stderr}`;
    assert.ok([5, 125, 137].includes(status ?? 0), said);
    if (status === 125) assertCutOff({ status: 1, stderr }, said);
    // One that was stopped is still there.
    assert.equal((await world.onggi(['rm', '-f', name])).status, 0);
    assert.equal(await world.ok(['ps', '-aq']), '', said);
  }
  assertNothing(world);
});
