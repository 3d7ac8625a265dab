/** Layers on top of each other, as overlayfs shows them, compared with what umoci makes of the same layers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type NewLayer, publishImage, stageLayer } from '../../src/image/layer.ts';
import { createSnapshot, lowerDirectories, removeSnapshot } from '../../src/image/snapshot.ts';
import { type TestEntry, tarOf } from '../../src/image/testing.ts';
import { chainIds, type DiffId, type Digest, sha256 } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import { createBlobWriter } from '../../src/store/blob.ts';
import { listLayers } from '../../src/store/layer-row.ts';
import { containerPath } from '../../src/store/layout.ts';
import { lockContent } from '../../src/store/lock.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { findLeaks, ownSnapshot } from '../harness/leaks.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { storeLeaks } from '../harness/store-leaks.ts';
import { describeTree } from './unpack-tree.ts';

type Layers = readonly (readonly TestEntry[])[];

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Brings the layers in as a pull does, alternately plain, by gzip and by zstd; the topmost one is staged first. */
async function addImage(store: Store, archives: readonly Buffer[], config: Buffer): Promise<Digest> {
  const diffIds = archives.map((archive) => sha256(archive) as DiffId);
  const chain = chainIds(diffIds);
  using undo = new DisposableStack();
  const layers: NewLayer[] = [];
  for (const [index, archive] of [...archives.entries()].reverse()) {
    const bytes = [archive, gzipSync(archive), zstdCompressSync(archive)][index % 3] ?? archive;
    const diffId = diffIds[index];
    const chainId = chain[index];
    assert.ok(diffId && chainId);
    const expected = { what: `layer ${index}`, blob: { digest: sha256(bytes), size: bytes.length }, diffId };
    const staged = undo.use(await stageLayer(store, once(bytes), { ...expected, lowest: index === 0 }));
    layers.unshift({ chainId, parent: chain[index - 1] ?? null, staged });
  }
  const writer = undo.use(createBlobWriter(store.layout, {}));
  writer.write(config);
  const blob = writer.finish();
  const image = { id: blob.digest, manifest: blob.digest, created: 1, chain, layers, blobs: [blob] };
  await publishImage(store, { ...image, name: { reference: 'docker.io/library/x:latest', digest: null } });
  return blob.digest;
}

function sh(command: string, cwd: string): void {
  const result = spawnSync('sh', ['-ec', command], { encoding: 'utf8', cwd });
  assert.equal(result.status, 0, `${command}: ${result.stderr}`);
}

function configOf(archives: readonly Buffer[]): Buffer {
  const diffIds = archives.map((archive) => sha256(archive));
  const rootfs = { type: 'layers', diff_ids: diffIds };
  return Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs }));
}

/** The same layers as an OCI layout, unpacked by umoci. */
function unpackByUmoci(directory: string, archives: readonly Buffer[], config: Buffer): string {
  const layout = join(directory, 'oci');
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const put = (bytes: Buffer, mediaType: string) => {
    writeFileSync(join(layout, 'blobs/sha256', sha256(bytes).slice(7)), bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: put(config, mediaTypes.config),
    layers: archives.map((archive) => put(archive, mediaTypes.layer)),
  };
  const entry = put(Buffer.from(JSON.stringify(manifest)), mediaTypes.manifest);
  const annotations = { 'org.opencontainers.image.ref.name': 'x' };
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
  );
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  sh('umoci unpack --image oci:x bundle', directory);
  return join(directory, 'bundle/rootfs');
}

/** What the container would see, by the directories that it would mount. */
async function describeOverlay(store: Store, image: Digest, target: string): Promise<string[]> {
  const directory = containerPath(store.layout, 'f'.repeat(64));
  const [upper, work, tree, whole] = ['upper', 'work', 'tree', 'whole'].map((name) => join(directory, name));
  const files = { upper: `${upper}`, work: `${work}`, tree: `${tree}`, whole: `${whole}` };
  {
    using guard = await lockContent(store.layout, 'shared');
    mkdirSync(directory);
    await createSnapshot(store, files, { driver: 'overlay2', image }, guard);
  }
  mkdirSync(target);
  const lower = lowerDirectories(store, image).join(':');
  sh(
    `mount -t overlay -o lowerdir=${lower},upperdir=${files.upper},workdir=${files.work} overlay ${target}`,
    store.layout.layers,
  );
  try {
    return describeTree(target);
  } finally {
    sh(`umount ${target}`, '/');
    assert.equal(removeSnapshot(store, 'f'.repeat(64)), true);
    assert.equal(removeSnapshot(store, 'f'.repeat(64)), false);
  }
}

const root: TestEntry = { name: './', type: '5', mtime: 1 };
const base: readonly TestEntry[] = [
  root,
  { name: 'bin', type: '2', link: 'usr/bin', mtime: 2 },
  { name: 'etc', type: '5', mode: 0o750, uid: 3, gid: 4, mtime: 2 },
  { name: 'etc/a', content: 'a' },
  { name: 'etc/b', content: 'b' },
  { name: 'usr', type: '5', mtime: 3 },
  { name: 'usr/bin', type: '5', mode: 0o711, mtime: 3 },
  { name: 'usr/bin/sh', content: 'sh', mode: 0o755 },
  { name: 'usr/bin/su', content: 'su', mode: 0o4755 },
];

const cases: Record<string, Layers> = {
  'a file added, one changed, one hidden': [
    base,
    [root, { name: 'etc', type: '5', mtime: 4 }, { name: 'etc/a', content: 'new' }, { name: 'etc/.wh.b', content: '' }],
  ],
  'a directory hidden and made again': [
    base,
    [root, { name: '.wh.etc', content: '' }],
    [root, { name: 'etc', type: '5', mtime: 5 }, { name: 'etc/c', content: 'c' }],
  ],
  'an opaque directory': [
    base,
    [
      root,
      { name: 'etc', type: '5', mtime: 4 },
      { name: 'etc/.wh..wh..opq', content: '' },
      { name: 'etc/c', content: 'c' },
    ],
  ],
  'an opaque directory whose mark comes last': [
    base,
    [
      root,
      { name: 'etc', type: '5', mtime: 4 },
      { name: 'etc/c', content: 'c' },
      { name: 'etc/.wh..wh..opq', content: '' },
    ],
  ],
  'a file where a directory was, and the reverse': [
    base,
    [
      root,
      { name: 'etc', content: 'now a file' },
      { name: 'usr', type: '5', mtime: 5 },
      { name: 'usr/bin', type: '5', mtime: 5 },
      { name: 'usr/bin/sh', type: '5', mtime: 5 },
    ],
  ],
  'many layers': [
    base,
    ...Array.from({ length: 20 }, (_, index): TestEntry[] => [
      root,
      { name: 'etc', type: '5', mtime: 4 },
      { name: `etc/${index}`, content: `${index}` },
      ...(index > 3 ? [{ name: `etc/.wh.${index - 3}`, content: '' }] : []),
    ]),
  ],
};

for (const [what, layers] of Object.entries(cases)) {
  test(`overlayfs shows what umoci unpacks: ${what}`, requires('root', 'overlay', 'umoci', 'python3'), async () => {
    const before = ownSnapshot();
    {
      await using scratch = makeScratch();
      using store = openStore(join(scratch.path, 's'));
      const archives = layers.map((entries) => tarOf(...entries));
      const config = configOf(archives);
      const image = await addImage(store, archives, config);
      const shown = await describeOverlay(store, image, join(scratch.path, 'merged'));
      assert.deepEqual(shown, describeTree(unpackByUmoci(scratch.path, archives, config)));
      assert.deepEqual(storeLeaks(store.layout.root), []);
      assert.equal(listLayers(store.database).length, layers.length);
    }
    assert.deepEqual(await findLeaks(before, undefined, ownSnapshot), []);
  });
}

/** Layers, then what must be seen: name, mode and owner. Here umoci and Docker differ, or lose what the layer below said. */
const seen: Record<string, readonly [Layers, readonly string[]]> = {
  'directories that a layer does not describe keep what they were': [
    [
      base,
      [
        { name: 'etc/new', content: '' },
        { name: 'usr/bin/x/y', content: '' },
      ],
    ],
    ['"." 40755 0:0', '"etc" 40750 3:4', '"usr/bin" 40711 0:0', '"usr/bin/x" 40755 0:0'],
  ],
  'also through a layer in between that says nothing': [
    [base, [{ name: 'etc/new', content: '' }], [{ name: 'etc/newer', content: '' }]],
    ['"etc" 40750 3:4'],
  ],
  'a directory that was hidden in between is a new one': [
    [base, [root, { name: '.wh.etc', content: '' }], [{ name: 'etc/new', content: '' }]],
    ['"etc" 40755 0:0'],
  ],
  'an opaque root hides all, but not what its own layer brings': [
    [base, [root, { name: 'etc/mine', content: '' }, { name: '.wh..wh..opq', content: '' }]],
    ['"etc/mine" 100644 0:0'],
  ],
};

for (const [what, [layers, expected]] of Object.entries(seen)) {
  test(what, requires('root', 'overlay', 'python3'), async () => {
    await using scratch = makeScratch();
    using store = openStore(join(scratch.path, 's'));
    const archives = layers.map((entries) => tarOf(...entries));
    const image = await addImage(store, archives, configOf(archives));
    const shown = await describeOverlay(store, image, join(scratch.path, 'merged'));
    for (const line of expected) {
      assert.ok(
        shown.some((found) => found.startsWith(`${line} `)),
        `${line} in\n${shown.join('\n')}`,
      );
    }
    if (what.startsWith('an opaque root')) assert.equal(shown.length, 3, shown.join('\n'));
  });
}

test('whiteouts of the lowest layer are dropped, those of aufs always', requires('root', 'python3'), async () => {
  await using scratch = makeScratch();
  using store = openStore(join(scratch.path, 's'));
  const archive = tarOf(root, { name: '.wh.x', content: 'dropped' }, { name: '.wh..wh.plnk/1', content: 'dropped' });
  const image = await addImage(store, [archive], configOf([archive]));
  const [name] = lowerDirectories(store, image);
  assert.equal(describeTree(join(store.layout.layers, name ?? '')).length, 1);
});

test('digests are checked: blob, diff id, size', requires('root'), async () => {
  await using scratch = makeScratch();
  using store = openStore(join(scratch.path, 's'));
  const archive = tarOf({ name: 'a', content: 'x' });
  const bytes = gzipSync(archive);
  const right = {
    what: 'layer',
    blob: { digest: sha256(bytes), size: bytes.length },
    diffId: sha256(archive) as DiffId,
  };
  const wrong = [
    { ...right, blob: { ...right.blob, digest: sha256('other') } },
    { ...right, blob: { ...right.blob, size: bytes.length + 1 } },
    { ...right, blob: { ...right.blob, size: bytes.length - 1 } },
    { ...right, diffId: sha256('other') as DiffId },
  ];
  for (const expected of wrong) {
    await assert.rejects(stageLayer(store, once(bytes), { ...expected, lowest: true }), { code: 'corrupt' });
  }
  (await stageLayer(store, once(bytes), { ...right, lowest: true }))[Symbol.dispose]();
  assert.deepEqual(storeLeaks(store.layout.root), []);
});
