/** `init`: all of a container but its command, and the start that goes on from there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';

const look = async (world: World, format: string, name: string): Promise<string> =>
  await world.ok(['inspect', '--format', format, name]);

const status = (world: World, name: string) => look(world, '{{.State.Status}} {{.State.ExitCode}}', name);

const parentOf = (pid: string): number =>
  Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

systemTest('a container is made in two steps', ['bridge', 'veth', 'nf_tables'], async (world) => {
  const script = 'echo up; trap "exit 6" TERM; while :; do sleep 0.1; done';
  await world.ok(['create', '--name', 'one', '-m', '32m', world.image, 'sh', '-c', script]);
  assert.equal(await world.ok(['init', 'one']), 'one');
  assert.equal(await status(world, 'one'), 'initialized 0');
  const pid = await look(world, '{{.State.Pid}}', 'one');
  assert.equal(readFileSync(`/proc/${pid}/comm`, 'utf8'), 'onggi-init\n');
  assert.match(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), /eth0/);
  assert.equal(
    await world.ok(['ps', '-a', '--filter', 'status=initialized', '--format', '{{.Status}}']),
    'Initialized',
  );
  assert.equal(await world.ok(['ps', '-q']), '');
  for (const refused of [
    ['init', 'one'],
    ['exec', 'one', 'true'],
    ['kill', 'one'],
    ['pause', 'one'],
  ]) {
    assert.notEqual((await world.onggi(refused)).status, 0, refused.join(' '));
  }
  const copy = join(world.scratch, 'copy');
  await world.ok(['cp', 'one:/etc/hostname', copy]);
  assert.match(readFileSync(copy, 'utf8'), /^[0-9a-f]{12}$/m);
  assert.equal(await world.ok(['logs', 'one']), '');

  assert.equal(await world.ok(['start', 'one']), 'one');
  await eventually('up', async () => (await world.ok(['logs', 'one'])) === 'up');
  assert.equal(await look(world, '{{.State.Pid}}', 'one'), pid);
  await world.ok(['stop', 'one']);
  assert.equal(await status(world, 'one'), 'exited 6');
  // Taken back; one that had run has ended by the kill.
  await world.ok(['init', 'one']);
  await world.ok(['stop', 'one']);
  assert.equal(await status(world, 'one'), 'exited 137');
  assert.equal(await world.ok(['init', '--all']), await look(world, '{{.Id}}', 'one'));
  await world.ok(['rm', 'one']);
});

systemTest('what waits for its start is attached to, and what is killed meanwhile has not run', [], async (world) => {
  const create = ['create', '-i', '--name', 'two', '--network', 'none'];
  await world.ok([...create, '--rm', world.image, 'cat']);
  await world.ok(['init', 'two']);
  const attached = await world.onggi(['start', '-ai', 'two'], { input: 'word' });
  assert.deepEqual([attached.status, attached.stdout], [0, 'word'], attached.stderr);
  await world.ok([...create, world.image, 'cat']);
  for (const victim of ['init', 'shim']) {
    await world.ok(['init', 'two']);
    const pid = await look(world, '{{.State.Pid}}', 'two');
    process.kill(victim === 'init' ? Number(pid) : parentOf(pid), 'SIGKILL');
    await eventually(`without its ${victim}`, async () => (await status(world, 'two')).startsWith('created'));
  }
  await world.ok(['rm', 'two']);
  await world.ok(['create', '--name', 'three', '--network', 'none', world.image, '/etc/passwd']);
  assert.match((await world.onggi(['init', 'three'])).stderr, /permission denied/);
  assert.match(await status(world, 'three'), /^created/);
  await world.ok(['rm', 'three']);
});
