/** Pulling with the library: what arrives, and what is not fetched twice. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { makeContext } from '../../src/engine/context.ts';
import { pull } from '../../src/engine/image/pull.ts';
import { findImage } from '../../src/image/find.ts';
import { removeImage } from '../../src/image/remove.ts';
import { tarOf } from '../../src/image/testing.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import { failsWith, type Request, serve } from '../../src/registry/testing.ts';
import { readBlob } from '../../src/store/blob.ts';
import { listImageNames } from '../../src/store/image-row.ts';
import { layersOfImage } from '../../src/store/layer-row.ts';
import { layerPath } from '../../src/store/layout.ts';
import { startRegistry } from '../harness/registry.ts';
import { imageOf, indexOf, pushImage, servesImages, smallImage } from '../harness/test-image.ts';
import { assertEmpty, pullTest, typesOf, unpackedFiles } from './pull-world.ts';

function blobRequests(requests: readonly Request[]): string[] {
  return requests.filter(({ path }) => path.includes('/blobs/')).map(({ path }) => path.replace(/.*\//, ''));
}

pullTest('an index by platform: layers, config and manifest as received, names', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  const images = { arm64: smallImage(1, { architecture: 'arm64' }, 'arm'), amd64: smallImage(3) };
  for (const image of Object.values(images)) await pushImage(registry, 'team/app', image);
  const index = indexOf(images);
  await registry.putManifest('team/app', 'v1', index.mediaType, index.document);
  const name = `${registry.host}/team/app:v1`;
  const { amd64, arm64 } = images;

  const events = await world.pull(name, { platform: 'linux/amd64' });
  assert.deepEqual(events[0], { type: 'resolved', reference: name, digest: index.digest });
  assert.deepEqual(events.at(-1), { type: 'done', id: amd64.config.digest, upToDate: false });
  assert.deepEqual(typesOf(events), ['resolved', 'layer-done', 'layer-done', 'layer-done', 'done']);
  for (const { digest, size } of amd64.layers) {
    const last = events.findLast((event) => event.type === 'layer-progress' && event.digest === digest);
    assert.deepEqual(last, { type: 'layer-progress', digest, current: size, total: size });
  }
  assert.deepEqual(unpackedFiles(world, name), [['file-0'], ['file-1'], ['file-2']]);
  const { layout, database } = world.context.store;
  const kept = new Map([...amd64.blobs, [amd64.manifest.digest, amd64.manifest.bytes] as const]);
  for (const [digest, bytes] of kept) assert.ok(readBlob(layout, digest, 1e6).equals(bytes));
  assert.deepEqual(listImageNames(database), [{ reference: name, imageId: amd64.config.digest, digest: index.digest }]);

  assert.deepEqual(await world.pull(name, { platform: 'amd64' }), [
    { type: 'resolved', reference: name, digest: index.digest },
    { type: 'done', id: amd64.config.digest, upToDate: true },
  ]);
  // The same name for another platform, then both by digest.
  assert.equal((await world.pull(name, { platform: 'linux/arm64' })).at(-1)?.type, 'done');
  assert.equal(findImage(world.context.store, name).id, arm64.config.digest);
  const pinned = `${registry.host}/team/app@${index.digest}`;
  assert.deepEqual(typesOf(await world.pull(pinned, { platform: 'linux/amd64' })).slice(1, 3), [
    'layer-exists',
    'layer-exists',
  ]);
  assert.equal(findImage(world.context.store, pinned).id, amd64.config.digest);
});

pullTest('layers plain, by gzip and by zstd, and one without files', [], async (world) => {
  const compress = (tar: Buffer, index: number) =>
    [
      { mediaType: mediaTypes.layer, bytes: tar },
      { mediaType: mediaTypes.dockerLayerGzip, bytes: gzipSync(tar) },
      { mediaType: mediaTypes.layerZstd, bytes: zstdCompressSync(tar) },
    ][index % 3] ?? { mediaType: '', bytes: tar };
  const tars = [0, 1, 2].map((index) => tarOf({ name: `f${index}`, content: randomBytes(500_000) }));
  const image = imageOf([...tars, tarOf()], { compress });
  await using server = await serve(servesImages([image]));
  await world.pull(`${server.host}/app`);
  assert.deepEqual(unpackedFiles(world, `${server.host}/app`), [['f0'], ['f1'], ['f2'], []]);
});

pullTest('what images share is fetched once, also after the name is gone', [], async (world) => {
  const base = tarOf({ name: 'base', content: 'base' });
  const first = imageOf([base, tarOf({ name: 'a', content: 'a' })]);
  const second = imageOf([base, tarOf({ name: 'b', content: 'b' })]);
  await using one = await serve(servesImages([first]));
  await using other = await serve(servesImages([second]));
  await world.pull(`${one.host}/app`);
  const events = await world.pull(`${other.host}/app`);
  assert.deepEqual(typesOf(events), ['resolved', 'layer-exists', 'layer-done', 'done']);
  assert.ok(!blobRequests(other.requests).includes(first.layers[0]?.digest ?? ''));
  await removeImage(world.context.store, `${one.host}/app`, {});
  assert.deepEqual(unpackedFiles(world, `${other.host}/app`), [['base'], ['b']]);
  await world.pull(`${one.host}/app`);
  assert.deepEqual(unpackedFiles(world, `${one.host}/app`), [['base'], ['a']]);
});

pullTest('pulls of one image at the same time fetch each layer once', [], async (world) => {
  const image = smallImage(6);
  const slowly = servesImages([image], undefined, ({ path }, response) => {
    const blob = image.blobs.get(path.replace('/v2/app/blobs/', '') as Digest);
    if (blob !== undefined) setTimeout(() => response.end(blob), 30);
    return blob !== undefined;
  });
  await using server = await serve(slowly);
  const name = `${server.host}/app`;
  // Contexts of their own: as another process, this one meets the other in the store only.
  using others = new DisposableStack();
  const contexts = [1, 2, 3].map(() => others.adopt(makeContext({ root: world.root }), (context) => context.close()));
  const runs = await Promise.all(
    contexts.map(async (context) => {
      const events = [];
      for await (const event of pull(context, name, { credentialsFile: '/nonexistent' })) events.push(event.type);
      return events;
    }),
  );
  const layers = blobRequests(server.requests).filter((digest) => digest !== image.config.digest);
  assert.deepEqual(layers.sort(), image.layers.map(({ digest }) => digest).sort());
  assert.deepEqual(
    runs.map((events) => events.at(-1)),
    ['done', 'done', 'done'],
  );
  assert.equal(unpackedFiles(world, name).length, 6);
});

pullTest('images of many layers, more than are fetched at once, some of them twice in it', [], async (world) => {
  const tars = Array.from({ length: 40 }, (_, index) => tarOf({ name: `f${index % 30}`, content: 'x' }));
  const image = imageOf(tars);
  let [now, most] = [0, 0];
  await using server = await serve(
    servesImages([image], undefined, (_, response) => {
      now += 1;
      most = Math.max(most, now);
      response.on('close', () => {
        now -= 1;
      });
      return false;
    }),
  );
  await world.pull(`${server.host}/app`);
  assert.equal(unpackedFiles(world, `${server.host}/app`).length, 40);
  assert.ok(most <= 4, `${most} requests at once`);
});

pullTest('an image for another platform: told, or refused where one was asked for', [], async (world) => {
  const image = smallImage(1, { architecture: 's390x' });
  await using server = await serve(servesImages([image]));
  const name = `${server.host}/app`;
  await assert.rejects(world.pull(name, { platform: 'linux/amd64' }), failsWith('not-found', /"linux\/s390x"/));
  assertEmpty(world);
  await world.pull(name);
  assert.match(world.warnings.join(), /is for platform "linux\/s390x", this machine is "linux\//);
  // Also when it is here already.
  await assert.rejects(world.pull(name, { platform: 'linux/amd64' }), failsWith('not-found', /"linux\/s390x"/));
});

pullTest('a manifest and config that were changed on disk are fetched again', [], async (world) => {
  const image = smallImage(1);
  const index = indexOf({ amd64: image });
  await using server = await serve(servesImages([image], [index]));
  await world.pull(`${server.host}/app`, { platform: 'linux/amd64' });
  for (const digest of [image.manifest.digest, image.config.digest]) {
    writeFileSync(join(world.root, 'blobs/sha256', digest.slice(7)), 'changed');
  }
  // Under another name, for this one is known to be up to date.
  await world.pull(`${server.host}/app@${index.digest}`, { platform: 'linux/amd64' });
  const { layout } = world.context.store;
  assert.ok(readBlob(layout, image.config.digest, 1e6).equals(image.blobs.get(image.config.digest) ?? Buffer.of()));
});

pullTest('layers are stored with the permissions of the store', [], async (world) => {
  await using server = await serve(servesImages([smallImage(1)]));
  await world.pull(`${server.host}/app`);
  assert.equal(statSync(world.root).mode & 0o777, 0o700);
  for (const hex of readdirSync(join(world.root, 'blobs/sha256'))) {
    assert.equal(statSync(join(world.root, 'blobs/sha256', hex)).mode & 0o777, 0o600);
  }
  const [layer] = layersOfImage(world.context.store.database, findImage(world.context.store, `${server.host}/app`).id);
  assert.ok(layer);
  assert.equal(readFileSync(join(layerPath(world.context.store.layout, layer.directory), 'file-0'), 'utf8'), '0');
});
