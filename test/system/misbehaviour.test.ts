/** Containers that do what no container should, and stores in a state that no store should be in. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { processStat } from '../../src/kernel/process-identity.ts';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect } from './container-view.ts';

async function stateOf(world: World, id: string): Promise<string> {
  return (await inspect(world, id)).State.Status;
}

systemTest('one that closes its stdio goes on, and is logged until then', ['busybox'], async (world) => {
  const line = 'echo last words; exec <&- >&- 2>&-; touch /closed; exec sleep 1000';
  const id = await detached(world, [], ['sh', '-c', line]);
  await eventually('it is closed', async () => (await world.onggi(['exec', id, 'test', '-e', '/closed'])).status === 0);
  assert.equal(await world.ok(['logs', id]), 'last words');
  assert.equal(await stateOf(world, id), 'running');
  assert.equal(await world.ok(['exec', id, 'echo', 'hello']), 'hello');
  await world.ok(['stop', '-t', '0', id]);
  assert.equal(await stateOf(world, id), 'exited');
});

systemTest('one that is stopped by SIGSTOP is still stopped, killed and removed', ['busybox'], async (world) => {
  const [stopped, removed] = [
    await detached(world, [], ['sleep', '1000']),
    await detached(world, [], ['sleep', '1000']),
  ];
  for (const id of [stopped, removed]) {
    await world.ok(['kill', '-s', 'STOP', id]);
    const { Pid } = (await inspect(world, id)).State;
    await eventually('it is stopped', () => /^State:\s+T/m.test(readFileSync(`/proc/${Pid}/status`, 'utf8')));
    assert.equal(await stateOf(world, id), 'running');
  }
  await world.ok(['stop', '-t', '1', stopped]);
  assert.deepEqual([await stateOf(world, stopped), (await inspect(world, stopped)).State.ExitCode], ['exited', 137]);
  await world.ok(['rm', '-f', removed]);
});

systemTest('one whose shim is stopped by SIGSTOP is stopped, killed and removed, too', ['busybox'], async (world) => {
  for (const end of [['stop', '-t', '1'], ['kill'], ['rm', '-f']]) {
    const id = await detached(world, [], ['sleep', '1000']);
    const shim = processStat((await inspect(world, id)).State.Pid)?.parent ?? 0;
    process.kill(shim, 'SIGSTOP');
    await eventually('it is stopped', () => processStat(shim)?.state === 'T');
    await world.ok([...end, id], { timeout: 5000 });
    await world.ok(['rm', '-f', id]);
  }
});

systemTest('one that writes without end fills no more than its log may hold', ['busybox'], async (world) => {
  const limits = ['--log-opt', 'max-size=64k', '--log-opt', 'max-file=2'];
  const id = await detached(world, limits, ['sh', '-c', 'yes & yes >&2 & wait']);
  const { LogPath } = await inspect(world, id);
  const files = (): string[] => readdirSync(dirname(LogPath)).filter((name) => /^log/.test(name));
  await eventually('it has turned over', () => files().length === 2);
  assert.equal(await world.ok(['exec', id, 'echo', 'there']), 'there');
  await world.ok(['stop', '-t', '0', id]);
  assert.equal(await stateOf(world, id), 'exited');
  // As with Docker, the line that reaches the limit is the last of its file.
  for (const name of files()) assert.ok(statSync(join(dirname(LogPath), name)).size < 64 * 1024 + 100, name);
});

systemTest('one that writes to its own executable', ['busybox'], async (world) => {
  const line = 'echo x > /proc/self/exe || echo refused; echo x > /proc/1/exe || echo refused; sleep 1000';
  const id = await detached(world, ['--init'], ['sh', '-c', line]);
  await eventually('it was refused', async () => (await world.ok(['logs', id])) === 'refused\nrefused');
  assert.equal(await world.ok(['exec', id, 'echo', 'there']), 'there');
  await world.ok(['rm', '-f', id]);
});

systemTest('a store that is read-only is told so, and is as good as before afterwards', ['busybox'], async (world) => {
  await world.ok(['create', '--name', 'kept', '--network', 'none', world.image, 'echo', 'well']);
  const mount = (...args: string[]): void => {
    const { status, stderr } = spawnSync('mount', args);
    assert.equal(status, 0, String(stderr));
  };
  mount('--bind', world.root, world.root);
  try {
    mount('-o', 'remount,bind,ro', world.root);
    for (const args of [
      ['run', '--rm', world.image, 'true'],
      ['start', 'kept'],
      ['rm', 'kept'],
    ]) {
      const { status, stderr } = await world.onggi(args);
      const said = `${args.join(' ')}: ${status} ${stderr}`;
      assert.notEqual(status, 0, said);
      assert.match(stderr, /read-only|readonly/i, said);
    }
  } finally {
    assert.equal(spawnSync('umount', [world.root]).status, 0);
  }
  assert.equal(await world.ok(['start', '-a', 'kept']), 'well');
});
