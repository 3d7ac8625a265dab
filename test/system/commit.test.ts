/** What a container has made of its file system: `diff`, `export`, `commit`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemTest, type World } from '../harness/system-test.ts';
import { describeTree } from '../image/unpack-tree.ts';
import { inspect } from './container-view.ts';

const quiet = ['--network', 'none'];

async function ran(world: World, name: string, script: string, flags: readonly string[] = []): Promise<void> {
  await world.ok(['run', '--name', name, ...quiet, ...flags, world.image, 'sh', '-ec', script]);
}

function tar(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('tar', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

systemTest('an image of a container has its changes and its settings', ['busybox'], async (world) => {
  const flags = ['-e', 'A=1', '-w', '/tmp', '-u', '7:8', '-l', 'who=me'];
  await world.ok([
    'run',
    '--name',
    'box',
    ...quiet,
    ...flags,
    '-u',
    '0',
    world.image,
    'sh',
    '-c',
    'echo new > /new; rm /bin/ls',
  ]);
  const change = ['-c', 'CMD ["cat","/new"]', '-c', 'ENV B=2', '-c', 'EXPOSE 80', '-c', 'ONBUILD RUN ls'];
  const id = await world.ok(['commit', '-a', 'Ada <ada@example.org>', '-m', 'mine', ...change, 'box', 'own:2']);
  assert.match(id, /^sha256:[0-9a-f]{64}$/);
  assert.equal(await world.ok(['run', '--rm', ...quiet, 'own:2']), 'new');
  assert.equal(
    await world.ok(['run', '--rm', ...quiet, 'own:2', 'sh', '-c', 'test -e /bin/ls || echo gone; echo $A$B; pwd']),
    'gone\n12\n/tmp',
  );
  const [image] = JSON.parse(await world.ok(['image', 'inspect', 'own:2']));
  assert.deepEqual(image.Config['Cmd'], ['cat', '/new']);
  assert.deepEqual(image.Config.Labels, { who: 'me' });
  assert.deepEqual(image.Config.OnBuild, ['RUN ls']);
  assert.deepEqual(image.Config.ExposedPorts, { '80/tcp': {} });
  assert.equal(image.RootFS.Layers.length, 2);
  const raw = JSON.parse(readFileSync(join(world.root, 'blobs/sha256', id.slice(7)), 'utf8'));
  assert.equal(raw.author, 'Ada <ada@example.org>');
  assert.equal(raw.history.length, 2);
  assert.equal(raw.history[1].comment, 'mine');
  assert.equal(raw.history[1].created_by, 'sh -c echo new > /new; rm /bin/ls');
});

systemTest('commit again, of a container of a committed image; without a name', ['busybox'], async (world) => {
  await ran(world, 'one', 'echo 1 > /one; mkdir /d; echo x > /d/gone');
  await world.ok(['commit', 'one', 'first']);
  await world.ok([
    'run',
    '--name',
    'two',
    ...quiet,
    'first',
    'sh',
    '-c',
    'echo 2 > /two; rm -r /d; mkdir /d; echo y > /d/here',
  ]);
  const id = await world.ok(['commit', 'two']);
  const script = 'cat /one /two; ls /d';
  assert.equal(await world.ok(['run', '--rm', ...quiet, id, 'sh', '-c', script]), '1\n2\nhere');
  await world.ok(['rm', 'one', 'two']);
  await world.ok(['rmi', id, 'first']);
});

systemTest('bad names and changes are refused before anything is made', ['busybox'], async (world) => {
  await ran(world, 'box', 'true');
  for (const [args, says] of [
    [['box', 'UPPER'], /UPPER/],
    [['box', `x@sha256:${'0'.repeat(64)}`], /digest/],
    [['-c', 'RUN ls', 'box', 'x'], /RUN in --change/],
    [['-c', 'STOPSIGNAL SIGNOPE', 'box', 'x'], /signal "SIGNOPE": no such signal/],
    [['missing', 'x'], /No such container: missing/],
  ] as const) {
    const { status, stderr } = await world.onggi(['commit', ...args]);
    assert.equal(status, 1, stderr);
    assert.match(stderr, says);
  }
  const imported = await world.onggi(['import', '-c', 'STOPSIGNAL SIGNOPE', '/dev/null', 'x']);
  assert.deepEqual([imported.status, /no such signal/.test(imported.stderr)], [1, true]);
  assert.equal((await world.ok(['images', '-q'])).split('\n').length, 1);
});

systemTest('diff tells what was added, changed and deleted, and nothing of the start', ['busybox'], async (world) => {
  await ran(world, 'box', 'true');
  assert.equal(await world.ok(['diff', 'box']), '');
  await ran(world, 'dd', 'echo x > /new; rm /bin/ls; mkdir /etc/own; echo x >> /etc/hosts');
  assert.deepEqual((await world.ok(['diff', 'dd'])).split('\n'), [
    'C /bin',
    'D /bin/ls',
    'C /etc',
    'A /etc/own',
    'A /new',
  ]);
});

systemTest(
  'export gives the tree that the container sees, while it runs and afterwards',
  ['busybox'],
  async (world) => {
    await world.ok([
      'run',
      '-d',
      '--name',
      'box',
      ...quiet,
      world.image,
      'sh',
      '-c',
      'echo x > /new; rm /bin/ls; touch /done; exec sleep 1000',
    ]);
    for (;;) if ((await world.onggi(['exec', 'box', 'test', '-e', '/done'])).status === 0) break;
    const [one, other] = [join(world.scratch, 'running.tar'), join(world.scratch, 'stopped.tar')];
    await world.ok(['export', '-o', one, 'box']);
    await world.ok(['kill', 'box']);
    await world.ok(['export', '--output', other, 'box']);
    assert.deepEqual(readFileSync(one), readFileSync(other));
    const names = tar('-tf', one).split('\n');
    for (const name of ['./', 'new', 'bin/sh']) assert.ok(names.includes(name), name);
    for (const name of ['bin/ls', 'proc/1/', 'etc/hosts', 'dev/null']) assert.ok(!names.includes(name), name);
    await world.ok(['import', one, 'again']);
    assert.equal(await world.ok(['run', '--rm', ...quiet, 'again', 'cat', '/new']), 'x');
  },
);

systemTest('what export writes over, and what it does not', ['busybox'], async (world) => {
  await ran(world, 'box', 'true');
  const path = join(world.scratch, 'out.tar');
  writeFileSync(path, 'before');
  assert.equal((await world.onggi(['export', '-o', path, 'missing'])).status, 1);
  assert.equal(readFileSync(path, 'utf8'), 'before');
  const device = await world.onggi(['export', '-o', '/dev/null', 'box']);
  assert.equal(device.status, 1);
  assert.match(device.stderr, /not a regular file/);
});

systemTest('a container stands still while it is committed, and goes on', ['busybox'], async (world) => {
  const script = 'i=0; while :; do i=$((i+1)); echo $i > /t; mv /t /a; echo $i > /t; mv /t /b; done';
  await world.ok(['run', '-d', '--name', 'box', ...quiet, world.image, 'sh', '-c', script]);
  for (;;) if ((await world.onggi(['exec', 'box', 'cat', '/b'])).status === 0) break;
  for (let round = 0; round < 3; round += 1) {
    await world.ok(['commit', 'box', `round:${round}`]);
    const [a = '', b = ''] = (
      await world.ok(['run', '--rm', ...quiet, `round:${round}`, 'sh', '-c', 'cat /a; cat /b'])
    ).split('\n');
    assert.ok(Number(a) - Number(b) <= 1 && Number(a) >= Number(b), `${a} ${b}`);
  }
  const before = await world.ok(['exec', 'box', 'cat', '/a']);
  for (;;) if ((await world.ok(['exec', 'box', 'cat', '/a'])) !== before) break;
  await world.ok(['commit', '--pause=false', 'box', 'moving']);
  await world.ok(['kill', 'box']);
});

systemTest('links swapped in by the container lead nowhere', ['busybox', 'python3'], async (world) => {
  const secret = join(world.scratch, 'secret');
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), 'canary-5f1c');
  const swap = `mkdir -p /d /e; echo harmless > /d/key; while :; do mv /d /x; ln -s ${secret} /d; rm /d; mv /x /d; rm -f /f; ln -s ${secret}/key /f; rm /f; echo x > /f; rm -f /g; mkfifo /g; rm -f /g; echo y > /g; done`;
  await world.ok(['run', '-d', '--name', 'box', ...quiet, world.image, 'sh', '-c', swap]);
  const out = join(world.scratch, 'out.tar');
  for (let round = 0; round < 15; round += 1) {
    await world.ok(['export', '-o', out, 'box']);
    assert.ok(!readFileSync(out).includes('canary-5f1c'));
    tar('-tf', out);
  }
  await world.ok(['commit', '--pause=false', 'box', 'raced']);
  await world.ok(['kill', 'box']);
  await world.ok(['rm', 'box']);
  await world.ok(['export', '-o', out, await world.ok(['create', ...quiet, 'raced', 'true'])]);
  assert.ok(!readFileSync(out).includes('canary-5f1c'));
});

systemTest('the image host: diff tells what a command has changed on the machine', ['busybox'], async (world) => {
  const own = join(world.scratch, 'of-the-machine');
  writeFileSync(own, 'before');
  await world.ok([
    'run',
    '--name',
    'copy',
    ...quiet,
    'host',
    'sh',
    '-c',
    `echo x > /new-file-of-onggi; echo y > ${own}`,
  ]);
  const lines = (await world.ok(['diff', 'copy'])).split('\n');
  assert.ok(lines.includes('A /new-file-of-onggi'), lines.join('\n'));
  assert.ok(lines.includes(`C ${own}`), lines.join('\n'));
  assert.ok(!lines.some((line) => line.includes(`${world.root}/`)), lines.join('\n'));
  assert.equal(readFileSync(own, 'utf8'), 'before');
  assert.equal(existsSync('/new-file-of-onggi'), false);
});

systemTest('a committed image keeps what is below it from going', ['busybox'], async (world) => {
  await ran(world, 'box', 'echo x > /new');
  await world.ok(['commit', 'box', 'own']);
  await world.ok(['rm', 'box']);
  await world.ok(['rmi', world.image]);
  assert.equal(await world.ok(['run', '--rm', ...quiet, 'own', 'cat', '/new']), 'x');
  const { Config }: { readonly Config: Record<string, unknown> } = await inspect(
    world,
    await world.ok(['create', ...quiet, 'own']),
  );
  assert.deepEqual(Config['Cmd'], ['sh', '-ec', 'echo x > /new']);
  assert.ok(describeTree(join(world.root, 'layers')).length > 3);
});
