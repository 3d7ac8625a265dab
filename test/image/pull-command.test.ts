/** `onggi pull` as users see it: the compiled program. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { collect } from '../../src/image/collect.ts';
import { tarOf } from '../../src/image/testing.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { serve } from '../../src/registry/testing.ts';
import { all as rows } from '../../src/store/database.ts';
import { listLayers } from '../../src/store/layer-row.ts';
import { openStore } from '../../src/store/store.ts';
import { eventually, pause, run } from '../harness/program.ts';
import { startRegistry } from '../harness/registry.ts';
import { binary, imageTest, type World } from '../harness/system-test.ts';
import { imageOf, indexOf, pushImage, servesImages, smallImage } from '../harness/test-image.ts';

/** Nobody's credentials. */
const env = { DOCKER_CONFIG: '/nonexistent', HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };

imageTest('says what was wrong', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  const missing = await world.onggi(['pull', `${registry.host}/nothing:1`], { env });
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /nothing:1".*answered 404 \(MANIFEST_UNKNOWN/);
  assert.equal((await world.onggi(['run', '--rm', `${registry.host}/nothing:1`, 'true'], { env })).status, 125);
  const image = smallImage(2);
  await using lying = await serve(
    servesImages([image], undefined, ({ path }, response) => {
      const isLayer = path.endsWith(image.layers[1]?.digest ?? '');
      if (isLayer) response.end(Buffer.alloc(image.layers[1]?.size ?? 0));
      return isLayer;
    }),
  );
  const corrupt = await world.onggi(['pull', `${lying.host}/app`], { env });
  assert.equal(corrupt.status, 1);
  assert.match(corrupt.stderr, /layer "sha256:/);
  assert.equal(await world.ok(['images', '-aq']), '');
});

imageTest(
  'killed at any moment, a pull leaves nothing that has a name, and the next one succeeds',
  [],
  async (world) => {
    const image = smallImage(8);
    await using server = await serve(
      servesImages([image], undefined, ({ path }, response) => {
        const blob = image.blobs.get(path.replace('/v2/app/blobs/', '') as Digest);
        if (blob !== undefined) setTimeout(() => response.end(blob), 10);
        return blob !== undefined;
      }),
    );
    const name = `${server.host}/app`;
    await world.ok(['images']);
    // At the first request, at the second, ... and at moments after the last one, when it is given its place.
    const all = 2 + image.layers.length;
    let killed = 0;
    for (let round = 0; round < 24; round += 1) {
      const asked = server.requests.length;
      const pulling = world.start(['pull', name], { env });
      const goal = asked + Math.min(round + 1, all);
      while (server.requests.length < goal && pulling.child.exitCode === null) await pause(1);
      await pause(Math.max(0, round - all) * 4);
      pulling.child.kill('SIGKILL');
      const { signal, stderr } = await pulling.outcome;
      assert.ok(signal === 'SIGKILL' || pulling.child.exitCode === 0, `round ${round}: ${stderr}`);
      if (signal === 'SIGKILL') killed += 1;
      assertWhole(world, image.config.digest, round);
      await world.onggi(['rmi', name]);
    }
    assert.ok(killed >= all - 1, `only ${killed} were killed before their end`);
    await world.ok(['pull', name], { env });
    using store = openStore(world.root);
    await collect(store);
    assert.equal(listLayers(store.database).length, 8);
  },
);

imageTest('all pulls of a user together send a registry eight requests at the same time', [], async (world) => {
  const image = smallImage(1);
  let most = 0;
  let answering = false;
  const held = new Set<() => void>();
  await using server = await serve(
    servesImages([image], undefined, ({ path }, response) => {
      const blob = image.blobs.get(path.replace('/v2/app/blobs/', '') as Digest);
      if (blob === undefined) return false;
      const answer = (): void => {
        held.delete(answer);
        response.end(blob);
      };
      held.add(answer);
      most = Math.max(most, held.size);
      if (answering) setImmediate(answer);
      return true;
    }),
  );
  const roots = Array.from({ length: 10 }, (_, index) => join(world.scratch, `root-${index}`));
  const pulls = roots.map((root) => run(binary, ['--root', root, 'pull', '-q', `${server.host}/app`], { env }));
  await eventually('eight requests are there', () => held.size === 8, 30_000);
  answering = true;
  for (const answer of held) answer();
  for (const { status, stderr } of await Promise.all(pulls)) assert.equal(status, 0, stderr);
  assert.equal(most, 8);
});

imageTest('a registry over TLS, whose certificate must be trusted', ['openssl'], async (world) => {
  const [key, cert] = [join(world.scratch, 'key.pem'), join(world.scratch, 'cert.pem')];
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-days',
    '2',
    ...subject,
  ];
  assert.equal((await run('openssl', args)).status, 0);
  await using server = await serve(servesImages([smallImage(1)]), '127.0.0.1', {
    key: readFileSync(key),
    cert: readFileSync(cert),
  });
  const name = `${server.host}/app`;
  const refused = await world.onggi(['pull', name], { env });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /its certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
  assert.equal(server.requests.length, 0);
  await world.ok(['pull', name], { env: { ...env, NODE_EXTRA_CA_CERTS: cert } });
});

/** Either all of the image is there or nothing of it. */
function assertWhole(world: World, id: Digest, round: number): void {
  using store = openStore(world.root);
  const counts = rows(
    store.database,
    `SELECT (SELECT count(*) FROM images WHERE id = ?) AS images, (SELECT count(*) FROM image_names) AS names,
            (SELECT count(*) FROM layers) AS layers, (SELECT count(*) FROM image_layers) AS image_layers`,
    id,
  );
  const [{ images } = { images: 0 }] = counts;
  const expected = images === 1 ? [1, 1, 8, 8] : [0, 0, 0, 0];
  assert.deepEqual(Object.values(counts[0] ?? {}), expected, `round ${round}`);
}

imageTest(
  'what a killed pull has fetched is not fetched again, nor what another process is fetching',
  [],
  async (world) => {
    const image = imageOf([
      tarOf({ name: 'a', content: randomBytes(3_000_000) }),
      tarOf({ name: 'b', content: randomBytes(3_000_000) }),
    ]);
    const [first = '', second = ''] = image.layers.map(({ digest }) => digest as string);
    let hold = true;
    const sent = new Map<string, number>();
    await using server = await serve(
      servesImages([image], undefined, ({ path, headers }, response) => {
        const digest = path.replace('/v2/app/blobs/', '') as Digest;
        const blob = image.blobs.get(digest);
        if (blob === undefined || !image.layers.some((layer) => layer.digest === digest)) return false;
        const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
        const half = hold && digest === second;
        const bytes = half ? blob.subarray(start, 2_000_000) : blob.subarray(start);
        sent.set(digest, (sent.get(digest) ?? 0) + bytes.length);
        const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${blob.length - 1}/${blob.length}` };
        response.writeHead(start === 0 ? 200 : 206, { 'content-length': blob.length - start, ...range });
        if (half) response.write(bytes);
        else response.end(bytes);
        return true;
      }),
    );
    const name = `${server.host}/app`;
    await world.ok(['images']);
    const pulling = world.start(['pull', name], { env });
    const kept = () => readdirSync(join(world.root, 'tmp')).filter((each) => /^partial-[^.]*$/.test(each));
    const sizes = () => kept().map((each) => statSync(join(world.root, 'tmp', each)).size);
    while (sizes().reduce((sum, size) => sum + size, 0) < (image.layers[0]?.size ?? 0) + 2_000_000) await pause(5);
    pulling.child.kill('SIGKILL');
    await pulling.outcome;
    // A command that tidies up leaves them alone.
    await world.onggi(['rmi', 'nothing']);
    assert.equal(kept().length, 2);
    hold = false;
    // Two at once: what one fetches the other waits for.
    const both = await Promise.all([world.onggi(['pull', name], { env }), world.onggi(['pull', name], { env })]);
    for (const { status, stderr } of both) assert.equal(status, 0, stderr);
    assert.equal(sent.get(first), image.layers[0]?.size);
    assert.equal(sent.get(second), image.layers[1]?.size);
    assert.deepEqual(kept(), []);
    using store = openStore(world.root);
    await collect(store);
  },
);

imageTest('all tags; all platforms, each by its digest', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  const images = { amd64: smallImage(1), arm64: smallImage(2, { architecture: 'arm64' }) };
  for (const image of Object.values(images)) await pushImage(registry, 'team/app', image);
  const index = indexOf(images);
  await registry.putManifest('team/app', 'v1', index.mediaType, index.document);
  await pushImage(registry, 'team/app', images.amd64, 'v2');
  const repository = `${registry.host}/team/app`;
  const printed = await world.ok(['pull', '-a', repository], { env });
  assert.match(printed, /^v1: Pulling from team\/app\n[\s\S]*\nv2: Pulling from team\/app\n/);
  assert.match(
    (await world.onggi(['pull', '-a', `${repository}:v1`], { env })).stderr,
    /can't be used with --all-tags/,
  );
  await world.ok(['pull', '-q', '--all-platforms', `${repository}:v1`], { env });
  const list = ['images', '--no-trunc', '--digests', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'];
  const [arm, amd] = [images.arm64.config.digest, images.amd64.config.digest];
  const expected = [`${repository}:<none> ${arm}`, `${repository}:v1 ${amd}`, `${repository}:v2 ${amd}`];
  assert.deepEqual((await world.ok(list, { env })).split('\n').sort(), expected);
  const platform = ['image', 'inspect', '-f', '{{.Architecture}}', `${repository}@${images.arm64.manifest.digest}`];
  assert.equal(await world.ok(platform, { env }), 'arm64');
});
