/** Layers on the real file system: trees compared with GNU tar, order, size, sharing. */
import assert from 'node:assert/strict';
import { createReadStream, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { collect } from '../../src/image/collect.ts';
import { importImage } from '../../src/image/import.ts';
import { removeImage } from '../../src/image/remove.ts';
import { endMark, tarEntry, tarOf } from '../../src/image/testing.ts';
import { listImages } from '../../src/store/image-row.ts';
import { listLayers } from '../../src/store/layer-row.ts';
import { busyboxTar } from '../harness/busybox-image.ts';
import { describeTree } from './unpack-tree.ts';
import { once, sh, unpacked, unpackTest } from './unpack-world.ts';

unpackTest('the busybox tree equals what GNU tar unpacks', ['busybox'], async ({ scratch, store }) => {
  const archive = await busyboxTar();
  sh(`mkdir gnu && tar -C gnu --numeric-owner -xpf ${archive}`, scratch);
  const ours = describeTree(await unpacked(store, archive));
  assert.deepEqual(ours, describeTree(join(scratch, 'gnu')));
  assert.ok(ours.length > 250, `${ours.length} entries`);
});

const odd = `
mkdir -p odd/d/e && cd odd
echo one > f; chmod 4755 f; chown 12:34 f; ln f d/hard; ln -s /etc/passwd absolute; ln -s ../../.. up; ln -s nowhere dangling
mkfifo fifo; mknod null c 1 3; mknod disk b 7 200; chmod 1777 d; chmod 2750 d/e; : > empty
touch -d '1960-01-02 03:04:05' old; touch -h -d '2001-01-01' dangling
echo x > "$(printf 'n%.0s' $(seq 200))"
mkdir -p "$(printf 'deep%.0s/' $(seq 60))"; echo y > "$(printf 'deep%.0s/' $(seq 60))file"
echo z > 'blank and " quote'; printf b > "$(printf 'bytes\\377\\376')"; echo u > 'ünïcode'; ln 'ünïcode' "$(printf 'x%.0s' $(seq 120))"
python3 -c "import os; os.setxattr('empty', 'user.note', b'v1')
os.setxattr('f', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))"
touch -d '2020-02-02 02:02:02.123456789' d/e d .
`;

for (const format of ['gnu', 'posix']) {
  unpackTest(
    `a tree of odd entries equals what GNU tar unpacks (${format})`,
    ['python3'],
    async ({ scratch, store }) => {
      sh(odd, scratch);
      const xattrs = format === 'posix' ? "--xattrs --xattrs-include='*'" : '';
      sh(`tar --format=${format} ${xattrs} -C odd -cf odd.tar . && gzip -k odd.tar`, scratch);
      sh(`mkdir gnu && tar -C gnu --numeric-owner ${xattrs} -xpf odd.tar`, scratch);
      const ours = describeTree(await unpacked(store, join(scratch, 'odd.tar.gz')));
      assert.deepEqual(ours, describeTree(join(scratch, 'gnu')));
      assert.equal(
        ours.some((line) => line.includes('security.capability')),
        format === 'posix',
      );
      // Again, from the plain archive: the same layer, so nothing is unpacked twice.
      await unpacked(store, join(scratch, 'odd.tar'));
      assert.equal(listLayers(store.database).length, 1);
    },
  );
}

unpackTest('the umask changes nothing', [], async ({ store }) => {
  const before = process.umask(0o077);
  try {
    const root = await unpacked(
      store,
      once(tarOf({ name: 'd/f', content: 'x' }, { name: 'e', type: '5' }, { name: 'p', type: '6', mode: 0o666 })),
    );
    const modes = ['', 'd', 'd/f', 'e', 'p'].map((name) => (lstatSync(join(root, name)).mode & 0o7777).toString(8));
    assert.deepEqual(modes, ['755', '755', '644', '755', '666']);
  } finally {
    process.umask(before);
  }
});

unpackTest('what an archive says of a directory ends with the directory', [], async ({ store }) => {
  const root = await unpacked(
    store,
    once(
      tarOf(
        { name: 'a', type: '5', mode: 0o700, mtime: 5 },
        { name: 'a/b', type: '5', mode: 0o700, mtime: 5 },
        { name: 'a', content: 'a file' },
        { name: 'c', type: '5', mtime: 5 },
        { name: 'c', content: 'a file' },
        { name: 'c', type: '2', link: 'd' },
        { name: 'd', type: '5', mtime: 7 },
        { name: 'e', type: '5', mode: 0o700, mtime: 5 },
        { name: 'e', content: '' },
        { name: 'e', type: '5', mtime: 9 },
      ),
    ),
  );
  assert.ok(lstatSync(join(root, 'a')).isFile());
  assert.ok(lstatSync(join(root, 'c')).isSymbolicLink());
  assert.equal(lstatSync(join(root, 'd')).mtimeMs, 7000);
  assert.equal(lstatSync(join(root, 'e')).mtimeMs, 9000);
  assert.equal(lstatSync(join(root, 'e')).mode & 0o777, 0o755);
});

unpackTest('100,000 entries unpack with few descriptors', [], async ({ store }) => {
  const count = 100_000;
  async function* archive(): AsyncGenerator<Buffer> {
    let pieces: Buffer[] = [];
    for (let index = 0; index < count; index += 1) {
      const name = `d${index % 300}/e${index % 7}/file${index}`;
      pieces.push(tarEntry({ name, content: 'x' }));
      if (pieces.length < 500) continue;
      yield Buffer.concat(pieces);
      pieces = [];
    }
    yield endMark;
  }
  let most = 0;
  async function* watched(): AsyncGenerator<Buffer> {
    for await (const piece of archive()) {
      most = Math.max(most, readdirSync('/proc/self/fd').length);
      yield piece;
    }
  }
  const before = readdirSync('/proc/self/fd').length;
  const root = await unpacked(store, watched());
  assert.equal(readdirSync(root).length, 300);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.equal(files.length, count);
  assert.ok(most - before < 70, `${most - before} descriptors`);
});

unpackTest('two imports of one root file system at once share its layer', [], async ({ store }) => {
  const archive = tarOf(...Array.from({ length: 200 }, (_, index) => ({ name: `f${index}`, content: 'x' })));
  const images = await Promise.all(['a', 'b', 'c'].map((name) => importImage(store, once(archive), name)));
  assert.equal(listLayers(store.database).length, 1);
  assert.deepEqual(await collect(store), []);
  for (const { id } of images) await removeImage(store, id, { force: true });
  assert.deepEqual([listImages(store.database), listLayers(store.database)], [[], []]);
  assert.deepEqual(readdirSync(join(store.layout.blobs, 'sha256')), []);
});

unpackTest('a file is read as a stream, whatever its size', [], async ({ scratch, store }) => {
  const size = 300 * 1024 * 1024;
  sh(`truncate -s ${size} big && tar -cf - big | gzip -1 > big.tar.gz && rm big`, scratch);
  const before = process.memoryUsage().rss;
  const root = await unpacked(store, createReadStream(join(scratch, 'big.tar.gz')));
  assert.equal(lstatSync(join(root, 'big')).size, size);
  assert.ok(process.memoryUsage().rss - before < 150 * 1024 * 1024);
});

unpackTest('sparse files take no more room than before', [], async ({ scratch, store }) => {
  sh(
    `mkdir t; truncate -s 20M t/hole; echo x >> t/hole; truncate -s 40M t/hole; truncate -s 60M t/nothing; echo y > t/plain
     touch -d '2020-02-02' t/* t
     for format in gnu pax; do tar -C t --sparse --format=$format -cf $format.tar .; done`,
    scratch,
  );
  for (const format of ['gnu', 'pax']) {
    const layer = await unpacked(store, join(scratch, `${format}.tar`));
    assert.deepEqual(describeTree(layer), describeTree(join(scratch, 't')));
    for (const name of ['hole', 'nothing']) assert.ok(lstatSync(join(layer, name)).blocks * 512 < 1 << 20, name);
  }
});
