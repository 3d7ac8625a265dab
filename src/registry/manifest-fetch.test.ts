import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { parseDigest, sha256 } from '../oci/digest.ts';
import { maxManifestSize, mediaTypes } from '../oci/image-spec.ts';
import { fetchManifest } from './manifest-fetch.ts';
import { failsWith, serve, testRepository } from './testing.ts';

const config = { mediaType: mediaTypes.config, digest: sha256('config'), size: 1 };
const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [] }));
const what = 'image "x"';
const type = { 'content-type': mediaTypes.manifest };

async function served(answer: (response: ServerResponse) => void, ask: object) {
  await using server = await serve((_, response) => answer(response));
  const found = await fetchManifest(testRepository(server.host), { reference: 'latest', what, ...ask });
  return { found, requests: server.requests };
}

const plain = (response: ServerResponse) => response.writeHead(200, type).end(bytes);

test('asks for indexes and manifests of both families', async () => {
  const { found, requests } = await served(plain, {});
  assert.equal(found.digest, sha256(bytes));
  assert.equal(requests[0]?.path, '/v2/app/manifests/latest');
  const { index, dockerList, manifest, dockerManifest } = mediaTypes;
  assert.equal(requests[0]?.headers.accept, [index, dockerList, manifest, dockerManifest].join(', '));
});

test('sha512 names it as well', async () => {
  const digest = parseDigest(`sha512:${createHash('sha512').update(bytes).digest('hex')}`);
  const { found } = await served(plain, { reference: digest });
  assert.equal(found.digest, digest);
});

test('the type may come with parameters', async () => {
  const answer = (response: ServerResponse) =>
    response.writeHead(200, { 'content-type': `${mediaTypes.manifest}; charset=utf-8` }).end(bytes);
  const { found } = await served(answer, {});
  assert.equal(found.mediaType, mediaTypes.manifest);
});

const refusals: readonly (readonly [string, (response: ServerResponse) => void, ask: object, RegExp])[] = [
  ['bytes of another digest', plain, { reference: sha256('other') }, /the bytes that came have digest/],
  ['bytes of another size', plain, { size: 1 }, /of \d+ bytes, 1 were announced/],
  ['another type', plain, { mediaType: mediaTypes.dockerManifest }, /sent as/],
  [
    'bytes that are not what the registry itself says',
    (response) => response.writeHead(200, { ...type, 'docker-content-digest': sha256('other') }).end(bytes),
    {},
    /the bytes that came have digest/,
  ],
  [
    'too many bytes, without reading them all',
    (response) => {
      response.writeHead(200, type);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
      };
      response.on('drain', more);
      more();
    },
    {},
    new RegExp(`over ${maxManifestSize} bytes`),
  ],
];

for (const [name, answer, ask, says] of refusals) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(served(answer, ask), failsWith('corrupt', says));
  });
}

test('a body that is cut off is asked for again', async () => {
  let count = 0;
  const answer = (response: ServerResponse) => {
    count += 1;
    response.writeHead(200, { ...type, 'content-length': bytes.length });
    if (count === 2) response.end(bytes);
    else response.write(bytes.subarray(0, 5), () => response.destroy());
  };
  const { found, requests } = await served(answer, {});
  assert.equal(found.digest, sha256(bytes));
  assert.equal(requests.length, 2);
});
