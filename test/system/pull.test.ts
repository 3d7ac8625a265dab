/** Pulling with the library: what arrives, what is not fetched twice, and what a registry or a disk can do to it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { makeContext } from '../../src/engine/context.ts';
import { pull } from '../../src/engine/pull.ts';
import type { Code } from '../../src/errors.ts';
import { findImage } from '../../src/image/find.ts';
import { removeImage } from '../../src/image/remove.ts';
import { tarOf } from '../../src/image/testing.ts';
import { type Digest, sha256 } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import { basicAuthorization } from '../../src/registry/credentials.ts';
import { failsWith, type Request, sendJson, serve } from '../../src/registry/testing.ts';
import { readBlob } from '../../src/store/blob.ts';
import { listImageNames } from '../../src/store/image-row.ts';
import { layersOfImage } from '../../src/store/layer-row.ts';
import { layerPath } from '../../src/store/layout.ts';
import { startRegistry } from '../harness/registry.ts';
import { assertEmpty, type PullWorld, pullTest, typesOf } from './pull-world.ts';
import { imageOf, indexOf, pushImage, servesImages, smallImage, type TestImage } from './test-image.ts';

function blobRequests(requests: readonly Request[]): string[] {
  return requests.filter(({ path }) => path.includes('/blobs/')).map(({ path }) => path.replace(/.*\//, ''));
}

/** The content of each layer's directory, lowest first. */
function unpackedFiles({ context }: PullWorld, name: string): string[][] {
  const { store } = context;
  const layers = layersOfImage(store.database, findImage(store, name).id);
  return layers.map(({ directory }) => readdirSync(layerPath(store.layout, directory)));
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

const second = 1;
const tar = (index: number) => tarOf({ name: `file-${index}`, content: String(index) });
const climbing = tarOf({ name: '../../escaped', content: 'x' }, { name: 'link', type: '2', link: '/etc' });
const large = tarOf({ name: 'large', content: randomBytes(2_000_000) });

/** Answers for the second layer of an image in place of the honest answer. */
function lyingAbout(image: TestImage, answer: (response: ServerResponse, blob: Buffer, request: Request) => void) {
  const digest = image.layers[second]?.digest;
  return servesImages([image], undefined, (request, response) => {
    const blob = digest === undefined ? undefined : image.blobs.get(digest);
    if (blob === undefined || request.path !== `/v2/app/blobs/${digest}`) return false;
    answer(response, blob, request);
    return true;
  });
}

const honest = imageOf([tar(0), large, tar(2)]);
const withoutSecond = (blobs: ReadonlyMap<Digest, Buffer>) =>
  new Map([...blobs].filter(([digest]) => digest !== honest.layers[second]?.digest));

const faults: readonly (readonly [what: string, Parameters<typeof serve>[0], Code, RegExp])[] = [
  [
    'a layer with other bytes',
    lyingAbout(honest, (response, blob) => response.end(gzipSync(randomBytes(blob.length)).subarray(0, blob.length))),
    'corrupt',
    /layer "sha256:/,
  ],
  [
    'a layer with one bit changed',
    lyingAbout(honest, (response, blob) => {
      const changed = Buffer.from(blob);
      changed[changed.length - 20] = (changed[changed.length - 20] ?? 0) ^ 1;
      response.end(changed);
    }),
    'corrupt',
    /gzip|digest/,
  ],
  [
    'a layer that is cut off',
    lyingAbout(honest, (response, blob) => response.end(blob.subarray(0, 1000))),
    'corrupt',
    /1000 are sent/,
  ],
  [
    'a layer that goes on',
    lyingAbout(honest, (response, blob) => {
      response.write(blob);
      response.end('more');
    }),
    'corrupt',
    /over the \d+ bytes/,
  ],
  [
    'a layer that is not there',
    servesImages([{ ...honest, blobs: withoutSecond(honest.blobs) }]),
    'not-found',
    /^layer "sha256:[a-f0-9]+": "127\.0\.0\.1:\d+" answered 404/,
  ],
  [
    'a config with other diff ids',
    servesImages([imageOf([tar(0), tar(1)], { diffIds: [sha256(tar(0)), sha256('other')] })]),
    'corrupt',
    /the config says diff id/,
  ],
  [
    'a config with fewer diff ids than layers',
    servesImages([imageOf([tar(0), tar(1)], { diffIds: [sha256(tar(0))] })]),
    'corrupt',
    /1 diff ids for 2 layers/,
  ],
  [
    'a config of other bytes',
    servesImages([honest], undefined, ({ path }, response) => {
      const isConfig = path.endsWith(honest.config.digest);
      if (isConfig) response.end(randomBytes(honest.config.size));
      return isConfig;
    }),
    'corrupt',
    /^config "sha256:.*the bytes that came have digest/,
  ],
  [
    'a layer whose entries climb out',
    servesImages([imageOf([tar(0), climbing])]),
    'corrupt',
    /entry "\.\.\/\.\.\/escaped"/,
  ],
  [
    'a layer that is no tar archive',
    servesImages([imageOf([tar(0), Buffer.from('no archive'.repeat(100))])]),
    'corrupt',
    /./,
  ],
  [
    'a manifest of another digest',
    servesImages([honest], [indexOf({ amd64: honest })], ({ path }, response) => {
      const isManifest = path.endsWith(honest.manifest.digest);
      const { mediaType } = honest.manifest;
      const other = smallImage(1).manifest.bytes;
      const padded = Buffer.concat([other, Buffer.alloc(honest.manifest.bytes.length - other.length, ' ')]);
      if (isManifest) response.writeHead(200, { 'content-type': mediaType }).end(padded);
      return isManifest;
    }),
    'corrupt',
    /the bytes that came have digest/,
  ],
];

for (const [what, answer, code, says] of faults) {
  pullTest(`${what}: nothing is registered`, [], async (world) => {
    await using server = await serve(answer);
    await assert.rejects(world.pull(`${server.host}/app`, { platform: 'linux/amd64' }), failsWith(code, says));
    assertEmpty(world);
  });
}

pullTest('a failed pull leaves what was there before', [], async (world) => {
  const good = smallImage(1);
  const bad = imageOf([tar(0), tar(1)], { diffIds: [sha256(tar(0)), sha256('other')] });
  let served = good;
  await using server = await serve((request, response) => servesImages([served])(request, response));
  const name = `${server.host}/app`;
  await world.pull(name);
  served = bad;
  await assert.rejects(world.pull(name), failsWith('corrupt'));
  assert.equal(findImage(world.context.store, name).id, good.config.digest);
  assert.deepEqual(unpackedFiles(world, name), [['file-0']]);
});

pullTest('cancelling and leaving early end the download and remove what was fetched', [], async (world) => {
  const closed: Promise<void>[] = [];
  const stalling = lyingAbout(honest, (response, blob) => {
    closed.push(new Promise((resolve) => response.on('close', resolve)));
    response.writeHead(200, { 'content-length': blob.length }).write(blob.subarray(0, 1_000_000));
  });
  await using server = await serve(stalling);
  const name = `${server.host}/app`;
  await assert.rejects(world.pull(name, { signal: AbortSignal.timeout(300) }), failsWith('cancelled'));
  assertEmpty(world);
  for await (const event of pull(world.context, name, { credentialsFile: '/nonexistent' })) {
    if (event.type === 'layer-progress' && event.current > 500_000) break;
  }
  assertEmpty(world);
  assert.equal(closed.length, 2);
  await Promise.all(closed);
});

pullTest('a full disk', [], async (world) => {
  mkdirSync(world.root, { mode: 0o700 });
  const options = ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'small', world.root];
  assert.equal(spawnSync('mount', options).status, 0);
  try {
    const image = imageOf([tar(0), tarOf({ name: 'large', content: randomBytes(6_000_000) }), tar(2)]);
    await using server = await serve(servesImages([image]));
    await assert.rejects(world.pull(`${server.host}/app`), failsWith('exhausted', /ENOSPC|no space/i));
    assertEmpty(world);
    // What fits does.
    await using other = await serve(servesImages([smallImage(2)]));
    await world.pull(`${other.host}/app`);
    assert.equal(unpackedFiles(world, `${other.host}/app`).length, 2);
  } finally {
    world.context.close();
    assert.equal(spawnSync('umount', [world.root]).status, 0);
  }
});

pullTest('an image for another platform: told, or refused where one was asked for', [], async (world) => {
  const image = smallImage(1, { architecture: 's390x' });
  await using server = await serve(servesImages([image]));
  const name = `${server.host}/app`;
  await assert.rejects(world.pull(name, { platform: 'linux/amd64' }), failsWith('not-found', /"linux\/s390x"/));
  assertEmpty(world);
  await world.pull(name);
  assert.match(world.warnings.join(), /is for platform "linux\/s390x", this machine is "linux\//);
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

const user = { username: 'user', password: 'canary-password' };
const basic = basicAuthorization(user.username, user.password);

pullTest(
  'credentials reach the registry alone, and nothing that is kept',
  ['htpasswd', 'docker-registry'],
  async (world) => {
    await using registry = await startRegistry({ user: user.username, password: user.password });
    await pushImage(registry, 'app', smallImage(2), 'v1');
    const name = `${registry.host}/app:v1`;
    await assert.rejects(world.pull(name), failsWith('unauthorized'));
    await assert.rejects(world.pull(name, { credentials: { ...user, password: 'canary-wrong' } }), (error) => {
      assert.doesNotMatch(inspect(error, { depth: 10 }), /canary/);
      return failsWith('unauthorized')(error);
    });
    assertEmpty(world);
    const credentialsFile = join(world.scratch, 'config.json');
    const auth = Buffer.from(`${user.username}:${user.password}`).toString('base64');
    writeFileSync(credentialsFile, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const events = await world.pull(name, { credentialsFile });
    assert.doesNotMatch(JSON.stringify(events), /canary/);
    const found = spawnSync('grep', ['-r', '-l', '-a', '-e', 'canary', '-e', auth, world.root]);
    assert.equal(found.status, 1, `credentials in ${found.stdout}`);
  },
);

pullTest('blobs on another host, tokens from a third, and a registry that is busy', [], async (world) => {
  const image = smallImage(3);
  const busy = new Set<string>();
  await using blobs = await serve(({ path }, response) => {
    response.end(image.blobs.get(path.slice(1).replace(/\?.*/, '') as Digest));
  }, '127.0.0.2');
  await using tokens = await serve(({ headers }, response) => {
    if (headers.authorization === basic) sendJson(response, 200, { token: 'canary-token' });
    else sendJson(response, 401, {});
  }, '127.0.0.3');
  await using registry = await serve(
    servesImages([image], undefined, ({ path, headers }, response) => {
      const digest = path.replace('/v2/app/blobs/', '');
      if (headers.authorization !== 'Bearer canary-token') {
        const challenge = `Bearer realm="http://${tokens.host}/token",service="test"`;
        sendJson(response, 401, {}, { 'www-authenticate': challenge });
      } else if (!busy.has(path)) {
        busy.add(path);
        response.writeHead(429, { 'retry-after': '0' }).end();
      } else if (digest !== path) {
        response.writeHead(307, { location: `http://${blobs.host}/${digest}?signature=x` }).end();
      } else return false;
      return true;
    }),
  );
  await world.pull(`${registry.host}/app`, { credentials: user });
  assert.equal(unpackedFiles(world, `${registry.host}/app`).length, 3);
  assert.equal(blobs.requests.length, 4);
  assert.ok(blobs.requests.every(({ headers }) => headers.authorization === undefined));
  assert.ok(registry.requests.every(({ headers }) => headers.authorization !== basic));
  assert.equal(tokens.requests.length, 1);
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
