/** save, load and image copy between all transports: what comes back has the digests and the content that went in. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { tarOf } from '../../src/image/testing.ts';
import { run } from '../harness/program.ts';
import { startRegistry } from '../harness/registry.ts';
import { binary, imageTest, type World } from '../harness/system-test.ts';
import { imageOf, indexOf, pushImage, smallImage, type TestImage } from '../harness/test-image.ts';
import { describeStored } from './stored-image.ts';

const env = { DOCKER_CONFIG: '/nonexistent' };

/** A layer of a directory, one that replaces and whites out, an empty one. */
const root = { name: './', type: '5', mtime: 1 };
const etc = { name: 'etc', type: '5', mode: 0o750, uid: 3, mtime: 2 };
const tars = [
  tarOf(root, etc, { name: 'etc/a', content: 'a' }, { name: 'etc/b', content: 'b' }),
  tarOf(root, etc, { name: 'etc/.wh.b' }, { name: 'etc/a', content: 'other' }, { name: 'l', type: '2', link: 'etc/a' }),
  tarOf(root, { name: 'big', content: 'x'.repeat(300_000) }),
];

async function pulled(world: World, host: string, image: TestImage): Promise<string> {
  const name = `${host}/team/app:v1`;
  await world.ok(['pull', '-q', name], { env });
  assert.equal(await world.ok(['images', '-q', '--no-trunc'], { env }), image.config.digest);
  return name;
}

const second = (world: World) => ({ root: join(world.scratch, 'second') });

imageTest(
  'saved and loaded: the same image, under the same names',
  ['docker-registry', 'xz', 'bzip2'],
  async (world) => {
    await using registry = await startRegistry();
    const image = imageOf(tars);
    await pushImage(registry, 'team/app', image, 'v1');
    const name = await pulled(world, registry.host, image);
    const archive = join(world.scratch, 'a.tar');
    await world.ok(['save', '-o', archive, name]);
    const { root } = second(world);
    assert.equal(await world.ok(['--root', root, 'load', '-i', archive]), `Loaded image: ${name}`);
    assert.deepEqual(describeStored(root, name), describeStored(world.root, name));
    // Through a pipe, compressed, and as a file on standard input, twice the same.
    const bytes = readFileSync(archive);
    writeFileSync(`${archive}.gz`, gzipSync(bytes));
    for (const source of [`${archive}.gz`, archive]) {
      const shell = await run('sh', ['-c', `cat ${source} | "$0" --root ${root} load -q`, binary]);
      assert.equal(shell.stdout, `Loaded image: ${name}\n`, shell.stderr);
    }
    for (const [program, suffix] of [
      ['xz', 'xz'],
      ['bzip2', 'bz2'],
    ] as const) {
      const packed = `${archive}.${suffix}`;
      const words = `${program} -k ${archive}; "$0" --root ${root} load -qi ${packed}; "$0" --root ${root} load -q < ${packed}`;
      const shell = await run('sh', ['-c', words, binary]);
      assert.equal(shell.stdout, `Loaded image: ${name}\n`.repeat(2), shell.stderr);
    }
    const piped = await run('sh', ['-c', `"$0" --root ${world.root} save ${name} | cat > ${archive}.2`, binary]);
    assert.equal(piped.status, 0, piped.stderr);
    assert.deepEqual(readFileSync(`${archive}.2`), bytes, 'the same archive each time');
  },
);

imageTest(
  'several images in one archive; a repository with all its tags; an image without a name',
  [],
  async (world) => {
    const tar = join(world.scratch, 'r.tar');
    for (const [name, content] of [
      ['one:1', 'one'],
      ['one:2', 'two'],
      ['other', 'three'],
    ] as const) {
      writeFileSync(tar, tarOf({ name: 'f', content }));
      await world.ok(['import', tar, name]);
    }
    writeFileSync(tar, tarOf({ name: 'f', content: 'four' }));
    const unnamed = await world.ok(['import', tar]);
    const archive = join(world.scratch, 'a.tar');
    await world.ok(['save', '-o', archive, 'one', 'other:latest', unnamed]);
    const { root } = second(world);
    const loaded = await world.ok(['--root', root, 'load', '-i', archive]);
    assert.deepEqual(loaded.split('\n'), [
      'Loaded image: one:1',
      'Loaded image: one:2',
      'Loaded image: other:latest',
      `Loaded image ID: ${unnamed}`,
    ]);
    assert.equal((await world.onggi(['save', '-o', archive, 'missing'])).status, 1);
    assert.deepEqual(readFileSync(archive).length > 0, true, 'a failed save leaves the file that was there');
  },
);

imageTest('through every transport and back, digests and content stay', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  const image = imageOf(tars);
  await pushImage(registry, 'team/app', image, 'v1');
  const at = (name: string) => join(world.scratch, name);
  const places = [
    `docker://${registry.host}/team/app:v1`,
    `oci:${at('layout')}:app`,
    `oci-archive:${at('o.tar')}:app`,
    `dir:${at('d')}`,
    `docker-archive:${at('d.tar')}:app:1`,
    'onggi:app:1',
    `oci:${at('layout')}:again`,
    `docker://${registry.host}/other/app:v2`,
    'onggi:back',
  ];
  for (const [index, from] of places.slice(0, -1).entries()) {
    const to = places[index + 1] ?? '';
    assert.equal(await world.ok(['image', 'copy', '-q', from, to], { env }), image.manifest.digest, `${from} ${to}`);
  }
  assert.deepEqual(describeStored(world.root, 'back'), describeStored(world.root, 'app:1'));
});

imageTest('an index with all its images, and one of them', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  const images = { arm64: smallImage(1, { architecture: 'arm64' }, 'arm'), amd64: smallImage(2) };
  for (const each of Object.values(images)) await pushImage(registry, 'team/app', each);
  const index = indexOf(images);
  await registry.putManifest('team/app', 'v1', index.mediaType, index.document);
  const from = `docker://${registry.host}/team/app:v1`;
  const layout = `oci:${join(world.scratch, 'l')}`;
  const copy = async (...args: string[]) => await world.ok(['image', 'copy', '-q', ...args], { env });
  assert.equal(await copy('--all', from, `${layout}:all`), index.digest);
  assert.equal(await copy('--platform', 'linux/arm64', from, `${layout}:arm`), images.arm64.manifest.digest);
  assert.equal(await copy('--all', `${layout}:all`, `docker://${registry.host}/all:1`), index.digest);
  assert.equal(await copy(`${layout}:all`, 'onggi:mine'), images.amd64.manifest.digest);
  const missing = await world.onggi(['image', 'copy', '--platform', 'linux/s390x', from, `${layout}:no`], { env });
  assert.match(missing.stderr, /no image for platform "linux\/s390x"/);
});

imageTest('recompressed: other digests, the same content; not when digests must stay', [], async (world) => {
  const tar = join(world.scratch, 'r.tar');
  const bytes = tarOf({ name: 'f', content: 'some '.repeat(10_000) });
  writeFileSync(tar, bytes);
  await world.ok(['import', tar, 'app']);
  const plain = await world.ok(['image', 'copy', '-q', 'onggi:app', `dir:${join(world.scratch, 'plain')}`]);
  for (const [format, decompress] of [
    ['zstd', zstdDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    const directory = join(world.scratch, format);
    await world.ok(['image', 'copy', '-q', '--dest-compress-format', format, 'onggi:app', `dir:${directory}`]);
    const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'));
    const [layer] = manifest.layers;
    assert.equal(layer.mediaType, `application/vnd.oci.image.layer.v1.tar+${format}`);
    assert.deepEqual(decompress(readFileSync(join(directory, layer.digest.slice(7)))), bytes);
    const back = ['image', 'copy', '-q', '--dest-decompress', `dir:${directory}`, `dir:${directory}-back`];
    assert.equal(await world.ok(back), plain, 'back in its first form it is the same');
  }
  const refused = await world.onggi([
    ...['image', 'copy', '--preserve-digests', '--dest-compress-format', 'zstd', 'onggi:app'],
    `dir:${join(world.scratch, 'kept')}`,
  ]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /would change/);
});

imageTest('an image that is imported for a platform, with what it says of itself', [], async (world) => {
  const tar = join(world.scratch, 'r.tar');
  writeFileSync(tar, tarOf({ name: 'f', content: 'x' }));
  await world.ok(['import', '--platform', 'linux/arm64/v8', '-m', 'by hand', tar, 'arm']);
  const format = '{{.Os}}/{{.Architecture}}/{{.Variant}} {{.Comment}}|{{.Author}}|{{.Config.StopSignal}}|';
  const shown = await world.onggi(['image', 'inspect', '-f', format.replace('{{.Config.StopSignal}}', ''), 'arm']);
  assert.equal(shown.stdout, 'linux/arm64/v8 by hand|||\n', shown.stderr);
  assert.equal((await world.onggi(['import', '--platform', 'a/b/c/d', tar])).status, 1);
  assert.match(
    await world.ok(['history', '-H=false', '--format', '{{.CreatedAt}}', 'arm']),
    /^\d{4}-\d\d-\d\dT[\d:]{8}Z$/,
  );
});

imageTest('load is held to the policy of this machine', [], async (world) => {
  const tar = join(world.scratch, 'r.tar');
  writeFileSync(tar, tarOf({ name: 'f', content: 'x' }));
  await world.ok(['import', tar, 'app']);
  const [both, docker] = [join(world.scratch, 'both.tar'), join(world.scratch, 'docker.tar')];
  await world.ok(['save', '-o', both, 'app']);
  // As an old Docker has written it: manifest.json alone.
  const shell = 'mkdir "$1" && tar -C "$1" -xf "$2" && rm "$1/index.json" "$1/oci-layout" && tar -C "$1" -cf "$3" .';
  const { status, stderr } = await run('sh', ['-c', shell, 'sh', join(world.scratch, 'x'), both, docker]);
  assert.equal(status, 0, stderr);
  const policy = join(world.scratch, 'policy.json');
  const accept = [{ type: 'insecureAcceptAnything' }];
  const load = (archive: string) =>
    world.onggi(['--root', second(world).root, 'load', '-i', archive], { env: { ONGGI_SIGNATURE_POLICY: policy } });
  const write = (transports: object) => writeFileSync(policy, JSON.stringify({ default: accept, transports }));
  write({ 'docker-archive': { '': [{ type: 'reject' }] }, 'oci-archive': { '': accept } });
  assert.match((await load(docker)).stderr, /image "docker-archive:.*": policy ".*" rejects it/);
  assert.equal(await world.ok(['--root', second(world).root, 'images', '-q']), '');
  assert.equal((await load(both)).status, 0);
  write({ 'oci-archive': { [world.scratch]: [{ type: 'sigstoreSigned', keyPath: '/k' }] } });
  assert.match((await load(both)).stderr, /a signature is required, and those of images in files are not read/);
  assert.equal((await load(docker)).status, 0);
});
