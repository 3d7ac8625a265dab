/** Containers that others require (`--requires`), and what becomes of those that were run with `--rm`. */
import assert from 'node:assert/strict';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect } from './container-view.ts';

const status = async (world: World, name: string): Promise<string> => (await inspect(world, name)).State.Status;

systemTest('one with --rm is kept at its end while others require it', ['busybox'], async (world) => {
  const bump = 'echo run >>/runs; wc -l </runs; read line </gate || exec sleep 1000';
  await detached(world, ['--rm', '--name', 'base', '-v', '/data'], ['sh', '-c', bump]);
  await detached(world, ['--name', 'web', '--requires', 'base'], ['sleep', '1000']);
  await world.ok(['stop', '-t', '0', 'base']);
  assert.deepEqual([await status(world, 'base'), await status(world, 'web')], ['exited', 'running']);
  // Started again, it has what it has written.
  await world.ok(['stop', '-t', '0', 'web']);
  await world.ok(['start', 'web']);
  await eventually('it has run twice', async () => (await world.ok(['logs', 'base'])) === '1\n2');
  process.kill((await inspect(world, 'base')).State.Pid, 'SIGKILL');
  await eventually('it is kept when it ends by itself', async () => (await status(world, 'base')) === 'exited');
  const refused = await world.onggi(['rm', 'base']);
  assert.match(refused.stderr, /has dependent containers which must be removed before it: web/);
  // Nobody requires it any more: it goes by hand, or at its next end.
  await world.ok(['rm', '-f', 'web']);
  assert.equal(await status(world, 'base'), 'exited');
  await world.ok(['start', 'base']);
  await world.ok(['kill', 'base']);
  assert.equal(await world.ok(['ps', '-aq']), '');
  assert.equal(await world.ok(['volume', 'ls', '-q']), '');
});

systemTest('one with --rm that others require is kept when it can not be started', ['busybox'], async (world) => {
  await world.ok(['create', '--rm', '--name', 'base', '--network', 'none', world.image, '/nowhere']);
  await world.ok(['create', '--name', 'web', '--requires', 'base', '--network', 'none', world.image, 'true']);
  for (const name of ['web', 'base']) {
    const { status: code, stderr } = await world.onggi(['start', name]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /"\/nowhere": no such file/);
  }
  assert.deepEqual([await status(world, 'base'), await status(world, 'web')], ['created', 'created']);
  await world.ok(['rm', '--depend', 'base']);
  assert.equal(await world.ok(['ps', '-aq']), '');
});
