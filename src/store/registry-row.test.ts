import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, sha256 } from '../oci/digest.ts';
import { type Database, openDatabase, transaction } from './database.ts';
import { isBlobNamed } from './image-row.ts';
import {
  deleteIdleRegistryRows,
  deleteRegistryBlob,
  deleteRegistryManifest,
  deleteRegistryTag,
  hasRegistryRepository,
  putRegistryBlob,
  putRegistryManifest,
  putRegistryTag,
  type RegistryManifest,
  registryBlobAnywhere,
  registryBlobSize,
  registryContents,
  registryManifest,
  registryReferrer,
  registryReferrers,
  registryRepositories,
  registryTag,
  registryTags,
  touchRegistryBlob,
  touchRegistryManifest,
} from './registry-row.ts';
import { migrate } from './schema.ts';

function open(): Database {
  const database = openDatabase(':memory:');
  migrate(database);
  return database;
}

function manifest(repository: string, name: string, change: Partial<RegistryManifest> = {}): RegistryManifest {
  const empty = { subject: null, artifactType: null, annotations: null };
  return { repository, digest: sha256(name), mediaType: 'type', size: 3, used: 5, ...empty, ...change };
}

function put(database: Database, row: RegistryManifest, ...references: Digest[]): void {
  transaction(database, () => putRegistryManifest(database, row, references));
}

const blob = { digest: sha256('blob'), size: 4 };

test('a blob belongs to its repository; a second one brings the time up to date', () => {
  const database = open();
  putRegistryBlob(database, 'a', blob, 1);
  putRegistryBlob(database, 'a', blob, 2);
  assert.equal(registryBlobSize(database, 'a', blob.digest), 4);
  assert.equal(registryBlobSize(database, 'b', blob.digest), undefined);
  assert.equal(registryBlobAnywhere(database, blob.digest), 4);
  assert.ok(isBlobNamed(database, blob.digest));
  assert.ok(deleteRegistryBlob(database, 'a', blob.digest));
  assert.ok(!deleteRegistryBlob(database, 'a', blob.digest));
  assert.ok(!isBlobNamed(database, blob.digest));
});

test("what is cached of another registry is nobody else's to mount", () => {
  const database = open();
  putRegistryBlob(database, 'https://quay.io/app', blob, 1);
  assert.equal(registryBlobAnywhere(database, blob.digest), undefined);
});

test('a manifest comes back as it was, and a second call changes nothing', () => {
  const database = open();
  const row = manifest('a', 'm', { subject: sha256('s'), artifactType: 't', annotations: { k: 'v' } });
  put(database, row, blob.digest);
  put(database, row, blob.digest);
  assert.deepEqual(registryManifest(database, 'a', row.digest), row);
  assert.equal(registryManifest(database, 'b', row.digest), undefined);
  assert.deepEqual(registryReferrers(database, 'a', sha256('s')), [row]);
  assert.equal(registryReferrer(database, 'a', blob.digest), row.digest);
  assert.ok(isBlobNamed(database, row.digest));
});

test('a tag moves, goes alone, and goes with its manifest', () => {
  const database = open();
  const [one, two] = [manifest('a', 'one'), manifest('a', 'two')];
  put(database, one, blob.digest);
  put(database, two);
  putRegistryTag(database, 'a', 'v', one.digest);
  putRegistryTag(database, 'a', 'v', two.digest);
  assert.equal(registryTag(database, 'a', 'v'), two.digest);
  assert.throws(() => putRegistryTag(database, 'b', 'v', two.digest), { code: 'conflict' });
  assert.ok(deleteRegistryTag(database, 'a', 'v'));
  assert.ok(!deleteRegistryTag(database, 'a', 'v'));
  putRegistryTag(database, 'a', 'w', one.digest);
  assert.ok(deleteRegistryManifest(database, 'a', one.digest));
  assert.equal(registryTag(database, 'a', 'w'), undefined);
  assert.equal(registryReferrer(database, 'a', blob.digest), undefined);
});

test('lists go on after a name', () => {
  const database = open();
  for (const name of ['b', 'a/x', 'a', 'https://quay.io/c', 'https://quay.io/d']) put(database, manifest(name, 'm'));
  for (const tag of ['B', 'a', 'c', 'b']) putRegistryTag(database, 'a', tag, sha256('m'));
  assert.deepEqual(registryTags(database, 'a', '', 9), ['B', 'a', 'b', 'c']);
  assert.deepEqual(registryTags(database, 'a', 'a', 1), ['b']);
  assert.deepEqual(registryRepositories(database, '', '', 9), ['a', 'a/x', 'b']);
  assert.deepEqual(registryRepositories(database, '', 'a', 1), ['a/x']);
  assert.deepEqual(registryRepositories(database, 'https://quay.io/', 'c', 9), ['d']);
  assert.ok(hasRegistryRepository(database, 'a/x') && !hasRegistryRepository(database, 'x'));
});

test('idle blobs go unless a manifest names them, idle manifests only if they are cached', () => {
  const database = open();
  const [named, asked, idle] = ['named', 'asked', 'idle'].map((name) => ({ digest: sha256(name), size: 1 }));
  assert.ok(named && asked && idle);
  for (const each of [named, asked, idle]) putRegistryBlob(database, 'a', each, 10);
  touchRegistryBlob(database, 'a', asked.digest, 15, 20);
  assert.deepEqual(deleteIdleRegistryRows(database, 10, 0), []);
  touchRegistryBlob(database, 'a', asked.digest, 31, 20);
  put(database, manifest('a', 'm'), named.digest);
  put(database, manifest('http://x/a', 'old', { used: 10 }));
  put(database, manifest('http://x/a', 'new', { used: 10 }));
  touchRegistryManifest(database, 'http://x/a', sha256('new'), 31);
  assert.deepEqual(deleteIdleRegistryRows(database, 31, 31), [sha256('old'), idle.digest]);
  assert.equal(registryBlobSize(database, 'a', named.digest), 1);
  assert.ok(registryManifest(database, 'a', sha256('m')));
});

test('contents are told once, with whether a tag leads to them', () => {
  const database = open();
  const [one, two] = [manifest('a', 'one'), manifest('b', 'two')];
  const layer = { digest: sha256('layer'), size: 9 };
  putRegistryBlob(database, 'a', blob, 1);
  putRegistryBlob(database, 'b', blob, 1);
  putRegistryBlob(database, 'b', layer, 1);
  put(database, one, blob.digest);
  put(database, two, blob.digest, layer.digest);
  putRegistryTag(database, 'a', 'v1', one.digest);
  const found = new Map(registryContents(database).map(({ digest, ...rest }) => [digest, rest]));
  assert.equal(found.size, 4);
  assert.deepEqual(found.get(blob.digest), { size: 4, isManifest: false, tagged: true });
  assert.deepEqual(found.get(layer.digest), { size: 9, isManifest: false, tagged: false });
  assert.deepEqual(found.get(one.digest), { size: one.size, isManifest: true, tagged: true });
  assert.deepEqual(found.get(two.digest), { size: two.size, isManifest: true, tagged: false });
});
