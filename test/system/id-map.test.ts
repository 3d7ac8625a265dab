/** Containers in user namespaces whose files keep the owners of the image: by mounts that map ids, or by a copy. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../../src/engine/index.ts';
import { busyboxTar } from '../harness/busybox-image.ts';
import { systemTest, type World } from '../harness/system-test.ts';

const first = 200_000;
const lines = [{ containerId: 0, hostId: first, size: 65_536 }];
const script = `set -e
cat /proc/self/uid_map; stat -c %u:%g /etc/passwd /
echo x > /new && chown 1000:50 /new && rm /etc/group && echo y >> /etc/hosts && chown 1000 /www/index.html`;

type Place = { readonly driver: string; readonly file: string; readonly owner: number };

/** What a container sees and makes in its user namespace, and what of it lies on the disk. */
async function life(world: World, root: string, { driver, file, owner }: Place): Promise<void> {
  const onggi = (...args: string[]): Promise<string> => world.ok(['--root', root, ...args]);
  await onggi('import', await busyboxTar(), 'base');
  let id = '';
  {
    await using engine = Engine.open({ root });
    const idMaps = { uids: lines, gids: lines };
    const made = await engine.containers.create({
      ...{ image: 'base', name: 'mapped', network: 'none', idMaps },
      command: ['sh', '-c', script],
    });
    id = made.id;
    assert.equal((await engine.info()).storageDriver, driver);
  }
  const seen = await onggi('start', '-a', 'mapped');
  assert.match(seen, /^ *0 +200000 +65536\n0:0\n0:0$/);
  const made = statSync(join(root, 'containers', id, file));
  assert.deepEqual([made.uid, made.gid], [owner + 1000, owner + 50]);
  assert.equal(await onggi('diff', 'mapped'), 'C /etc\nD /etc/group\nA /new\nC /www\nC /www/index.html');
  const tar = join(world.scratch, `${driver}.tar`);
  await onggi('export', '-o', tar, 'mapped');
  const listed = spawnSync('tar', ['-tvf', tar, '--numeric-owner'], { encoding: 'utf8' }).stdout;
  assert.match(listed, / 1000\/50 .* new\n/);
  assert.match(listed, / 0\/0 .* bin\/busybox\n/);
  await onggi('commit', 'mapped', 'changed');
  const command = ['stat', '-c', '%u:%g', '/new', '/www/index.html', '/bin'];
  assert.equal(await onggi('run', '--rm', '--network', 'none', 'changed', ...command), '1000:50\n1000:0\n0:0');
  await onggi('rm', 'mapped');
}

systemTest('ids are mapped by the mounts of the layers', ['busybox', 'user-namespace'], (world) =>
  life(world, world.root, { driver: 'overlay2', file: 'upper/new', owner: 0 }),
);

systemTest(
  'where mounts map no ids, nor overlays are made, files are copied with the ids of the machine',
  ['busybox', 'user-namespace'],
  async (world) => {
    const place = join(world.scratch, 'o');
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(place, name), { recursive: true });
    const options = 'lowerdir=lower,upperdir=upper,workdir=work';
    const mounted = spawnSync('mount', ['-t', 'overlay', '-o', options, 'overlay', 'merged'], { cwd: place });
    assert.equal(mounted.status, 0, mounted.stderr.toString());
    try {
      await life(world, join(place, 'merged/s'), { driver: 'vfs', file: 'tree/new', owner: first });
    } finally {
      spawnSync('umount', ['merged'], { cwd: place });
    }
  },
  { image: false },
);
