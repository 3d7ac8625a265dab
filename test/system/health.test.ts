/** Health checks: made by the shim alone, told by ps, inspect and events, and never to the harm of the container. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect } from './container-view.ts';

const forever = ['sh', '-c', 'trap exit TERM; while :; do sleep 0.05; done'];

type Health = {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly {
    readonly Start: string;
    readonly End: string;
    readonly ExitCode: number;
    readonly Output: string;
  }[];
};

async function health(world: World, ref: string): Promise<Health> {
  return JSON.parse(await world.ok(['inspect', '--format', '{{json .State.Health}}', ref]));
}

async function actions(world: World, ref: string): Promise<string[]> {
  const said = await world.ok([
    'events',
    '--since',
    '1h',
    '--until',
    '0s',
    '--filter',
    `container=${ref}`,
    '--format',
    '{{.Action}} {{.Actor.Attributes.name}}',
  ]);
  return said.split('\n').filter((line) => !/^(?:exec_|create|connect|attach|network)/.test(line));
}

/** Checks that the shim has made of a container. */
function count(world: World, id: string): number {
  return Number(readFileSync(join(world.root, 'containers', id, 'health/status'), 'utf8').split(' ')[2]);
}

systemTest('health goes from starting to healthy and unhealthy, as its checks say', ['busybox'], async (world) => {
  const flags = ['--health-cmd', 'echo checked; test -e /well', '--health-interval', '1h', '--health-retries', '2'];
  const id = await detached(world, ['--name', 'patient', '--label', 'a=b', ...flags], forever);
  assert.deepEqual(await health(world, id), { Status: 'starting', FailingStreak: 0, Log: [] });
  assert.match(await world.ok(['ps']), /Up .* \(health: starting\)/);
  const checked = async () => await world.onggi(['healthcheck', 'run', 'patient']);
  // A failure alone does not make it ill.
  const first = await checked();
  assert.deepEqual([first.status, first.stdout], [1, 'starting\n']);
  await world.ok(['exec', id, 'sh', '-c', '>/well']);
  const second = await checked();
  assert.deepEqual([second.status, second.stdout], [0, '']);
  assert.match(await world.ok(['ps', '--filter', 'health=healthy']), /Up .* \(healthy\)/);
  await world.ok(['exec', id, 'rm', '/well']);
  await world.ok(['rename', 'patient', 'renamed']);
  for (let i = 0; i < 5; i++) await world.onggi(['healthcheck', 'run', 'renamed']);
  const seen = await health(world, id);
  assert.deepEqual([seen.Status, seen.FailingStreak, seen.Log.length], ['unhealthy', 5, 5]);
  for (const { Start, End, ExitCode, Output } of seen.Log) {
    assert.deepEqual([ExitCode, Output], [1, 'checked\n']);
    assert.match(Start, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.ok(Start < End);
  }
  assert.match(await world.ok(['ps', '--filter', 'health=unhealthy']), /Up .* \(unhealthy\)/);
  assert.equal(await world.ok(['ps', '-q', '--filter', 'health=none']), '');
  const { Config } = JSON.parse(await world.ok(['inspect', '--format', '{{json .}}', id]));
  assert.deepEqual(Config.Healthcheck, {
    Test: ['CMD-SHELL', 'echo checked; test -e /well'],
    Interval: 3600e9,
    Retries: 2,
  });
  await world.ok(['pause', id]);
  const paused = await world.onggi(['healthcheck', 'run', id]);
  assert.deepEqual([paused.status, /it is paused/.test(paused.stderr)], [125, true]);
  await world.ok(['unpause', id]);
  await world.ok(['stop', id]);
  assert.deepEqual(await actions(world, id), [
    'start patient',
    'health_status: healthy patient',
    'rename renamed',
    'health_status: unhealthy renamed',
    'pause renamed',
    'unpause renamed',
    'kill renamed',
    'die renamed',
    'stop renamed',
  ]);
  assert.equal((await health(world, id)).Status, 'unhealthy');
  const ended = await world.onggi(['healthcheck', 'run', id]);
  assert.deepEqual([ended.status, /is not running/.test(ended.stderr)], [125, true]);
  // A new start is a new beginning, but for what the last checks have said; the oldest of them goes first.
  await world.ok(['start', id]);
  assert.deepEqual(await health(world, id), { Status: 'starting', FailingStreak: 0, Log: seen.Log });
  await world.onggi(['healthcheck', 'run', 'renamed']);
  const { Log } = await health(world, id);
  assert.deepEqual(Log.slice(0, 4), seen.Log.slice(1));
  assert.equal(Log.length, 5);
  await world.ok(['stop', '-t', '0', id]);
  assert.equal((await health(world, id)).Status, 'unhealthy', 'it was starting, and does not run any more');
  await world.ok(['rm', '-f', id]);
});

systemTest(
  'checks come by themselves, in the start period too, and wait for one that is paused',
  ['busybox'],
  async (world) => {
    const often = ['--health-interval', '50ms', '--health-retries', '1'];
    const other = await detached(world, ['--health-cmd', 'true', ...often], forever);
    await eventually('it is healthy', async () => (await health(world, other)).Status === 'healthy');
    const period = [
      '--health-cmd',
      'false',
      '--health-start-period',
      '1h',
      '--health-start-interval',
      '50ms',
      '--health-retries',
      '1',
    ];
    const starting = await detached(world, period, forever);
    await eventually('it has failed often', () => count(world, starting) > 5);
    assert.deepEqual(
      { ...(await health(world, starting)), Log: [] },
      { Status: 'starting', FailingStreak: 0, Log: [] },
    );
    await world.ok(['pause', starting]);
    const [before, others] = [count(world, starting), count(world, other)];
    await eventually('the other one is checked', () => count(world, other) > others + 5);
    // One that was just being recorded may have come in between.
    assert.ok(count(world, starting) <= before + 1);
    await world.ok(['unpause', starting]);
    await eventually('it is checked again', () => count(world, starting) > before + 3);
    // Of an image, and without it.
    const tar = join(world.scratch, 'tree.tar');
    await world.ok(['export', '-o', tar, other]);
    await world.ok(['import', '--change', 'HEALTHCHECK --interval=50ms --retries=1 CMD ["false"]', tar, 'ill']);
    const args = ['run', '-d', '--network', 'none'];
    const ofImage = await world.ok([...args, 'ill', ...forever]);
    await eventually('it is unhealthy', async () => (await health(world, ofImage)).Status === 'unhealthy');
    const without = await world.ok([...args, '--no-healthcheck', 'ill', ...forever]);
    assert.equal(await health(world, without), null);
    const refused = await world.onggi(['healthcheck', 'run', without]);
    assert.deepEqual([refused.status, /has no defined healthcheck/.test(refused.stderr)], [125, true]);
    await world.ok(['rm', '-f', other, starting, ofImage, without]);
  },
);

systemTest('a check that hangs, floods or forks harms nobody', ['busybox'], async (world) => {
  const hostile = 'echo begun; (while :; do echo flood; done) & (trap "" TERM; sleep 1000) & sleep 1000';
  const flags = [
    '--health-cmd',
    hostile,
    '--health-interval',
    '20ms',
    '--health-timeout',
    '100ms',
    '--health-retries',
    '1',
  ];
  const id = await detached(world, flags, forever);
  // On a busy machine a check may be over before it has said a word.
  let flooded = false;
  await eventually('it was checked some times, and once what it flooded was cut', async () => {
    flooded ||= (await health(world, id)).Log.some(({ Output }) => /begun\nflood\n[\s\S]*\.\.\.$/.test(Output));
    return flooded && count(world, id) >= 4;
  });
  const { Status, Log } = await health(world, id);
  assert.equal(Status, 'unhealthy');
  for (const { ExitCode, Output } of Log) {
    assert.equal(ExitCode, -1);
    assert.match(Output, /^Health check exceeded timeout \(100ms\)/);
    assert.ok(Output.length < 4096 + 100);
  }
  // What a check has started is gone with it; the container answers.
  const sleepers = (await world.ok(['exec', id, 'ps', '-o', 'args']))
    .split('\n')
    .filter((line) => line === 'sleep 1000');
  assert.ok(sleepers.length <= 2, `${sleepers.length}`);
  assert.equal((await inspect(world, id)).State.Status, 'running');
  // Something that outlives the check holds its output open, which keeps nobody waiting.
  const holder = await detached(world, ['--health-cmd', 'sleep 1000 & exit 0', '--health-interval', '20ms'], forever);
  await eventually('it is healthy', async () => (await health(world, holder)).Status === 'healthy');
  // Nothing to execute: a failure like any other.
  const missing = await detached(
    world,
    ['--health-cmd', 'true', '--health-interval', '20ms', '--health-retries', '1', '--entrypoint', 'sleep'],
    ['1000'],
  );
  await eventually('its shell is there', async () => (await health(world, missing)).Status === 'healthy');
  await world.ok(['exec', missing, 'rm', '/bin/sh']);
  await eventually('its shell is missed', async () => (await health(world, missing)).Status === 'unhealthy');
  assert.match((await health(world, missing)).Log.at(-1)?.Output ?? '', /\/bin\/sh.*No such file/);
  await world.ok(['rm', '-f', id, holder, missing]);
});

systemTest('what is done with an unhealthy container', ['busybox'], async (world) => {
  const ill = (action: string) => [
    '--health-cmd',
    'test -e /well',
    '--health-interval',
    '50ms',
    '--health-retries',
    '1',
    '--health-on-failure',
    action,
  ];
  const killed = await detached(world, ill('kill'), forever);
  await eventually('it is killed', async () => (await inspect(world, killed)).State.Status === 'exited');
  assert.equal((await inspect(world, killed)).State.ExitCode, 137);
  const stopped = await detached(world, ['--restart', 'always', ...ill('stop')], forever);
  await eventually('it is stopped', async () =>
    (await actions(world, stopped)).some((line) => line.startsWith('stop ')),
  );
  assert.deepEqual(
    [(await inspect(world, stopped)).State.Status, (await inspect(world, stopped)).State.ExitCode],
    ['exited', 0],
  );
  // Well after its first restart.
  const cured = ['sh', '-c', 'trap exit TERM; test -e /once && >/well; >/once; while :; do sleep 0.05; done'];
  const restarted = await detached(world, ill('restart'), cured);
  await eventually('it runs again, and is well', async () => {
    const told = await actions(world, restarted);
    return (
      told.some((line) => line.startsWith('restart ')) && told.some((line) => line.startsWith('health_status: healthy'))
    );
  });
  await world.ok(['rm', '-f', killed, stopped, restarted]);
  for (const [flags, message] of [
    [['--health-cmd', 'x', '--no-healthcheck'], /--no-healthcheck conflicts with --health-\* options/],
    [['--health-interval', '-1s'], /--health-interval cannot be negative/],
    [['--health-cmd', 'x', '--health-interval', '1us'], /Interval in Healthcheck cannot be less than 1ms/],
    [['--health-cmd', 'x', '--health-timeout', '999999h'], /Timeout in Healthcheck cannot be more/],
    [['--rm', '--health-on-failure', 'restart'], /conflicting options/],
    [['--health-on-failure', 'cry'], /cry/],
    [['--health-on-failure', 'kill'], /cannot set on-failure action to kill without a health check/],
  ] as const) {
    const refused = await world.onggi(['create', ...flags, world.image, 'true']);
    // What the words alone tell, and what the engine is asked about.
    assert.equal(
      refused.status,
      /Healthcheck|without a health|a container with --rm/.test(refused.stderr) ? 1 : 125,
      refused.stderr,
    );
    assert.match(refused.stderr, message);
  }
});
