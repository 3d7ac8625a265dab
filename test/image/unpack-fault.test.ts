/** Layers on the real file system: full disks and killed imports. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OnggiError } from '../../src/errors.ts';
import { collect } from '../../src/image/collect.ts';
import { importImage } from '../../src/image/import.ts';
import { removeImage } from '../../src/image/remove.ts';
import { tarOf } from '../../src/image/testing.ts';
import { listImages } from '../../src/store/image-row.ts';
import { listLayers } from '../../src/store/layer-row.ts';
import { openStore } from '../../src/store/store.ts';
import { storeLeaks } from '../harness/store-leaks.ts';
import { once, sh, unpackTest } from './unpack-world.ts';

for (const [what, options] of [
  ['disk', 'size=4m'],
  ['inode table', 'size=64m,nr_inodes=60'],
] as const) {
  unpackTest(`a full ${what}: exhausted, nothing is registered, less still fits`, [], async ({ scratch }) => {
    const mount = join(scratch, 'm');
    sh(`mkdir -p ${mount} && mount -t tmpfs -o ${options},mode=0700 tmpfs ${mount}`);
    try {
      using store = openStore(mount);
      const many = Array.from({ length: 100 }, (_, index) => ({ name: `f${index}`, content: 'x'.repeat(100_000) }));
      await assert.rejects(importImage(store, once(tarOf(...many)), 'big'), (error: OnggiError) => {
        assert.equal(error.code, 'exhausted', error.message);
        return true;
      });
      assert.deepEqual([listImages(store.database), listLayers(store.database)], [[], []]);
      assert.deepEqual(storeLeaks(mount), []);
      await importImage(store, once(tarOf({ name: 'f', content: 'x' })), 'small');
      assert.equal(listImages(store.database).length, 1);
    } finally {
      sh(`umount ${mount}`);
    }
  });
}

unpackTest(
  'an import killed at any moment leaves only garbage that the collector finds',
  [],
  async ({ scratch, store }) => {
    const archive = tarOf(
      ...Array.from({ length: 3000 }, (_, index) => ({ name: `d/f${index}`, content: 'x'.repeat(900) })),
    );
    writeFileSync(join(scratch, 'a.tar'), archive);
    const script = `
    import { openStore } from '${import.meta.dirname}/../../src/store/store.ts';
    import { importImage } from '${import.meta.dirname}/../../src/image/import.ts';
    console.log('ready');
    await importImage(openStore('${store.layout.root}'), '${join(scratch, 'a.tar')}', 'x');
    console.log('done');
    setInterval(() => {}, 1000);`;
    for (const delay of [0, 20, 60, 100, 140, 180, 240, 400, 1500]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = new Promise((resolve) => child.once('close', resolve));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await closed;
      await collect(store);
      assert.deepEqual(storeLeaks(store.layout.root), [], `killed after ${delay} ms`);
      for (const image of listImages(store.database)) await removeImage(store, image.id, { force: true });
      assert.deepEqual(readdirSync(store.layout.layers), []);
      assert.deepEqual(readdirSync(join(store.layout.blobs, 'sha256')), []);
    }
  },
);
