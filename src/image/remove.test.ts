import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Digest, sha256 } from '../oci/digest.ts';
import { canonicalName, parseReference } from '../oci/reference.ts';
import { hasBlob } from '../store/blob.ts';
import { deleteContainer, insertContainer } from '../store/container-row.ts';
import { imageById, putImage, putImageName } from '../store/image-row.ts';
import { insertLayer, layerByChainId } from '../store/layer-row.ts';
import { blobPath, layerPath } from '../store/layout.ts';
import { lockContent, lockLayer } from '../store/lock.ts';
import { openStore, type Store } from '../store/store.ts';
import { createTemporary } from '../store/temporary.ts';
import { exampleContainer, exampleImage, exampleLayers } from '../store/testing.ts';
import { collect } from './collect.ts';
import { findImage } from './find.ts';
import { removeForgottenImages, removeImage } from './remove.ts';

function scratch(t: TestContext): Store {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-remove-'));
  const store = openStore(join(directory, 'root'));
  t.after(() => {
    store[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });
  return store;
}

/** An image with rows and files, its layers shared with others of the same contents. */
function addImage(store: Store, names: readonly string[], ...contents: string[]): Digest {
  const layers = exampleLayers(...contents);
  const image = exampleImage(names[0] ?? contents.join());
  for (const layer of layers) {
    if (layerByChainId(store.database, layer.chainId) !== undefined) continue;
    insertLayer(store.database, layer);
    mkdirSync(layerPath(store.layout, layer.directory));
    if (layer.blob !== null) writeFileSync(blobPath(store.layout, layer.blob), '');
  }
  for (const digest of [image.id, image.manifest]) writeFileSync(blobPath(store.layout, digest), '');
  putImage(
    store.database,
    image,
    layers.map((layer) => layer.chainId),
  );
  for (const name of names) {
    const reference = canonicalName(parseReference(name));
    putImageName(store.database, { reference, imageId: image.id, digest: image.manifest });
  }
  return image.id;
}

function files(store: Store): string[] {
  const { layers, blobs, temporary, containers } = store.layout;
  return [layers, join(blobs, 'sha256'), temporary, containers].flatMap((path) => readdirSync(path));
}

test('images are found by name, digest, id and beginning of id', (t) => {
  const store = scratch(t);
  const id = addImage(store, ['a', 'b:1'], 'x');
  const other = addImage(store, ['localhost:5000/c'], 'y');
  const manifest = exampleImage('a').manifest;
  const ways = ['a', 'a:latest', 'docker.io/library/b:1', id, id.slice(7), id.slice(7, 19), id.slice(0, 20)];
  for (const wanted of [...ways, `a@${manifest}`]) assert.equal(findImage(store, wanted).id, id, wanted);
  assert.equal(findImage(store, 'localhost:5000/c').id, other);
  for (const wanted of ['nope', 'nothing', sha256('x'), sha256('x').slice(7), `c@${manifest}`, 'fffffffffffff']) {
    assert.throws(() => findImage(store, wanted), { code: 'not-found' }, wanted);
  }
  assert.throws(() => findImage(store, 'A b'), { code: 'invalid' });
});

test('a name goes first, the last one takes the image and its files along', async (t) => {
  const store = scratch(t);
  const id = addImage(store, ['a', 'b'], 'x', 'y');
  assert.deepEqual(await removeImage(store, 'b'), { untagged: ['b:latest'], deleted: [], reclaimed: 0 });
  const { untagged, deleted } = await removeImage(store, 'a');
  const [x, y] = exampleLayers('x', 'y');
  assert.deepEqual(untagged, ['a:latest', `a@${exampleImage('a').manifest}`]);
  assert.deepEqual(deleted, [id, y?.chainId, x?.chainId]);
  assert.deepEqual(files(store), []);
  await assert.rejects(removeImage(store, 'a'), { code: 'not-found' });
});

test('by its digest a tag is left without it', async (t) => {
  const store = scratch(t);
  const id = addImage(store, ['a', 'b'], 'x');
  const digest = `a@${exampleImage('a').manifest}`;
  assert.deepEqual(await removeImage(store, digest), { untagged: [digest], deleted: [], reclaimed: 0 });
  assert.equal(findImage(store, 'a').id, id);
  assert.throws(() => findImage(store, digest), { code: 'not-found' });
  await removeImage(store, 'b');
  const { untagged, deleted } = await removeImage(store, 'a');
  assert.deepEqual([untagged, deleted[0]], [['a:latest'], id]);
});

test('shared layers and blobs stay', async (t) => {
  const store = scratch(t);
  addImage(store, ['a'], 'x', 'y');
  const other = addImage(store, ['b'], 'x', 'z');
  const [x, y] = exampleLayers('x', 'y');
  assert.deepEqual((await removeImage(store, 'a')).deleted.slice(1), [y?.chainId]);
  assert.ok(x?.blob && hasBlob(store.layout, x.blob) && existsSync(layerPath(store.layout, x.directory)));
  assert.ok(y?.blob && !hasBlob(store.layout, y.blob) && !existsSync(layerPath(store.layout, y.directory)));
  assert.deepEqual(await collect(store), []);
  assert.equal(findImage(store, 'b').id, other);
});

test('by id all names of one repository go; several repositories need force', async (t) => {
  const store = scratch(t);
  const id = addImage(store, ['a:1', 'a:2'], 'x');
  assert.deepEqual((await removeImage(store, id.slice(7, 19))).untagged, [
    'a:1',
    'a:2',
    `a@${exampleImage('a:1').manifest}`,
  ]);
  const other = addImage(store, ['b', 'c'], 'x');
  await assert.rejects(removeImage(store, other), { code: 'conflict' });
  assert.deepEqual((await removeImage(store, other, { force: true })).untagged, [
    'b:latest',
    'c:latest',
    `b@${exampleImage('b').manifest}`,
    `c@${exampleImage('b').manifest}`,
  ]);
});

test('containers hold their image', async (t) => {
  const store = scratch(t);
  const id = addImage(store, ['a'], 'x');
  const stopped = exampleContainer('a', 'one', { imageId: id, state: 'exited' });
  const running = exampleContainer('b', 'two', { imageId: id, state: 'running' });
  insertContainer(store.database, stopped);
  insertContainer(store.database, running);
  await assert.rejects(removeImage(store, 'a'), { code: 'conflict' });
  await assert.rejects(removeImage(store, 'a', { force: true }), /cannot be forced.*running container b0000/);
  deleteContainer(store.database, running.id);
  await assert.rejects(removeImage(store, 'a'), /must force.*container a0000/);
  assert.deepEqual((await removeImage(store, 'a', { force: true })).untagged, [
    'a:latest',
    `a@${exampleImage('a').manifest}`,
  ]);
  await assert.rejects(removeImage(store, id), { code: 'not-found' });
  assert.deepEqual(await collect(store), [], 'the container still starts');
  assert.ok(hasBlob(store.layout, id));
  deleteContainer(store.database, stopped.id);
  await removeForgottenImages(store);
  assert.equal(imageById(store.database, id), undefined);
  assert.deepEqual(files(store), []);
});

test('the collector removes what nobody names, and nothing else', async (t) => {
  const store = scratch(t);
  addImage(store, ['a'], 'x');
  const kept = files(store).length;
  const container = exampleContainer('a', 'one');
  insertContainer(store.database, container);
  mkdirSync(join(store.layout.containers, container.id));
  const garbage = [
    join(store.layout.containers, 'f'.repeat(64)),
    join(store.layout.layers, 'zz'),
    blobPath(store.layout, sha256('nothing')),
    join(store.layout.blobs, 'sha256', 'no digest'),
    join(store.layout.temporary, '00'),
  ];
  for (const path of garbage) mkdirSync(join(path, 'deep'), { recursive: true });
  (await lockLayer(store.layout, sha256('x') as never))[Symbol.dispose]();
  using mine = createTemporary(store.layout);
  mkdirSync(mine.path);
  assert.deepEqual((await collect(store)).sort(), garbage.sort());
  assert.equal(files(store).length, kept + 3);
  assert.deepEqual(readdirSync(store.layout.locks), ['content']);
  assert.deepEqual(await collect(store), []);
});

test('the collector waits for those who publish', async (t) => {
  const store = scratch(t);
  const unnamed = join(store.layout.layers, 'zz');
  const publishing = await lockContent(store.layout, 'shared');
  mkdirSync(unnamed);
  await assert.rejects(collect(store, AbortSignal.timeout(30)), { code: 'cancelled' });
  assert.ok(existsSync(unnamed));
  publishing[Symbol.dispose]();
  assert.deepEqual(await collect(store), [unnamed]);
});
