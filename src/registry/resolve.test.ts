import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../oci/digest.ts';
import { mediaTypes } from '../oci/image-spec.ts';
import { parsePlatform } from '../oci/platform.ts';
import { parseReference } from '../oci/reference.ts';
import { chooseEntry } from './choose-entry.ts';
import { resolveImage } from './resolve.ts';
import { failsWith, serve, testRepository } from './testing.ts';

const entry = (platform: string | null) => ({
  mediaType: mediaTypes.manifest,
  digest: sha256(platform ?? 'none'),
  size: 1,
  platform: platform === null ? null : parsePlatform(platform),
});
const indexOf = (...platforms: (string | null)[]) => ({ kind: 'index' as const, manifests: platforms.map(entry) });

const choices: readonly (readonly [wanted: string, offered: (string | null)[], chosen: string | null])[] = [
  ['linux/amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
  ['linux/arm/v6', ['linux/arm/v7', 'linux/arm/v6', 'linux/arm/v5'], 'linux/arm/v6'],
  ['linux/amd64', [null, 'linux/amd64', 'unknown/unknown'], 'linux/amd64'],
  ['linux/amd64', [null], null],
];

for (const [wanted, offered, chosen] of choices) {
  test(`for ${wanted} of ${offered.join(', ')}: ${chosen}`, () => {
    assert.deepEqual(chooseEntry(indexOf(...offered), parsePlatform(wanted), 'image'), entry(chosen));
  });
}

test('without a match the error names what there is, attestations left out', () => {
  const index = indexOf('linux/arm64', 'windows/amd64', 'unknown/unknown', null);
  assert.throws(
    () => chooseEntry(index, parsePlatform('linux/amd64'), 'image "x"'),
    (error: Error) => {
      assert.equal(error.message, 'image "x": no image for platform "linux/amd64"');
      assert.equal(Reflect.get(error, 'hint'), 'It has "linux/arm64", "windows/amd64".');
      return failsWith('not-found')(error);
    },
  );
  assert.throws(() => chooseEntry(indexOf(), parsePlatform('amd64'), 'x'), failsWith('not-found'));
  // Two that say nothing leave nothing to choose by.
  assert.throws(() => chooseEntry(indexOf(null, null), parsePlatform('amd64'), 'x'), failsWith('not-found'));
});

/** A server of documents by their digests; "nested" is the depth of indexes above the manifest. */
async function nested(depth: number, change: (document: object) => object = (document) => document) {
  const documents = new Map<string, { readonly mediaType: string; readonly bytes: Buffer }>();
  const add = (name: string | null, mediaType: string, document: object) => {
    const bytes = Buffer.from(JSON.stringify(change({ schemaVersion: 2, mediaType, ...document })));
    documents.set(name ?? sha256(bytes), { mediaType, bytes });
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const config = { mediaType: mediaTypes.config, digest: sha256('config'), size: 1 };
  let top = add(depth === 0 ? 'latest' : null, mediaTypes.manifest, { config, layers: [] });
  for (let level = 1; level <= depth; level += 1) {
    top = add(level === depth ? 'latest' : null, mediaTypes.index, { manifests: [top] });
  }
  const server = await serve(({ path }, response) => {
    const found = documents.get(path.slice('/v2/app/manifests/'.length));
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': found?.mediaType ?? 'text/plain' });
    response.end(found?.bytes);
  });
  return { server, digest: top.digest };
}

const platform = parsePlatform('linux/amd64');

for (const depth of [0, 1, 2]) {
  test(`finds a manifest below ${depth} indexes`, async () => {
    const { server, digest } = await nested(depth);
    await using _ = server;
    const reference = parseReference(`${server.host}/app`);
    const resolved = await resolveImage(testRepository(server.host), reference, { platform });
    assert.equal(resolved.digest, digest);
    assert.equal(resolved.manifest.content.config.digest, sha256('config'));
    assert.equal(server.requests.length, depth + 1);
  });
}

test('refuses deeper nesting', async () => {
  const { server } = await nested(3);
  await using _ = server;
  const reference = parseReference(`${server.host}/app`);
  await assert.rejects(
    resolveImage(testRepository(server.host), reference, { platform }),
    failsWith('unsupported', /over 2 indexes/),
  );
});

test('a manifest that is here already is not asked for', async () => {
  const { server } = await nested(1);
  await using _ = server;
  const config = { mediaType: mediaTypes.config, digest: sha256('config'), size: 1 };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [] }));
  const known = (digest: string) => (digest === sha256(bytes) ? bytes : undefined);
  const reference = parseReference(`${server.host}/app`);
  const resolved = await resolveImage(testRepository(server.host), reference, { platform, known });
  assert.equal(resolved.manifest.digest, sha256(bytes));
  assert.equal(server.requests.length, 1);
});
