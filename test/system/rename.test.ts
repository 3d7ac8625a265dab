/** `rename` of a container that runs, and what becomes of the name that it had. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemTest } from '../harness/system-test.ts';
import { detached, inspect, linesOf } from './container-view.ts';

const sleeping = ['sleep', '1000'];

systemTest('the old name is free at once, the new one is the container’s', ['busybox'], async (world) => {
  const first = await detached(world, ['--name', 'box'], ['sh', '-c', 'echo first; exec sleep 1000']);
  await world.ok(['rename', 'box', 'old']);
  const second = await detached(world, ['--name', 'box'], ['sh', '-c', 'echo second; exec sleep 1000']);
  const ids = async (name: string): Promise<string> => (await inspect(world, name)).Id;
  assert.deepEqual([await ids('old'), await ids('box')], [first, second]);
  assert.deepEqual([await world.ok(['logs', 'old']), await world.ok(['logs', 'box'])], ['first', 'second']);
  assert.equal(await world.ok(['exec', 'old', 'cat', '/proc/1/comm']), 'sleep');
  const taken = await world.onggi(['rename', 'box', 'old']);
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /"\/old" is already in use/);
  await world.ok(['rm', '-f', 'old']);
  assert.equal((await inspect(world, 'box')).State.Running, true);
  await world.ok(['rm', '-f', 'box']);
});

systemTest('a container gets names from several at once, and is removed meanwhile', ['busybox'], async (world) => {
  const numbers = [0, 1, 2, 3, 4, 5];
  for (let round = 0; round < 6; round++) {
    const id = await detached(world, [], sleeping);
    const renames = numbers.map((number) => world.onggi(['rename', id, `name${number}`]));
    for (const { status, stderr } of await Promise.all(renames)) assert.equal(status, 0, stderr);
    const { Name } = await inspect(world, id);
    const tail = readFileSync(join(world.root, 'containers', id, 'event'), 'utf8');
    assert.match(tail, new RegExp(`"name":"${Name.slice(1)}"`), 'what its shim tells of it');
    const [removed, ...said] = await Promise.all([
      world.onggi(['rm', '-f', id]),
      ...numbers.map((number) => world.onggi(['rename', id, `other${number}`])),
    ]);
    assert.equal(removed.status, 0, removed.stderr);
    for (const { status, stderr } of said) if (status !== 0) assert.match(stderr, /No such container/);
  }
});

systemTest(
  'of several who want a name at once one gets it, whoever renames and whoever runs',
  ['busybox'],
  async (world) => {
    for (let round = 0; round < 5; round++) {
      const ids = await Promise.all([0, 1, 2].map((number) => detached(world, ['--name', `box${number}`], sleeping)));
      const said = await Promise.all([
        ...ids.map((id) => world.onggi(['rename', id, 'wanted'])),
        world.onggi(['run', '-d', '--name', 'wanted', '--network', 'none', world.image, ...sleeping]),
      ]);
      const statuses = said.map(({ status }) => status).toSorted();
      assert.equal(statuses.filter((status) => status === 0).length, 1, JSON.stringify(said));
      for (const { status, stderr } of said) if (status !== 0) assert.match(stderr, /"\/?wanted" is already in use/);
      assert.equal((await inspect(world, 'wanted')).State.Running, true);
      const all = linesOf(await world.ok(['ps', '-aq']));
      assert.equal(all.length, said[3]?.status === 0 ? 4 : 3);
      await world.ok(['rm', '-f', ...all]);
    }
  },
);
