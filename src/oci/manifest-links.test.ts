import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaTypes } from './image-spec.ts';
import { manifestLinks } from './manifest-links.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const descriptor = (mediaType: string, extra: object = {}) => ({ mediaType, digest, size: 3, ...extra });
const manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: descriptor(mediaTypes.config),
  layers: [descriptor(mediaTypes.layerGzip)],
};
const links = (document: unknown, mediaType: string = mediaTypes.manifest) =>
  manifestLinks(Buffer.from(JSON.stringify(document)), mediaType);

test('an image names its config and layers', () => {
  assert.deepEqual(links({ ...manifest, annotations: { a: 'b' }, unknown: 1 }), {
    kind: 'manifest',
    blobs: [descriptor(mediaTypes.config), descriptor(mediaTypes.layerGzip)],
    manifests: [],
    subject: null,
    artifactType: mediaTypes.config,
    annotations: { a: 'b' },
  });
});

test('an artifact names its subject and its own type', () => {
  const found = links({ ...manifest, artifactType: 'text/x', subject: descriptor(mediaTypes.manifest) });
  assert.deepEqual([found.subject, found.artifactType], [digest, 'text/x']);
});

test('layers that lie elsewhere are not asked for', () => {
  const elsewhere = [
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  ].map((type) => descriptor(type, { urls: ['https://example.com/'] }));
  assert.equal(links({ ...manifest, layers: elsewhere }).blobs.length, 1);
});

test('an index names manifests', () => {
  const index = { schemaVersion: 2, manifests: [descriptor(mediaTypes.manifest)] };
  const found = links(index, mediaTypes.index);
  assert.deepEqual([found.kind, found.manifests.length, found.artifactType], ['index', 1, null]);
  assert.equal(links({ ...index, artifactType: 'text/x' }, mediaTypes.dockerList).artifactType, 'text/x');
});

const refused: readonly (readonly [name: string, document: unknown, mediaType?: string])[] = [
  ['a manifest that is an index as well', { ...manifest, manifests: [] }],
  ['an index that is a manifest as well', { schemaVersion: 2, manifests: [], layers: [] }, mediaTypes.index],
  ['another type than it says', manifest, mediaTypes.dockerManifest],
  ['schema 1', { ...manifest, schemaVersion: 1 }],
  ['no config', { schemaVersion: 2, layers: [] }],
  ['no layers', { schemaVersion: 2, config: descriptor('a') }],
  ['no manifests', { schemaVersion: 2 }, mediaTypes.index],
  ['a digest that is a path', { ...manifest, config: { ...manifest.config, digest: 'sha256:../../etc/passwd' } }],
  ['a size below zero', { ...manifest, config: { ...manifest.config, size: -1 } }],
  ['annotations that are no text', { ...manifest, annotations: { a: 1 } }],
  ['a list', []],
];
for (const [name, document, mediaType] of refused) {
  test(`refused: ${name}`, () => assert.throws(() => links(document, mediaType), { code: 'invalid' }));
}

test('refused: bytes that are not JSON, too many of them, another type', () => {
  assert.throws(() => manifestLinks(Buffer.from('{'), mediaTypes.manifest), { code: 'invalid' });
  assert.throws(() => manifestLinks(Buffer.from([0x22, 0xff, 0x22]), mediaTypes.manifest), { code: 'invalid' });
  assert.throws(() => manifestLinks(Buffer.alloc((4 << 20) + 1, 32), mediaTypes.manifest), { code: 'invalid' });
  assert.throws(() => links(manifest, 'application/vnd.docker.distribution.manifest.v1+prettyjws'), {
    code: 'unsupported',
  });
});
