/** The commands on images, over a store with several of them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';

const quiet = ['--network', 'none'];

async function names(world: World, ...flags: string[]): Promise<string[]> {
  const text = await world.ok(['images', '--format', '{{.Repository}}:{{.Tag}}', ...flags]);
  return text === '' ? [] : text.split('\n').sort();
}

/** "base" with a file and labels on top of it. */
async function derived(world: World, name: string | null, ...labels: string[]): Promise<string> {
  const id = await world.ok(['create', ...quiet, world.image, 'true']);
  const changes = labels.flatMap((label) => ['-c', `LABEL ${label}`]);
  const image = await world.ok(['commit', '-m', `for ${name}`, ...changes, id, ...(name === null ? [] : [name])]);
  await world.ok(['rm', id]);
  return image;
}

systemTest('an archive that nobody reads to its end ends as by SIGPIPE, without a word', ['busybox'], async (world) => {
  await world.ok(['create', ...quiet, '--name', 'c1', world.image, 'true']);
  for (const args of ['save busybox', 'export c1', 'cp c1:/bin -']) {
    const line = `"$0" --root "$1" ${args} | true; exit "\${PIPESTATUS[0]}"`;
    const { status, stderr } = await run('bash', ['-c', line, binary, world.root]);
    assert.deepEqual([status, stderr], [141, ''], args);
  }
  await world.ok(['rm', 'c1']);
});

systemTest('names: given, moved, taken away one by one', ['busybox'], async (world) => {
  await world.ok(['tag', 'busybox', 'localhost:5000/team/box:1']);
  await world.ok(['image', 'tag', 'localhost:5000/team/box:1', 'box']);
  assert.deepEqual(await names(world), ['box:latest', 'busybox:latest', 'localhost:5000/team/box:1']);
  const own = await derived(world, null);
  await world.ok(['tag', own.slice(7, 19), 'box']);
  assert.equal(await world.ok(['images', '-q', '--no-trunc', 'box']), own);
  const { status, stderr } = await world.onggi(['tag', 'missing', 'x']);
  assert.deepEqual([status, stderr.split('\n')[0]], [1, 'onggi: No such image: missing:latest']);
  assert.equal((await world.onggi(['tag', 'box', `x@sha256:${'0'.repeat(64)}`])).status, 1);
  assert.equal(await world.ok(['rmi', 'busybox']), 'Untagged: busybox:latest');
  assert.match(await world.ok(['rmi', 'box']), /^Untagged: box:latest\nDeleted: sha256:/);
  assert.equal((await world.onggi(['rmi', '--platform', 'linux/s390x', 'localhost:5000/team/box:1'])).status, 1);
  await world.ok([
    'rmi',
    '--no-prune',
    '--platform',
    `linux/${process.arch === 'x64' ? 'amd64' : 'arm64'}`,
    'localhost:5000/team/box:1',
  ]);
  assert.deepEqual(readdirSync(join(world.root, 'layers')), []);
  assert.deepEqual(readdirSync(join(world.root, 'blobs/sha256')), []);
});

systemTest('history tells the steps, newest first', ['busybox'], async (world) => {
  const id = await derived(world, 'own');
  const lines = (
    await world.ok(['history', '--no-trunc', '--format', '{{.ID}}|{{.CreatedBy}}|{{.Comment}}', 'own'])
  ).split('\n');
  assert.deepEqual(lines, [`${id}|true|for own`, '<missing>||Imported from a tar archive']);
  assert.match(await world.ok(['history', '-H=false', '--format', '{{.Size}}', 'own']), /^0\n\d{6,}$/);
  assert.match(await world.ok(['images', '--tree', 'own']), /\nown:latest +[0-9a-f]{12} +\S+ +\S+ *\n└─ linux\//);
});

systemTest('image prune removes what it says', ['busybox'], async (world) => {
  const dangling = await derived(world, null);
  await derived(world, 'kept', 'keep=1');
  await derived(world, 'used');
  await world.ok(['create', '--name', 'user', ...quiet, 'used', 'true']);
  const refused = await world.onggi(['image', 'prune']);
  assert.deepEqual([refused.status, refused.stdout.includes('[y/N]')], [0, true]);
  assert.equal(await world.ok(['image', 'prune', '-f', '--filter', 'until=1h']), 'Total reclaimed space: 0B');
  const first = await world.ok(['image', 'prune', '-f']);
  assert.match(first, new RegExp(`^Deleted Images:\ndeleted: ${dangling}\n`));
  assert.match(first, /\nTotal reclaimed space: [\d.]+k?B$/);
  await world.ok(['image', 'prune', '-af', '--filter', 'label!=keep']);
  assert.deepEqual(await names(world), ['kept:latest', 'used:latest']);
  await world.ok(['image', 'prune', '-a', '--force']);
  assert.deepEqual(await names(world), ['used:latest']);
  assert.equal(existsSync(join(world.root, 'layers')), true);
});

systemTest('images: filters', ['busybox'], async (world) => {
  const dangling = await derived(world, null);
  await derived(world, 'kept', 'keep=1');
  assert.deepEqual(await names(world, '--filter', 'label=keep'), ['kept:latest']);
  assert.deepEqual(await names(world, '--filter', 'dangling=true'), ['<none>:<none>']);
  assert.deepEqual(await names(world, '-f', 'until=1h'), []);
  assert.equal((await names(world, '-f', 'until=1ms')).length, 3);
  assert.deepEqual(await names(world, '-f', `since=${dangling.slice(7, 19)}`), ['kept:latest']);
  assert.deepEqual(await names(world, '-f', `before=${dangling.slice(7, 19)}`), ['busybox:latest']);
  assert.deepEqual(await names(world, 'k*'), ['kept:latest']);
});

systemTest('system df counts, system prune takes away', ['busybox'], async (world) => {
  const df = async (): Promise<Record<string, string>> => {
    const lines = (
      await world.ok(['system', 'df', '--format', '{{.Type}}|{{.TotalCount}} {{.Active}} {{.Reclaimable}}'])
    ).split('\n');
    return Object.fromEntries(lines.map((line) => line.split('|')));
  };
  await world.ok([
    'run',
    '--name',
    'old',
    ...quiet,
    world.image,
    'dd',
    'if=/dev/urandom',
    'of=/big',
    'bs=1k',
    'count=300',
  ]);
  await world.ok(['run', '-d', '--name', 'alive', ...quiet, '-v', '/anonymous', world.image, 'sleep', '1000']);
  await derived(world, null);
  const before = await df();
  assert.match(before['Images'] ?? '', /^2 1 /);
  assert.match(before['Containers'] ?? '', /^2 1 3\d\d(?:\.\d)?kB/);
  assert.match(before['Local Volumes'] ?? '', /^1 1 0B/);
  assert.match(await world.ok(['system', 'df', '-v']), /\nbusybox .*\n(?:.*\n)*.* old\n/);
  const pruned = await world.ok(['system', 'prune', '-f', '--volumes']);
  assert.match(pruned, /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Images:\ndeleted: sha256:/);
  assert.deepEqual(await world.ok(['ps', '-a', '--format', '{{.Names}}']), 'alive');
  await world.ok(['rm', '-f', 'alive']);
  await world.ok(['system', 'prune', '-af', '--volumes']);
  const after = await df();
  assert.deepEqual(after, {
    Images: '0 0 0B',
    Containers: '0 0 0B',
    'Local Volumes': '0 0 0B',
    'Build Cache': '0 0 0B',
  });
});
