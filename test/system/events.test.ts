/** Events: what every process of a store does, told to whoever follows, and to whoever asks later. */
import assert from 'node:assert/strict';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect } from './container-view.ts';

const format = ['--format', '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'];

async function past(world: World, ...flags: string[]): Promise<string[]> {
  const printed = await world.ok(['events', '--since', '1h', '--until', '0s', ...format, ...flags]);
  return printed === '' ? [] : printed.split('\n');
}

systemTest('a follower sees the life of a container in the order of Docker', ['busybox'], async (world) => {
  const follower = world.start(['events', ...format]);
  // It has no word to say that it listens: an event of our own shows it.
  await eventually('it follows', async () => {
    await world.ok(['tag', world.image, 'ready']);
    return follower.output().stdout !== '';
  });
  await world.onggi([
    'run',
    '--rm',
    '--name',
    'brief',
    '--label',
    'a=b',
    '-v',
    'data:/d',
    world.image,
    'sh',
    '-c',
    'exit 3',
  ]);
  const id = await detached(world, ['--name', 'long'], ['sleep', '1000']);
  // Left alone, and told of all the same.
  await world.ok(['exec', '-d', id, 'true']);
  await follower.printed(/exec_die long/, 30_000);
  await world.ok(['top', id]);
  await world.ok(['cp', `${id}:/etc`, world.scratch]);
  await world.ok(['rename', 'long', 'longer']);
  await world.ok(['restart', '-t', '0', 'longer']);
  await world.ok(['stop', '-t', '0', 'longer']);
  await world.ok(['rm', 'longer']);
  await world.ok(['volume', 'rm', 'data']);
  await follower.printed(/volume destroy/, 30_000);
  follower.child.kill();
  await follower.outcome;
  const seen = follower.output().stdout.trimEnd().split('\n');
  const told = seen.filter((line) => !line.startsWith('image tag'));
  const stopped = ['container kill longer', 'container kill longer', 'container die longer', 'network disconnect none'];
  assert.deepEqual(told, [
    'volume create <no value>',
    'container create brief',
    'container attach brief',
    'network connect bridge',
    'volume mount <no value>',
    'container start brief',
    'container die brief',
    'network disconnect bridge',
    'volume unmount <no value>',
    'container destroy brief',
    'container create long',
    'network connect none',
    'container start long',
    'container exec_create: true  long',
    'container exec_start: true  long',
    'container exec_die long',
    'container top long',
    'container archive-path long',
    'container rename longer',
    ...stopped,
    'container stop longer',
    'network connect none',
    'container start longer',
    'container restart longer',
    ...stopped,
    'container stop longer',
    'container destroy longer',
    'volume destroy <no value>',
  ]);
  // The same, asked for later; the label of one alone.
  const later = await past(world);
  assert.deepEqual(
    later.filter((line) => !line.startsWith('image ')),
    told,
  );
  assert.equal((await past(world, '--filter', 'label=a=b', '--filter', 'event=die')).length, 1);
  const [die] = JSON.parse(
    `[${await world.ok(['events', '--since', '1h', '--until', '0s', '--filter', 'container=brief', '--filter', 'event=die', '--format', 'json'])}]`,
  );
  assert.deepEqual(die.Actor.Attributes, { a: 'b', execDuration: '0', exitCode: '3', image: 'busybox', name: 'brief' });
});

systemTest(
  'an end that nobody waits for is told once, and a follower ends when it is to',
  ['busybox'],
  async (world) => {
    const id = await detached(world, ['--name', 'alone'], ['sleep', '1000']);
    process.kill((await inspect(world, id)).State.Pid, 'SIGKILL');
    // No command of ours: what the shim calls tells it.
    const follower = world.start(['events', '--since', '1h', '--filter', 'event=die', '--filter', 'container=alone']);
    await follower.printed(/container die .*exitCode=137/, 30_000);
    follower.child.kill();
    await follower.outcome;
    await world.ok(['ps', '-a']);
    assert.deepEqual(await past(world, '--filter', 'event=die'), ['container die alone']);
    await world.ok(['rm', id]);
    // The end lies ahead: it is waited for, then the program ends by itself.
    const until = await world.onggi([
      'events',
      '--since',
      '1h',
      '--until',
      `${Math.ceil(Date.now() / 1000) + 1}`,
      '--filter',
      'event=destroy',
    ]);
    assert.equal(until.status, 0);
    assert.match(until.stdout, /container destroy/);
    for (const [flags, message] of [
      [['--since', '1h', '--until', '2h'], /`since` time \(1h\) cannot be after `until` time \(2h\)/],
      [['--filter', 'moon=1'], /invalid filter 'moon'/],
      [['--filter', 'moon'], /bad format of filter/],
      [['--format', '{{.bad}}'], /can't evaluate field bad/],
      [['--since', 'soon'], /failed to parse value as time or duration: "soon"/],
    ] as const) {
      const refused = await world.onggi(['events', ...flags]);
      assert.equal(refused.status, flags[1] === 'moon' ? 125 : 1);
      assert.match(refused.stderr, message);
    }
  },
);
