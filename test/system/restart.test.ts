/** Restart policies: containers that end run again, until somebody stops them, or enough is enough. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statusOf } from '../../src/engine/container/container.ts';
import { makeContext } from '../../src/engine/context.ts';
import { containerById, listUpContainers } from '../../src/store/container-row.ts';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect } from './container-view.ts';

const failing = ['sh', '-c', 'echo run; exit 3'];

async function runs(world: World, id: string): Promise<number> {
  return (await world.ok(['logs', id])).split('\n').filter((line) => line === 'run').length;
}

systemTest('on-failure tries as often as it is told, and not after a success', ['busybox'], async (world) => {
  const id = await detached(world, ['--restart', 'on-failure:2'], failing);
  await eventually('it has run three times', async () => (await runs(world, id)) === 3);
  await eventually('it stays ended', async () => (await inspect(world, id)).State.Status === 'exited');
  const seen = await inspect(world, id);
  assert.deepEqual([seen.RestartCount, seen.State.ExitCode, seen.State.Restarting], [2, 3, false]);
  assert.deepEqual(seen.HostConfig['RestartPolicy'], { Name: 'on-failure', MaximumRetryCount: 2 });
  const good = await detached(world, ['--restart', 'on-failure'], ['sh', '-c', 'echo run']);
  await eventually('it has ended', async () => (await inspect(world, good)).State.Status === 'exited');
  assert.equal(await runs(world, good), 1);
  // Whoever starts it begins anew.
  await world.ok(['start', id]);
  await eventually('it has run three times more', async () => (await runs(world, id)) === 6);
  await eventually('it stays ended again', async () => (await inspect(world, id)).State.Status === 'exited');
});

systemTest(
  'always goes on until it is stopped; what waits to run again is stopped and removed, too',
  ['busybox'],
  async (world) => {
    const id = await detached(world, ['--name', 'again', '--restart', 'always'], ['sh', '-c', 'echo run; exit 0']);
    await eventually('it waits for its next run', async () => {
      if ((await runs(world, id)) < 4) return false;
      return (await inspect(world, id)).State.Status === 'restarting';
    });
    assert.match(await world.ok(['ps', '-a', '--filter', 'status=restarting']), /Restarting \(0\) .* ago/);
    const refused = await world.onggi(['rm', 'again']);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /container is (?:restarting|running)/);
    await world.ok(['stop', 'again']);
    const before = await runs(world, id);
    assert.equal((await inspect(world, id)).State.Status, 'exited');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(await runs(world, id), before);
    await world.ok(['rm', 'again']);
    const other = await detached(world, ['--restart', 'always'], failing);
    await eventually('it has run twice', async () => (await runs(world, other)) >= 2);
    await world.ok(['rm', '-f', other]);
  },
);

/**
 * Up to a wait of three seconds, in which something can be done.
 * @param earlier runs before its last start by hand. @returns how often it has been told to start again since
 */
async function restarting(world: World, id: string, earlier = 0): Promise<number> {
  let count = 0;
  const waits = async (): Promise<boolean> => {
    const { RestartCount, State } = await inspect(world, id);
    count = RestartCount;
    if (RestartCount < 5 || State.Status !== 'restarting') return false;
    // The run that it waits for is counted, as with Docker.
    return (await runs(world, id)) - earlier === count;
  };
  await eventually('it waits for its next run', waits, 20_000);
  return count;
}

systemTest('one that is started again is restarting until it runs, in each look at it', ['busybox'], async (world) => {
  const id = await detached(world, ['--restart', 'always'], failing);
  const context = makeContext({ root: world.root });
  const [seen, raw] = [new Set<string>(), new Set<string>()];
  for (const until = Date.now() + 3000; Date.now() < until; ) {
    const row = containerById(context.store.database, id);
    const [listed, ...more] = listUpContainers(context.store.database);
    assert.ok(row !== undefined && listed !== undefined && more.length === 0);
    for (const each of [row, listed]) seen.add(statusOf(each));
    raw.add(row.state);
  }
  context.close();
  assert.deepEqual([...seen].sort(), ['restarting', 'running']);
  assert.ok(raw.has('starting'), 'it was looked at while it was started');
  await world.ok(['rm', '-f', id]);
});

systemTest('what needs a process says that it is restarting', ['busybox'], async (world) => {
  await detached(world, ['--name', 'again', '--restart', 'always'], failing);
  await restarting(world, 'again');
  const waits =
    /^onggi: Container again is restarting, wait until the container is running\nSee why .*onggi logs again/;
  const asked: readonly (readonly [line: readonly string[], says: RegExp])[] = [
    [['exec', 'again', 'true'], waits],
    [['exec', '-d', 'again', 'true'], waits],
    [['top', 'again'], waits],
    [['pause', 'again'], waits],
    [['attach', 'again'], /cannot attach to container "again": it is restarting\nWait until it runs.*onggi stop again/],
    [['kill', '-s', 'HUP', 'again'], /cannot kill container "again": it is restarting\n/],
  ];
  // At once: the wait is no longer than it is.
  await Promise.all(
    asked.map(async ([line, says]) => {
      const { status, stderr } = await world.onggi(line);
      assert.equal(status, 1, line.join(' '));
      assert.match(stderr, says, line.join(' '));
    }),
  );
  assert.equal(await world.ok(['kill', 'again']), 'again');
  assert.equal((await inspect(world, 'again')).State.Status, 'exited');
});

systemTest('another policy or name while it waits for its next run', ['busybox'], async (world) => {
  const id = await detached(world, ['--name', 'again', '--restart', 'always'], failing);
  const count = await restarting(world, id);
  // It starts once more, as in Docker, and has tried often enough then.
  await world.ok(['update', '--restart', 'on-failure:3', 'again']);
  await world.ok(['rename', 'again', 'other']);
  const taken = await detached(world, ['--name', 'again'], ['true']);
  await eventually('it stays ended', async () => (await inspect(world, 'other')).State.Status === 'exited', 20_000);
  const seen = await inspect(world, 'other');
  assert.deepEqual([seen.Id, seen.RestartCount, await runs(world, id)], [id, count, count + 1]);
  // Told not to run again it does not, not even once more.
  await world.ok(['update', '--restart', 'always', 'other']);
  await world.ok(['start', 'other']);
  await restarting(world, id, count + 1);
  const before = await runs(world, id);
  await world.ok(['update', '--restart', 'no', 'other']);
  assert.equal((await inspect(world, id)).State.Status, 'exited');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(await runs(world, id), before);
  await world.ok(['rm', id, taken]);
});

systemTest('a killed process runs again, a kill by command ends it', ['busybox'], async (world) => {
  const id = await detached(
    world,
    ['--restart', 'unless-stopped'],
    ['sh', '-c', 'echo run; while :; do sleep 0.05; done'],
  );
  const { Pid } = (await inspect(world, id)).State;
  process.kill(Pid, 'SIGKILL');
  await eventually('it runs again', async () => {
    const { State } = await inspect(world, id);
    return State.Status === 'running' && State.Pid !== Pid;
  });
  // The shim killed: the kernel ends the container, and the next look at it starts it again.
  const second = (await inspect(world, id)).State.Pid;
  const shim = execFileSync('sed', ['-n', 's/^PPid:\\t//p', `/proc/${second}/status`], { encoding: 'utf8' }).trim();
  process.kill(Number(shim), 'SIGKILL');
  await eventually('it runs a third time', async () => {
    const { State } = await inspect(world, id);
    return State.Status === 'running' && State.Pid !== second;
  });
  await world.ok(['kill', id]);
  assert.equal((await inspect(world, id)).State.Status, 'exited');
  await new Promise((resolve) => setTimeout(resolve, 800));
  assert.equal((await inspect(world, id)).State.Status, 'exited');
  assert.equal(await runs(world, id), 3);
});

systemTest('an attached client sees one run; the policy goes on behind it', ['busybox'], async (world) => {
  const { status, stdout } = await world.onggi([
    'run',
    '--name',
    'seen',
    '--restart',
    'on-failure:1',
    '--network',
    'none',
    world.image,
    ...failing,
  ]);
  assert.deepEqual([status, stdout], [3, 'run\n']);
  await eventually('it has run twice', async () => (await runs(world, 'seen')) === 2);
  await eventually('it stays ended', async () => (await inspect(world, 'seen')).State.Status === 'exited');
  const both = await world.onggi(['run', '--rm', '--restart', 'always', world.image, 'true']);
  assert.deepEqual(
    [both.status, both.stderr.split('\n')[0]],
    [125, 'onggi: conflicting options: cannot specify both --restart and --rm'],
  );
});

systemTest(
  'after a reboot runs what is to run, and what was stopped as its policy says',
  ['busybox'],
  async (world) => {
    const sleep = ['sh', '-c', 'while :; do sleep 0.05; done'];
    const started = async (policy: string): Promise<string> => await detached(world, ['--restart', policy], sleep);
    const [runs, stopped, always, none] = [
      await started('unless-stopped'),
      await started('unless-stopped'),
      await started('always'),
      await started('no'),
    ];
    await world.ok(['stop', '-t', '0', stopped, always]);
    // The end of the machine: nobody has a word to say.
    for (const id of [runs, none]) {
      const { Pid } = (await inspect(world, id)).State;
      const shim = execFileSync('sed', ['-n', 's/^PPid:\\t//p', `/proc/${Pid}/status`], { encoding: 'utf8' }).trim();
      process.kill(Number(shim), 'SIGKILL');
    }
    await world.ok(['system', 'boot']);
    const states = await Promise.all(
      [runs, stopped, always, none].map(async (id) => (await inspect(world, id)).State.Status),
    );
    assert.deepEqual(states, ['running', 'exited', 'running', 'exited']);
    await world.ok(['rm', '-f', runs, stopped, always, none]);
  },
);

systemTest(
  'a container on the bridge does not wait for the end of the bridge',
  ['busybox', 'bridge', 'veth', 'nf_tables'],
  async (world) => {
    // Milliseconds between the first end of a new container and its next start.
    const gap = async (): Promise<number> => {
      const flags = ['--network', 'bridge', '--restart', 'on-failure:1'];
      const id = await world.ok(['run', '-d', ...flags, world.image, ...failing]);
      await eventually('it has run twice', async () => (await inspect(world, id)).State.Status === 'exited');
      const only = ['--filter', `container=${id}`, '--filter', 'event=die', '--filter', 'event=start'];
      const lines = await world.ok(['events', '--since', '1h', '--until', '0s', ...only, '--format', '{{.TimeNano}}']);
      const [, end = 0, next = 0] = lines.split('\n').map((line) => Number(line) / 1e6);
      await world.ok(['rm', id]);
      return next - end;
    };
    // An idle bridge stays for a second; a machine that has much else to do may need another try.
    await eventually('it starts again before that', async () => (await gap()) < 1000);
  },
);
