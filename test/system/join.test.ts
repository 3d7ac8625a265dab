/** Containers that share namespaces with another one, and those that know others by name. */
import assert from 'node:assert/strict';
import { systemTest, type World } from '../harness/system-test.ts';

async function fails(world: World, args: readonly string[], message: RegExp, status = 125): Promise<void> {
  const outcome = await world.onggi(args);
  assert.equal(outcome.status, status, `${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  assert.match(outcome.stderr, message, args.join(' '));
}

const namespaces = 'for each in net ipc pid uts; do readlink /proc/self/ns/$each; done';

systemTest('network, IPC, PID and UTS namespaces are those of another container', ['busybox'], async (world) => {
  const { image } = world;
  const quiet = ['--network', 'none'];
  const main = 'echo shared >/dev/shm/file; mkfifo /ready; cat /ready; exec sleep 1000';
  await world.ok(['run', '-d', '--name', 'donor', ...quiet, '--ipc', 'shareable', image, 'sh', '-c', main]);
  // Returns when the file is there.
  await world.ok(['exec', 'donor', 'sh', '-c', 'until [ -p /ready ]; do :; done; echo >/ready']);
  const [network, ipc, pid, uts] = (await world.ok(['exec', 'donor', 'sh', '-c', namespaces])).split('\n');
  const joins = ['--network', 'container:donor', '--ipc', 'container:donor', '--pid', 'container:donor'];
  const look = `${namespaces}; cat /dev/shm/file; echo back >/dev/shm/other; hostname; cat /etc/hostname`;
  const seen = await world.ok(['run', '--rm', ...joins, '--uts', 'container:donor', image, 'sh', '-c', look]);
  const name = await world.ok(['exec', 'donor', 'hostname']);
  assert.deepEqual(seen.split('\n'), [network, ipc, pid, uts, 'shared', name, name]);
  assert.equal(await world.ok(['exec', 'donor', 'cat', '/dev/shm/other']), 'back');
  // By the ID, which stays when the name goes to somebody else.
  const late = await world.ok(['create', '--network', 'container:donor', image, 'readlink', '/proc/self/ns/net']);
  await world.ok(['rename', 'donor', 'renamed']);
  assert.equal(await world.ok(['start', '-a', late]), network);
  await world.ok(['run', '-d', '--name', 'private', ...quiet, image, 'sleep', '1000']);
  await fails(world, ['run', '--rm', '--ipc', 'container:private', image, 'true'], /non-shareable IPC/);
  const stays = ['run', '-d', '--name', 'stays', '--network', 'container:renamed', image, 'sleep', '1000'];
  await world.ok(stays);
  await world.ok(['stop', '-t', '0', 'renamed']);
  await fails(world, ['start', '-a', late], /cannot join network of a non running container: renamed/, 1);
  for (const [flag, value] of [
    ['--ipc', 'container:renamed'],
    ['--requires', late],
  ] as const) {
    await fails(world, ['run', '-d', '--rm', '--name', 'failed', flag, value, image, 'true'], /renamed is not running/);
  }
  await fails(world, ['inspect', 'failed'], /No such object: failed/, 1);
  await fails(world, ['run', '--rm', '--pid', 'container:renamed', image, 'true'], /can't join PID of container/);
  const id = await world.ok(['inspect', '-f', '{{.Id}}', 'renamed']);
  await world.ok(['rm', 'renamed']);
  await fails(world, ['start', '-a', late], new RegExp(`No such container: ${id}`), 1);
  // The network lives as long as somebody has it.
  const heir = ['run', '--rm', '--network', 'container:stays', image, 'sh', '-c'];
  const inherited = 'readlink /proc/self/ns/net; hostname; cat /etc/hostname; grep -c localhost /etc/hosts';
  assert.deepEqual((await world.ok([...heir, inherited])).split('\n'), [network, name, name, '2']);
});

systemTest(
  'a linked container is known by its alias and its variables',
  ['busybox', 'bridge', 'veth', 'nf_tables'],
  async (world) => {
    const { image } = world;
    const id = await world.ok([
      'run',
      '-d',
      '--name',
      'web',
      '--expose',
      '80',
      '-e',
      'FOO=bar',
      image,
      'sleep',
      '1000',
    ]);
    const look = 'grep -w db /etc/hosts; env | grep ^DB_ | sort';
    const seen = (await world.ok(['run', '--rm', '--name', 'own', '--link', 'web:db', image, 'sh', '-c', look])).split(
      '\n',
    );
    const address = /^[\d.]+/.exec(seen[0] ?? '')?.[0];
    assert.deepEqual(seen, [
      `${address}\tdb ${id.slice(0, 12)} web`,
      'DB_ENV_FOO=bar',
      'DB_NAME=/own/db',
      `DB_PORT=tcp://${address}:80`,
      `DB_PORT_80_TCP=tcp://${address}:80`,
      `DB_PORT_80_TCP_ADDR=${address}`,
      'DB_PORT_80_TCP_PORT=80',
      'DB_PORT_80_TCP_PROTO=tcp',
    ]);
    await world.ok(['create', '--name', 'parent', '--link', 'web:db', '--link', 'web:other', image, 'true']);
    const links = ['inspect', '-f', '{{json .HostConfig.Links}}', 'parent'];
    assert.equal(await world.ok(['rm', '--link', '/parent/db']), '/parent/db');
    assert.match(await world.ok(links), /^\["[^"]*:\/parent\/other"\]$/);
    await fails(world, ['rm', '-l', 'parent/db'], /No such link: \/parent\/db/, 1);
    await fails(world, ['rm', '-l', 'parent'], /cannot remove the default link name of the container/, 1);
    await world.ok(['rm', 'parent']);
    // Who runs is told the address that it has after another start; here somebody else has taken the old one.
    await world.ok(['run', '-d', '--name', 'knows', '--link', 'web:db', image, 'sleep', '1000']);
    assert.equal(await world.ok(['inspect', '-f', '{{json .HostConfig.Links}}', 'knows']), '["/web:/knows/db"]');
    await world.ok(['stop', '-t', '0', 'web']);
    await world.ok(['run', '-d', '--name', 'other', image, 'sleep', '1000']);
    await world.ok(['start', 'web']);
    const now = await world.ok(['inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web']);
    assert.notEqual(now, address);
    const known = await world.ok(['exec', 'knows', 'grep', '-w', 'db', '/etc/hosts']);
    assert.equal(known, `${now}\tdb ${id.slice(0, 12)} web`);
    await world.ok(['rm', '-f', 'knows', 'other']);
    await world.ok(['stop', '-t', '0', 'web']);
    await fails(
      world,
      ['run', '--rm', '--link', 'web', image, 'true'],
      /Cannot link to a non running container: \/web AS web/,
    );
    await world.ok(['rm', 'web']);
  },
);
