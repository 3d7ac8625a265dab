import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeSummary } from '../../engine/types.ts';
import { fakeVolume, runFake } from '../testing.ts';

const other: VolumeSummary = { ...fakeVolume, name: 'ef'.repeat(32), anonymous: true, labels: {}, used: true };

test('volume ls shows what matches', async () => {
  const engine = { volumes: { list: async () => [fakeVolume, other] } };
  const print = async (...flags: string[]) => (await runFake(['volume', 'ls', ...flags], { engine })).stdout;
  assert.equal(await print(), `DRIVER    VOLUME NAME\nlocal     data\nlocal     ${other.name}\n`);
  assert.equal(await print('-q', '-f', 'dangling=true'), 'data\n');
  assert.equal(await print('-q', '-f', 'dangling=false'), `${other.name}\n`);
  assert.equal(await print('-q', '-f', 'label=a=b', '-f', 'label=a'), 'data\n');
  assert.equal(await print('-q', '-f', 'label=a', '-f', 'label=c'), '');
  assert.equal(await print('-q', '-f', 'name=at', '-f', 'name=ef'), `data\n${other.name}\n`);
  assert.equal(await print('-q', '-f', 'name=^d.ta$'), 'data\n');
  assert.equal(await print('-q', '-f', 'name=^ata'), '');
  assert.equal(
    await print('--format', '{{.Name}} {{.Label "a"}}', '-f', 'driver=local', '-f', 'name=data'),
    'data b\n',
  );
  assert.equal((await runFake(['volume', 'ls', '-f', 'size=1'], { engine })).status, 1);
});

test('volume create says the name, by flag or argument', async () => {
  const asked: unknown[] = [];
  const create = async (options: unknown) => {
    asked.push(options);
    return fakeVolume;
  };
  const engine = { volumes: { create } };
  const { stdout } = await runFake(['volume', 'create', '--label', 'x', '-o', 'type=tmpfs', 'data'], { engine });
  assert.equal(stdout, 'data\n');
  await runFake(['volume', 'create', '--name', 'n'], { engine });
  assert.deepEqual(asked, [
    { name: 'data', labels: { x: '' }, options: { type: 'tmpfs' } },
    { name: 'n', labels: {}, options: {} },
  ]);
  assert.equal((await runFake(['volume', 'create', '--name', 'n', 'm'], { engine })).status, 1);
  assert.equal((await runFake(['volume', 'create', '-d', 'nfs'], { engine })).status, 1);
});

test('volume prune asks first, and keeps what has a name unless it is told', async () => {
  const volumes = {
    prune: async (matches: (volume: VolumeSummary) => boolean) =>
      [fakeVolume, other].filter(matches).map((volume) => ({ ...volume, reclaimed: 1500 })),
  };
  const run = (input: string, ...flags: string[]) =>
    runFake(['volume', 'prune', ...flags], { engine: { volumes }, input: [input] });
  assert.match((await run('no\n')).stdout, /^WARNING! This will remove anonymous .*\nAre you sure .*\[y\/N\] $/);
  assert.match(
    (await run('y\n')).stdout,
    new RegExp(`Deleted Volumes:\n${other.name}\n\nTotal reclaimed space: 1.5kB\n$`),
  );
  assert.equal(
    (await run('', '-f', '-a', '--filter', 'label=a')).stdout,
    'Deleted Volumes:\ndata\n\nTotal reclaimed space: 1.5kB\n',
  );
  assert.equal(
    (await run('', '-f', '-a', '--filter', 'label!=a')).stdout,
    `Deleted Volumes:\n${other.name}\n\nTotal reclaimed space: 1.5kB\n`,
  );
});
