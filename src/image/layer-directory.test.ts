import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeScratch } from '../../test/harness/scratch.ts';
import { settingOf } from '../store/setting-row.ts';
import { openStore, type Store } from '../store/store.ts';
import { makeLayerDirectory, noteFreed } from './layer-directory.ts';

async function withStore(work: (store: Store) => void): Promise<void> {
  await using scratch = makeScratch();
  using store = openStore(join(scratch.path, 'root'));
  work(store);
}

const remembered = (store: Store) =>
  JSON.parse(settingOf(store.database, 'freed-inodes') ?? '[]') as readonly [number, number][];

test('a layer gets an empty directory, and nothing else that was tried stays', async () => {
  await withStore((store) => {
    const path = join(store.layout.temporary, 'one');
    makeLayerDirectory(store.database, path);
    assert.deepEqual(readdirSync(path), []);
    assert.deepEqual(readdirSync(store.layout.temporary), ['one']);
  });
});

test('where a layer was removed is remembered, and the next one is made all the same', async () => {
  await withStore((store) => {
    const paths = ['one', 'two'].map((name) => join(store.layout.temporary, name));
    for (const path of paths) makeLayerDirectory(store.database, path);
    noteFreed(store.database, [...paths, join(store.layout.temporary, 'never')]);
    const inodes = paths.map((path) => statSync(path).ino);
    assert.deepEqual(
      remembered(store).map(([inode]) => inode),
      inodes,
    );
    makeLayerDirectory(store.database, join(store.layout.temporary, 'three'));
    assert.deepEqual(readdirSync(store.layout.temporary).sort(), ['one', 'three', 'two']);
  });
});

test('a list that grows loses its oldest', async () => {
  await withStore((store) => {
    const path = join(store.layout.temporary, 'one');
    makeLayerDirectory(store.database, path);
    noteFreed(
      store.database,
      Array.from({ length: 600 }, () => path),
    );
    assert.equal(remembered(store).length, 512);
  });
});
