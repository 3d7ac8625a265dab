/** User namespaces that root gives to containers: which ids, and whose the files are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rangesOf } from '../../src/engine/spec/id-ranges.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';

async function fails(world: World, args: readonly string[], message: RegExp): Promise<void> {
  const outcome = await world.onggi(args);
  assert.equal(outcome.status, 125, `${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  assert.match(outcome.stderr, message, args.join(' '));
}

const quiet = ['--network', 'none'];

systemTest(
  'ids by --uidmap: files of the image, of volumes, of copies and of a new image',
  ['busybox', 'user-namespace'],
  async (world) => {
    const { image, scratch } = world;
    const maps = ['--uidmap', '0:500000:3000', '--gidmap', '0:600000:3000'];
    const look = [
      'cat /proc/self/uid_map /proc/self/gid_map',
      'echo x >/dev/other; echo x >/i/bin/new; stat -c "%n %u:%g" /i/bin/new /i/bin/busybox /bin/busybox /etc/hosts /data',
      'echo x >/new; echo x >/data/file; chown 7:8 /data/file',
      'exec sleep 1000',
    ].join('; ');
    await world.ok(['secret', 'create', 'token', '-'], { input: 'said' });
    const also = ['--device', '/dev/null:/dev/other', '--mount', `type=image,src=${image},dst=/i,rw=true`];
    const more = [
      ...also,
      '-v',
      'shared:/data',
      '-v',
      `${scratch}/made/here:/made`,
      '--secret',
      'token,uid=7,mode=400',
      '--name',
      'mapped',
    ];
    await world.ok(['run', '-d', ...quiet, ...maps, ...more, image, 'sh', '-c', look]);
    const inside = (script: string): Promise<string> => world.ok(['exec', 'mapped', 'sh', '-c', script]);
    await inside('until [ -e /data/file ]; do :; done');
    const printed = (await world.ok(['logs', 'mapped'])).replace(/ +/g, ' ').split('\n');
    assert.deepEqual(printed.slice(0, 7), [
      ' 0 500000 3000',
      ' 0 600000 3000',
      '/i/bin/new 0:0',
      '/i/bin/busybox 0:0',
      '/bin/busybox 0:0',
      '/etc/hosts 0:0',
      '/data 0:0',
    ]);
    assert.equal(await inside('stat -c %u:%a /run/secrets/token'), '7:400');
    const pid = await world.ok(['inspect', '-f', '{{.State.Pid}}', 'mapped']);
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\t500000\t/m);
    // A volume keeps the ids of the inside, whoever has it.
    assert.equal(
      await world.ok(['run', '--rm', ...quiet, '-v', 'shared:/data', image, 'stat', '-c', '%u:%g', '/data/file']),
      '7:8',
    );
    // Copies are done among the container's ids, whether it runs or not.
    writeFileSync(join(scratch, 'file'), 'mine');
    await world.ok(['cp', join(scratch, 'file'), 'mapped:/copied']);
    await world.ok(['stop', '-t', '0', 'mapped']);
    await world.ok(['cp', join(scratch, 'file'), 'mapped:/stopped']);
    assert.equal(
      await world.ok(['diff', 'mapped']),
      'A /copied\nA /data\nA /i\nA /made\nA /new\nA /run\nA /run/secrets\nA /stopped',
    );
    await world.ok(['commit', 'mapped', 'made']);
    assert.equal(await world.ok(['run', '--rm', ...quiet, 'made', 'stat', '-c', '%u', '/new', '/stopped']), '0\n0');
    await world.ok(['start', 'mapped']);
    assert.equal(await inside('stat -c %u /copied /stopped'), '0\n0');
    const joins = ['--userns', 'container:mapped', '--network', 'container:mapped'];
    assert.match(await world.ok(['run', '--rm', ...joins, image, 'cat', '/proc/self/uid_map']), /^ +0 +500000 +3000$/);
    await world.ok(['rm', '-f', 'mapped']);
    await world.ok(['rmi', 'made']);
    await world.ok(['volume', 'rm', 'shared']);
    await world.ok(['secret', 'rm', 'token']);
    await fails(
      world,
      ['run', '--uidmap', '0:1:2', '--uidmap', '1:9:2', image, 'true'],
      /uidmap: two of its ranges overlap/,
    );
    await fails(world, ['run', '--uidmap', '5:1:2', image, 'true'], /it has no id 0/);
    await fails(world, ['run', '--userns', 'keep-id', image, 'true'], /only an ordinary user can have it/);
    await fails(
      world,
      ['run', '--subuidname', 'nobody-there', image, 'true'],
      /no ids for "nobody-there" in \/etc\/subuid/,
    );
  },
);

systemTest('ids of --userns auto are nobody else’s', ['busybox', 'user-namespace'], async (world) => {
  // The machine's own file stays as it is: what the command sees is a file of the test.
  const line = 'containers:1000000000:5000\n';
  assert.deepEqual(rangesOf(line, ['containers']), [{ first: 1_000_000_000, size: 5000 }]);
  writeFileSync(join(world.scratch, 'ids'), line);
  const covered = (...args: string[]) => {
    const cover = 'mount --bind "$0" /etc/subuid; mount --bind "$0" /etc/subgid; exec "$@"';
    const words = ['-m', 'sh', '-c', cover, join(world.scratch, 'ids'), binary, '--root', world.root, ...args];
    return spawnSync('unshare', words, { encoding: 'utf8' });
  };
  const firstId = (name: string, size: number): string => {
    const made = covered(
      'create',
      ...quiet,
      '--name',
      name,
      '--userns',
      `auto:size=${size}`,
      world.image,
      'cat',
      '/proc/self/uid_map',
    );
    assert.equal(made.status, 0, made.stderr);
    return covered('start', '-a', name).stdout.trim().split(/ +/)[1] ?? '';
  };
  assert.equal(firstId('one', 2000), '1000000000');
  assert.equal(firstId('two', 2000), '1000002000');
  assert.match(covered('run', ...quiet, '--userns', 'auto:size=2000', world.image, 'true').stderr, /1000 are left/);
  await world.ok(['rm', 'one']);
  assert.equal(firstId('three', 2000), '1000000000');
  // What is left is in one piece or several, around the lines that are asked for.
  const lines = 'auto:size=900,uidmapping=5:1000004990:10,uidmapping=20:7:1';
  const map = covered('run', '--rm', ...quiet, '--userns', lines, world.image, 'cat', '/proc/self/uid_map').stdout;
  assert.deepEqual(map.trim().split(/\s+/).map(Number), [
    ...[0, 1_000_004_000, 5, 5, 1_000_004_990, 10, 15, 1_000_004_005, 5],
    ...[20, 7, 1, 21, 1_000_004_010, 879],
  ]);
  assert.equal(
    covered('run', '--rm', ...quiet, '--userns', 'auto', world.image, 'cat', '/proc/self/uid_map').status,
    125,
  );
});
