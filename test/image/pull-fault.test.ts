/** Pulling with the library: what a registry, a network or a disk can do to it. Nothing half-made is left. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { pull } from '../../src/engine/image/pull.ts';
import type { Code } from '../../src/errors.ts';
import { findImage } from '../../src/image/find.ts';
import { tarOf } from '../../src/image/testing.ts';
import { type Digest, sha256 } from '../../src/oci/digest.ts';
import { failsWith, type Request, serve } from '../../src/registry/testing.ts';
import { removeAbandoned } from '../../src/store/temporary.ts';
import { imageOf, indexOf, servesImages, smallImage, type TestImage } from '../harness/test-image.ts';
import { assertEmpty, pullTest, unpackedFiles } from './pull-world.ts';

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
  const stop = new AbortController();
  const cancelled = async (): Promise<void> => {
    for await (const event of pull(world.context, name, { credentialsFile: '/nonexistent', signal: stop.signal })) {
      if (event.type === 'layer-progress' && event.current > 500_000) stop.abort();
    }
  };
  await assert.rejects(cancelled(), failsWith('cancelled'));
  assertEmpty(world);
  // What had come is kept for the next pull, which shall begin from nothing here.
  assert.equal(removeAbandoned(world.context.store.layout, { partials: true }).length, 1);
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
