/** Containers of the engine where systemd is the init: they outlive the unit that they were started in (boot.ts). */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { eventually, run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';

function onggi(world: World): string[] {
  return [binary, '--root', world.root];
}

async function inUnit(unit: string, world: World, args: readonly string[], flags: readonly string[] = []) {
  const outcome = await run('systemd-run', ['--quiet', `--unit=${unit}`, ...flags, ...onggi(world), ...args]);
  assert.equal(outcome.status, 0, outcome.stderr);
}

/** Names of the scopes in which shims are kept now. */
function shimScopes(): string[] {
  return readdirSync('/sys/fs/cgroup/system.slice').filter((name) => name.startsWith('onggi-shim-'));
}

async function gone(): Promise<void> {
  await eventually('the scopes are gone', () => shimScopes().length === 0);
}

async function end(unit: string): Promise<void> {
  assert.equal((await run('systemctl', ['stop', unit])).status, 0);
  const left = await run('systemctl', ['show', '-P', 'LoadState', unit]);
  assert.equal(left.stdout.trim(), 'not-found');
}

const sleeper = ['sh', '-c', 'echo here; sleep 1000'];

systemTest('a container outlives the session that it was started in', [], async (world) => {
  // As logind ends one: what is in its scope is killed.
  const flags = ['--scope', '--slice=user.slice'];
  const words = ['sh', '-c', '"$@" >/dev/null; sleep 1000 >/dev/null 2>&1 & exit 0', '--', ...onggi(world)];
  const detached = ['run', '-d', '--name', 'one', '--network', 'none', world.image, ...sleeper];
  const outcome = await run('systemd-run', ['--quiet', '--unit=session-x', ...flags, ...words, ...detached], {});
  assert.equal(outcome.status, 0, outcome.stderr);
  const [scope = ''] = shimScopes();
  assert.match(readFileSync(`/sys/fs/cgroup/system.slice/${scope}/cgroup.procs`, 'utf8'), /^\d+\n$/);
  await end('session-x.scope');
  assert.equal(await world.ok(['exec', 'one', 'echo', 'alive']), 'alive');
  assert.equal(await world.ok(['logs', 'one']), 'here');
  // Commands in it that were left alone, too.
  const second = ['exec', '-d', 'one', 'sleep', '2000'];
  await run('systemd-run', ['--quiet', '--unit=session-y', ...flags, ...words, ...second]);
  await end('session-y.scope');
  assert.match(await world.ok(['exec', 'one', 'ps']), /sleep 2000/);
  await world.ok(['rm', '-f', 'one']);
  await gone();
});

systemTest(
  'one in the foreground of a service that is stopped ends as that wants it, not by a kill',
  [],
  async (world) => {
    const script = 'trap "echo asked; exit 0" TERM; echo ready; while :; do sleep 0.1; done';
    const args = ['run', '--name', 'two', '--network', 'none', world.image, 'sh', '-c', script];
    await inUnit('onggi-two', world, args);
    await eventually('it runs', async () => (await world.onggi(['logs', 'two'])).stdout.includes('ready'));
    await eventually('it is kept', () => shimScopes().length === 1);
    await run('systemctl', ['stop', 'onggi-two.service']);
    assert.equal(await world.ok(['wait', 'two']), '0');
    assert.match(await world.ok(['logs', 'two']), /asked/);
    await world.ok(['rm', 'two']);
    await gone();
  },
);

systemTest('limits of the engine outlive a reload of systemd', [], async (world) => {
  await world.ok([
    'run',
    '-d',
    '--name',
    'three',
    '--network',
    'none',
    '-m',
    '64m',
    '--cpuset-cpus',
    '0',
    world.image,
    ...sleeper,
  ]);
  const limits = ['cat', '/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/cpuset.cpus.effective'];
  assert.equal(await world.ok(['exec', 'three', ...limits]), `${64 << 20}\n0`);
  for (const change of ['daemon-reload', 'set-property --runtime dbus.service CPUWeight=200']) {
    assert.equal((await run('systemctl', change.split(' '))).status, 0, change);
    assert.equal(await world.ok(['exec', 'three', ...limits]), `${64 << 20}\n0`, change);
  }
  await world.ok(['rm', '-f', 'three']);
  await gone();
});
