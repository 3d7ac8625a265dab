/** `onggi attach` without a terminal (with one: run-terminal.test.ts). */
import assert from 'node:assert/strict';
import { eventually } from '../harness/program.ts';
import { systemTest } from '../harness/system-test.ts';
import { connections, detached, inspect } from './container-view.ts';

systemTest('attach shows what comes from now on, and ends with the container’s status', ['busybox'], async (world) => {
  const id = await detached(
    world,
    ['-i'],
    ['sh', '-c', 'echo before; while read line; do echo "got $line"; done; exit 8'],
  );
  const attached = world.start(['attach', id]);
  attached.child.stdin?.write('one\n');
  await attached.printed(/got one\n/);
  attached.child.stdin?.write('two\n');
  await attached.printed(/got two\n/);
  attached.child.stdin?.end();
  const { status, stdout } = await attached.outcome;
  assert.equal(status, 8);
  assert.ok(stdout.endsWith('got one\ngot two\n'), stdout);
  assert.equal(await world.ok(['logs', id]), 'before\ngot one\ngot two');
});

systemTest('several see the same; one that only looks does not end the input', ['busybox'], async (world) => {
  const id = await detached(world, ['-i'], ['sh', '-c', 'while read line; do echo "got $line"; done']);
  const looker = world.start(['attach', '--no-stdin', id]);
  await eventually('it is connected', () => connections(looker.pid) > 0);
  const talker = world.start(['attach', id]);
  talker.child.stdin?.write('hello\n');
  for (const each of [looker, talker]) await each.printed(/got hello\n/);
  // Its own stdin is not the container's.
  looker.child.stdin?.end('never\n');
  talker.child.stdin?.write('again\n');
  for (const each of [looker, talker]) await each.printed(/got again\n/);
  looker.child.kill('SIGKILL');
  await looker.outcome;
  assert.equal((await inspect(world, id)).State.Running, true);
  talker.child.stdin?.end();
  assert.equal((await talker.outcome).status, 0);
});

systemTest('signals pass through it', ['busybox'], async (world) => {
  const id = await detached(world, [], ['onggi-probe', 'trap', '10', '15']);
  const attached = world.start(['attach', id]);
  const quiet = world.start(['attach', '--sig-proxy=false', id]);
  // Attached when it gets what the container prints.
  let tries = 0;
  while (!attached.output().stdout.includes('got 10') || !quiet.output().stdout.includes('got 10')) {
    assert.ok(tries++ < 500, 'nothing came');
    await world.ok(['kill', '-s', 'USR1', id]);
  }
  attached.child.kill('SIGTERM');
  await attached.printed(/got 15\n/);
  quiet.child.kill('SIGTERM');
  assert.equal((await quiet.outcome).signal, 'SIGTERM');
  await world.ok(['kill', id]);
  assert.equal((await attached.outcome).status, 137);
});

systemTest('only to what runs', ['busybox'], async (world) => {
  await world.ok(['create', '--name', 'still', '--network', 'none', world.image, 'true']);
  for (const [ref, message] of [
    ['still', /^onggi: cannot attach to container "still": it is not running\n/],
    ['nosuch', /^onggi: No such container: nosuch\n/],
  ] as const) {
    const { status, stderr } = await world.onggi(['attach', ref]);
    assert.equal(status, 1);
    assert.match(stderr, message);
  }
});
