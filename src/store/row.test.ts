import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { sha256 } from '../oci/digest.ts';
import { upContainerLines } from './container-lines.ts';
import {
  containersOfImage,
  countContainersByImage,
  deleteContainer,
  dueRestarts,
  findContainer,
  insertContainer,
  listContainers,
  listUpContainers,
  runningProcesses,
  updateContainer,
} from './container-row.ts';
import { closeDatabase, openDatabase, transaction } from './database.ts';
import {
  deleteImage,
  deleteImageName,
  forgottenImages,
  hideImage,
  imageById,
  imageByName,
  imagesByPrefix,
  isBlobNamed,
  listImageNames,
  listImages,
  putImage,
  putImageName,
} from './image-row.ts';
import { deleteUnusedLayers, insertLayer, layerByChainId, layersOfImage, listLayers } from './layer-row.ts';
import {
  addressesOfContainer,
  deleteNetwork,
  insertNetwork,
  listAddressLeases,
  listNetworks,
  listPortLeases,
  networkByName,
  portsOfContainer,
  releaseLeases,
  takeAddress,
  takePort,
} from './network-row.ts';
import { migrate } from './schema.ts';
import { exampleContainer, exampleImage, exampleLayers } from './testing.ts';

function memory() {
  const database = openDatabase(':memory:');
  migrate(database);
  return database;
}

test('a container row comes back as it went in', () => {
  const database = memory();
  const row = exampleContainer('ab', 'one', {
    pid: 7,
    pidStartTime: 123456789n,
    ending: '{}',
    autoRemove: true,
    cgroup: '{"unified":null}',
    startedAt: 5,
  });
  insertContainer(database, row);
  assert.deepEqual(findContainer(database, row.id), row);
  assert.throws(() => insertContainer(database, exampleContainer('ac', 'one')), { code: 'exists' });
});

test('containers are found by id, name and unique beginning', () => {
  const database = memory();
  insertContainer(database, exampleContainer('ab12', 'one'));
  insertContainer(database, exampleContainer('ab34', 'two'));
  insertContainer(database, exampleContainer('cd', 'ab1'));
  assert.equal(findContainer(database, 'ab3').name, 'two');
  assert.equal(findContainer(database, '/two').name, 'two');
  assert.equal(findContainer(database, 'ab1').id.slice(0, 2), 'cd', 'a name wins over a prefix');
  assert.throws(
    () => findContainer(database, 'ab'),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'conflict');
      assert.match(error.message, /ab1200000000, ab3400000000/);
      return true;
    },
  );
  assert.throws(() => findContainer(database, ''), { code: 'invalid' });
  for (const wanted of ['ef', 'AB', '%', 'x'.repeat(300)]) {
    assert.throws(() => findContainer(database, wanted), { code: 'not-found' });
  }
});

test('updates compare the state before they set', () => {
  const database = memory();
  const { id } = exampleContainer('ab', 'one');
  insertContainer(database, exampleContainer('ab', 'one'));
  insertContainer(database, exampleContainer('cd', 'two'));
  const running = updateContainer(database, id, ['created'], { state: 'running', pid: 1, pidStartTime: 9n });
  assert.equal(running.pidStartTime, 9n);
  assert.throws(() => updateContainer(database, id, ['created', 'exited'], { state: 'running' }), { code: 'conflict' });
  assert.throws(() => updateContainer(database, id, ['running'], { name: 'two' }), { code: 'exists' });
  assert.equal(updateContainer(database, id, ['running'], { state: 'exited', pid: null }).pid, null);
  assert.throws(() => updateContainer(database, 'f'.repeat(64), ['created'], { state: 'running' }), {
    code: 'not-found',
  });
});

test('lists are newest first and by state', () => {
  const database = memory();
  insertContainer(database, exampleContainer('a', 'one', { created: 1, state: 'running' }));
  insertContainer(database, exampleContainer('b', 'two', { created: 3, state: 'exited' }));
  insertContainer(database, exampleContainer('c', 'three', { created: 2, state: 'running' }));
  assert.deepEqual(
    listContainers(database).map((row) => row.name),
    ['two', 'three', 'one'],
  );
  assert.deepEqual(
    listContainers(database, ['running']).map((row) => row.name),
    ['three', 'one'],
  );
  assert.deepEqual(listContainers(database, []), []);
});

test('those that are up are listed without the others, newest first', () => {
  const database = memory();
  insertContainer(database, exampleContainer('a', 'one', { created: 1, state: 'running', pid: 7 }));
  insertContainer(database, exampleContainer('b', 'two', { created: 3, state: 'exited' }));
  insertContainer(database, exampleContainer('c', 'three', { created: 2, state: 'exited' }));
  insertContainer(database, exampleContainer('d', 'four', { created: 4, state: 'running', pid: null }));
  const { id } = findContainer(database, 'three');
  updateContainer(database, id, ['exited'], { restartAt: 5 });
  assert.deepEqual(
    listUpContainers(database).map(({ name }) => name),
    ['four', 'three', 'one'],
  );
});

test('a restart is due when its time is over, and when the clock was set back', () => {
  const database = memory();
  const waiting = { state: 'exited', restartWait: 100 } as const;
  for (const [id, restartAt] of [
    ['a', 8999],
    ['b', 9000],
    ['c', 9001],
    ['d', 11_100],
    ['e', 11_101],
  ] as const) {
    insertContainer(database, exampleContainer(id, id));
    updateContainer(database, id.padEnd(64, '0'), ['created'], { ...waiting, restartAt });
  }
  insertContainer(database, exampleContainer('f', 'f', { state: 'running' }));
  const due = () => dueRestarts(database, 10_000, 1000).map((id) => id[0]);
  assert.deepEqual(due(), ['a', 'b', 'e']);
  updateContainer(database, 'a'.padEnd(64, '0'), ['exited'], { state: 'starting' });
  assert.deepEqual(due(), ['b', 'e']);
});

test('one that ends while what is up is read is told once', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-row-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [reader, writer] = [openDatabase(join(directory, 'a.db')), openDatabase(join(directory, 'a.db'))];
  migrate(reader);
  insertContainer(writer, exampleContainer('a', 'one', { state: 'running', pid: 7 }));
  let ends = 0;
  const statements = new Map(reader.statements);
  const get = statements.get.bind(statements);
  // The second read begins.
  statements.get = (sql) => {
    if (sql.includes('restart_at IS NOT NULL AND') && ends++ === 0) {
      updateContainer(writer, 'a'.padEnd(64, '0'), ['running'], { state: 'exited', restartAt: 5 });
    }
    return get(sql);
  };
  const names = () => listUpContainers({ ...reader, statements }).map(({ name, state }) => [name, state]);
  assert.deepEqual(names(), [['one', 'running']]);
  assert.deepEqual(names(), [['one', 'exited']]);
  assert.equal(ends, 2);
  closeDatabase(reader);
  closeDatabase(writer);
});

test('lines of containers are told only where they tell all', () => {
  const database = memory();
  assert.equal(upContainerLines(database), '');
  insertContainer(database, exampleContainer('a', 'one', { created: 1, state: 'running', listedCommand: 'sh' }));
  const line = 'a00000000000\thost\t"sh"\t\x011\x02 ago\tUp \x011\x02\t\tone';
  assert.equal(upContainerLines(database), line);
  insertContainer(database, exampleContainer('b', 'two', { created: 2, state: 'running', listedCommand: null }));
  assert.equal(upContainerLines(database), undefined);
  updateContainer(database, 'b'.padEnd(64, '0'), ['running'], { state: 'exited' });
  assert.equal(upContainerLines(database), line);
  updateContainer(database, 'b'.padEnd(64, '0'), ['exited'], { restartAt: 5 });
  assert.equal(upContainerLines(database), undefined);
});

test('1,000 containers do not slow a lookup', () => {
  const database = memory();
  transaction(database, () => {
    for (let n = 0; n < 1000; n += 1) {
      insertContainer(database, exampleContainer(sha256(`${n}`).slice(7), `name${n}`, { options: 'x'.repeat(2000) }));
    }
  });
  const plan = (sql: string) => {
    const rows = database.connection.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    return rows.map((row) => row['detail']).join('; ');
  };
  for (const where of ["id = 'a'", "name = 'a'", "id >= 'a' AND id < 'b'", "state = 'running'", "image_id = 'a'"]) {
    assert.match(plan(`SELECT * FROM containers WHERE ${where}`), /^SEARCH/, where);
  }
  runningProcesses(database);
  upContainerLines(database);
  const queries = [...database.statements.keys()].filter((sql) => sql.includes('group_concat'));
  assert.equal(queries.length, 2);
  for (const sql of queries) {
    assert.match(plan(sql), /SCAN containers USING COVERING INDEX containers_running/, sql);
    assert.doesNotMatch(plan(sql), /TEMP B-TREE/, sql);
  }
  const before = performance.now();
  for (let n = 0; n < 100; n += 1) findContainer(database, sha256(`${n}`).slice(7, 19));
  assert.ok((performance.now() - before) / 100 < 1);
});

test('leases are unique and go with their container', () => {
  const database = memory();
  const network = {
    name: 'bridge',
    bridge: 'onggi0',
    subnet: '10.9.0.0/16',
    gateway: '10.9.0.1',
    owner: 'onggi',
    created: 1,
  };
  insertNetwork(database, network);
  assert.throws(() => insertNetwork(database, { ...network, name: 'other' }), { code: 'exists' });
  assert.deepEqual(networkByName(database, 'bridge'), network);
  assert.deepEqual(listNetworks(database), [network]);
  const one = exampleContainer('a', 'one', { networkName: 'bridge' });
  const two = exampleContainer('b', 'two');
  insertContainer(database, one);
  insertContainer(database, two);
  const address = { network: 'bridge', address: '10.9.0.2', containerId: one.id };
  takeAddress(database, address);
  assert.throws(() => takeAddress(database, { ...address, containerId: two.id }), { code: 'exists' });
  const port = { hostIp: '0.0.0.0', hostPort: 80, protocol: 'tcp', containerId: one.id, containerPort: 8080 } as const;
  takePort(database, port);
  takePort(database, { ...port, protocol: 'udp', containerId: two.id });
  assert.throws(() => takePort(database, { ...port, containerId: two.id }), { code: 'exists' });
  assert.deepEqual(addressesOfContainer(database, one.id), [address]);
  assert.deepEqual(portsOfContainer(database, one.id), [port]);
  assert.deepEqual(listPortLeases(database, { hostPort: 80, protocol: 'tcp' }), [port]);
  assert.throws(() => deleteNetwork(database, 'bridge'), { code: 'conflict' });
  assert.equal(deleteContainer(database, one.id), true);
  assert.equal(deleteContainer(database, one.id), false);
  assert.deepEqual(listAddressLeases(database, 'bridge'), []);
  assert.equal(listPortLeases(database).length, 1);
  releaseLeases(database, two.id, 1000);
  releaseLeases(database, two.id, 1000);
  assert.deepEqual(listPortLeases(database), []);
  assert.equal(deleteNetwork(database, 'bridge'), true);
});

test('images hold their layers; unused chains go as a whole', () => {
  const database = memory();
  const layers = exampleLayers('a', 'b', 'c');
  for (const layer of layers) insertLayer(database, layer);
  const chain = layers.map((layer) => layer.chainId);
  const one = exampleImage('one');
  const two = exampleImage('two');
  putImage(database, one, chain);
  putImage(database, one, chain);
  putImage(database, two, chain.slice(0, 1));
  assert.deepEqual(layersOfImage(database, one.id), layers);
  assert.deepEqual(deleteUnusedLayers(database), []);
  assert.equal(deleteImage(database, one.id), true);
  assert.deepEqual(
    deleteUnusedLayers(database).map((layer) => layer.directory),
    ['a-b-c', 'a-b'],
  );
  assert.deepEqual(listLayers(database), layers.slice(0, 1));
  const [first] = chain;
  assert.ok(first);
  assert.deepEqual(layerByChainId(database, first), layers[0]);
  assert.throws(() => putImage(database, one, chain), { code: 'conflict' });
  putImage(database, { ...two, manifest: one.manifest }, chain.slice(0, 1));
  assert.equal(imageById(database, two.id)?.manifest, one.manifest);
});

test('names move; the blobs that rows name are known', () => {
  const database = memory();
  const layers = exampleLayers('a');
  for (const layer of layers) insertLayer(database, layer);
  const one = exampleImage('one');
  const two = exampleImage('two');
  for (const image of [one, two])
    putImage(
      database,
      image,
      layers.map((layer) => layer.chainId),
    );
  const name = { reference: 'docker.io/library/x:latest', imageId: one.id, digest: null };
  assert.equal(putImageName(database, name), null);
  assert.equal(putImageName(database, name), null);
  assert.equal(putImageName(database, { ...name, imageId: two.id, digest: two.manifest }), one.id);
  assert.equal(imageByName(database, name.reference)?.id, two.id);
  assert.deepEqual(listImageNames(database, one.id), []);
  assert.equal(listImageNames(database).length, 1);
  for (const digest of [one.id, one.manifest, layers[0]?.blob]) {
    assert.ok(digest);
    assert.equal(isBlobNamed(database, digest), true);
  }
  assert.equal(isBlobNamed(database, sha256('other')), false);
  assert.deepEqual(
    imagesByPrefix(database, one.id.slice(7, 19)).map((image) => image.id),
    [one.id],
  );
  assert.equal(imagesByPrefix(database, '').length, 2);
  assert.equal(deleteImageName(database, name.reference)?.imageId, two.id);
  assert.equal(deleteImageName(database, name.reference), undefined);
});

test('an image of containers is hidden, not removed, until the last one is gone', () => {
  const database = memory();
  const image = exampleImage('one');
  putImage(database, image, []);
  const container = exampleContainer('a', 'one', { imageId: image.id });
  insertContainer(database, container);
  assert.equal(countContainersByImage(database).get(image.id), 1);
  assert.equal(containersOfImage(database, image.id).length, 1);
  assert.throws(() => deleteImage(database, image.id), { code: 'conflict' });
  hideImage(database, image.id, 9);
  assert.deepEqual(listImages(database), []);
  assert.deepEqual(imagesByPrefix(database, ''), []);
  assert.deepEqual(forgottenImages(database), []);
  deleteContainer(database, container.id);
  assert.deepEqual(
    forgottenImages(database).map((row) => row.removed),
    [9],
  );
  putImage(database, image, []);
  assert.deepEqual(forgottenImages(database), []);
  assert.equal(listImages(database).length, 1);
  const missing = exampleContainer('b', 'two', { imageId: sha256('nothing') });
  assert.throws(() => insertContainer(database, missing), { code: 'conflict' });
});
