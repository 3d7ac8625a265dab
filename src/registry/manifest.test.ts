import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Code } from '../errors.ts';
import { sha256 } from '../oci/digest.ts';
import { maxLayers, maxManifestSize, mediaTypes } from '../oci/image-spec.ts';
import { maxIndexEntries, parseManifest } from './manifest.ts';
import { failsWith } from './testing.ts';

const digest = sha256('x');
const config = { mediaType: mediaTypes.config, digest, size: 10 };
const layer = { mediaType: mediaTypes.layerGzip, digest, size: 20 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] };
const entry = { mediaType: mediaTypes.manifest, digest, size: 30 };
const amd64 = { ...entry, platform: { os: 'linux', architecture: 'amd64' } };
const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [amd64] };

function parse(document: unknown, mediaType: string) {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return parseManifest(Buffer.from(text), mediaType, 'image "x"');
}

test('a manifest gives its config and layers, and nothing else', () => {
  const annotated = {
    ...manifest,
    annotations: { a: 'b' },
    subject: entry,
    layers: [{ ...layer, urls: ['http://x'] }],
  };
  assert.deepEqual(parse(annotated, mediaTypes.manifest), { kind: 'manifest', config, layers: [layer] });
});

test("Docker's types mean the same", () => {
  const docker = {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: { ...config, mediaType: mediaTypes.dockerConfig },
    layers: [{ ...layer, mediaType: mediaTypes.dockerLayerGzip }],
  };
  assert.equal(parse(docker, mediaTypes.dockerManifest).kind, 'manifest');
  assert.equal(parse({ ...index, mediaType: mediaTypes.dockerList }, mediaTypes.dockerList).kind, 'index');
});

test('an index gives its entries with their platforms', () => {
  const arm = { ...entry, platform: { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '1' } };
  assert.deepEqual(parse({ ...index, manifests: [amd64, arm, entry] }, mediaTypes.index), {
    kind: 'index',
    manifests: [
      { ...entry, platform: { os: 'linux', architecture: 'amd64', variant: null } },
      { ...entry, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
      { ...entry, platform: null },
    ],
  });
});

test('the type may stand in the header alone', () => {
  const { mediaType: _, ...bare } = manifest;
  assert.equal(parse(bare, mediaTypes.manifest).kind, 'manifest');
});

const refused: readonly (readonly [what: string, document: unknown, mediaType: string, code: Code, says: RegExp])[] = [
  ['a manifest sent as an index', manifest, mediaTypes.index, 'corrupt', /"config"/],
  ['an index sent as a manifest', index, mediaTypes.manifest, 'corrupt', /"manifests"/],
  ['both kinds in one', { ...manifest, manifests: [] }, mediaTypes.manifest, 'corrupt', /"manifests"/],
  ['an index with layers', { ...index, layers: [] }, mediaTypes.index, 'corrupt', /"layers"/],
  ['a manifest with schema 1 fields', { ...manifest, fsLayers: [] }, mediaTypes.manifest, 'corrupt', /"fsLayers"/],
  [
    'another type inside',
    { ...manifest, mediaType: mediaTypes.dockerManifest },
    mediaTypes.manifest,
    'corrupt',
    /says/,
  ],
  ['schema 1', {}, 'application/vnd.docker.distribution.manifest.v1+prettyjws', 'unsupported', /v1/],
  ['another type', manifest, 'application/json', 'unsupported', /"application\/json"/],
  ['no type', manifest, '', 'unsupported', /type ""/],
  ['no JSON', '{', mediaTypes.manifest, 'corrupt', /not JSON/],
  ['a list', [], mediaTypes.manifest, 'corrupt', /schemaVersion|object/],
  ['null', null, mediaTypes.manifest, 'corrupt', /object/],
  ['a byte order mark', `\ufeff${JSON.stringify(manifest)}`, mediaTypes.manifest, 'corrupt', /not JSON/],
  ['another schema version', { ...manifest, schemaVersion: 1 }, mediaTypes.manifest, 'corrupt', /schemaVersion/],
  ['no config', { schemaVersion: 2, layers: [] }, mediaTypes.manifest, 'corrupt', /"config"/],
  [
    'a digest that climbs',
    withLayer({ digest: 'sha256:../../etc' }),
    mediaTypes.manifest,
    'corrupt',
    /layers\.0\.digest/,
  ],
  ['an upper case digest', withLayer({ digest: digest.toUpperCase() }), mediaTypes.manifest, 'corrupt', /digest/],
  ['a negative size', withLayer({ size: -1 }), mediaTypes.manifest, 'corrupt', /size/],
  ['a size in text', withLayer({ size: '20' }), mediaTypes.manifest, 'corrupt', /size/],
  ['a broken size', withLayer({ size: 0.5 }), mediaTypes.manifest, 'corrupt', /size/],
  ['a size beyond numbers', withLayer({ size: 2 ** 53 }), mediaTypes.manifest, 'corrupt', /size/],
  [
    'a large config',
    { ...manifest, config: { ...config, size: maxManifestSize + 1 } },
    mediaTypes.manifest,
    'corrupt',
    /config/,
  ],
  [
    'too many layers',
    { ...manifest, layers: Array(maxLayers + 1).fill(layer) },
    mediaTypes.manifest,
    'corrupt',
    /layers/,
  ],
  [
    'too many entries',
    { ...index, manifests: Array(maxIndexEntries + 1).fill(entry) },
    mediaTypes.index,
    'corrupt',
    /manifests/,
  ],
  [
    'an artifact',
    { ...manifest, config: { ...config, mediaType: 'application/vnd.oci.empty.v1+json' } },
    mediaTypes.manifest,
    'unsupported',
    /config of type/,
  ],
  [
    'a foreign layer',
    withLayer({ mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }),
    mediaTypes.manifest,
    'unsupported',
    /layer of type/,
  ],
  [
    'an encrypted layer',
    withLayer({ mediaType: `${mediaTypes.layerGzip}+encrypted` }),
    mediaTypes.manifest,
    'unsupported',
    /layer of type/,
  ],
  [
    'a platform in text',
    { ...index, manifests: [{ ...entry, platform: 'linux' }] },
    mediaTypes.index,
    'corrupt',
    /platform/,
  ],
];

function withLayer(change: object): object {
  return { ...manifest, layers: [{ ...layer, ...change }] };
}

for (const [what, document, mediaType, code, says] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(() => parse(document, mediaType), failsWith(code, says));
  });
}

test('refuses what is not UTF-8, too large or nested without end', () => {
  const bytes = Buffer.from(JSON.stringify({ ...manifest, note: 'x' }));
  bytes[bytes.indexOf('"note":"x"') + 8] = 0xff;
  assert.throws(() => parseManifest(bytes, mediaTypes.manifest, 'x'), failsWith('corrupt', /not JSON/));
  const large = Buffer.alloc(maxManifestSize + 1, ' ');
  assert.throws(() => parseManifest(large, mediaTypes.manifest, 'x'), failsWith('corrupt', /over/));
  const nested = `{"a":${'['.repeat(1_000_000)}`;
  assert.throws(() => parse(nested, mediaTypes.manifest), failsWith('corrupt', /not JSON/));
});

test('names out of Object.prototype are fields like all others', () => {
  const document = `{"__proto__":{"config":1},${JSON.stringify(manifest).slice(1)}`;
  assert.deepEqual(parse(document, mediaTypes.manifest), { kind: 'manifest', config, layers: [layer] });
});
