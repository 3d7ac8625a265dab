/** Layers on the real file system: trees compared with GNU tar, hostile archives, full disks, killed imports. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { OnggiError } from '../../src/errors.ts';
import { collect } from '../../src/image/collect.ts';
import { importImage } from '../../src/image/import.ts';
import { removeImage } from '../../src/image/remove.ts';
import { endMark, type TestEntry, tarEntry, tarOf } from '../../src/image/testing.ts';
import { listImages } from '../../src/store/image-row.ts';
import { layersOfImage, listLayers } from '../../src/store/layer-row.ts';
import { layerPath } from '../../src/store/layout.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { busyboxTar } from '../harness/busybox-image.ts';
import { findLeaks, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { type Need, requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { storeLeaks } from '../harness/store-leaks.ts';
import { describeTree } from './unpack-tree.ts';

type World = { readonly scratch: string; readonly store: Store };

/** A test with a store of its own; fails on what is left in the store or on the machine. */
function unpackTest(name: string, needs: readonly Need[], body: (world: World) => Promise<void>): void {
  test(name, { timeout: 120_000, ...requires('root', ...needs) }, async () => {
    await lockMachine();
    const before = snapshot();
    {
      await using scratch = makeScratch();
      using store = openStore(join(scratch.path, 's'));
      await body({ scratch: scratch.path, store });
      assert.deepEqual(storeLeaks(store.layout.root), []);
    }
    assert.deepEqual(await findLeaks(before), []);
  });
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Imports and returns the path of the unpacked layer. */
async function unpacked(store: Store, source: string | AsyncIterable<Uint8Array>): Promise<string> {
  const { id } = await importImage(store, source, null);
  const [layer] = layersOfImage(store.database, id);
  assert.ok(layer);
  return layerPath(store.layout, layer.directory);
}

function sh(command: string, cwd?: string): void {
  const result = spawnSync('sh', ['-ec', command], { encoding: 'utf8', cwd });
  assert.equal(result.status, 0, `${command}: ${result.stderr}`);
}

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

/** Entries that must be refused, and words of the message besides the name of the last entry. */
const refused: Record<string, readonly [readonly TestEntry[], RegExp]> = {
  'a path that climbs out': [[{ name: '../escaped', content: 'x' }], /leads out of the layer/],
  'a path that climbs out from below': [[{ name: 'a/b/../../../escaped', content: 'x' }], /leads out of the layer/],
  'a hard link that climbs out': [[{ name: 'l', type: '1', link: '../../escaped' }], /leads out of the layer/],
  'a hard link to a file of the host': [[{ name: 'l', type: '1', link: '/etc/passwd' }], /not in this layer/],
  'a hard link through a symbolic link to the host': [
    [
      { name: 's', type: '2', link: '/etc' },
      { name: 'l', type: '1', link: 's/passwd' },
    ],
    /not in this layer/,
  ],
  'a hard link to a directory': [
    [
      { name: 'd', type: '5' },
      { name: 'l', type: '1', link: 'd' },
    ],
    /directory "d"/,
  ],
  'a hard link to the root': [[{ name: 'l', type: '1', link: '/' }], /hard link/],
  'a hard link to itself': [
    [
      { name: 'l', content: '' },
      { name: 'l', type: '1', link: 'l' },
    ],
    /hard link/,
  ],
  'the root as a symbolic link': [[{ name: './', type: '2', link: '/etc' }], /root of the layer as a symlink/],
  'the root as a file': [[{ name: '/', content: 'x' }], /root of the layer as a file/],
  'a file as a parent': [
    [
      { name: 'f', content: '' },
      { name: 'f/x', content: '' },
    ],
    /f/,
  ],
  'a loop of links as a parent': [
    [
      { name: 'a', type: '2', link: 'b' },
      { name: 'b', type: '2', link: 'a' },
      { name: 'a/x', content: '' },
    ],
    /a/,
  ],
  'a dangling link as a parent': [
    [
      { name: 'a', type: '2', link: '/none' },
      { name: 'a/x', content: '' },
    ],
    /a/,
  ],
  'a name that is too long': [[{ name: 'x', pax: { path: `${'n'.repeat(300)}` } }], /nnn/],
  'a whiteout of ".."': [[{ name: 'd/.wh...', content: '' }], /hides no name/],
  'an attribute of overlayfs': [
    [{ name: 'd', type: '5', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } }],
    /belongs to overlayfs/,
  ],
};

for (const [what, [entries, words]] of Object.entries(refused)) {
  unpackTest(`refused: ${what}`, [], async ({ scratch, store }) => {
    const archive = tarOf({ name: 'first', content: 'x' }, ...entries);
    const untouched = [describeTree('/etc').join(), readdirSync(scratch).join()];
    await assert.rejects(importImage(store, once(archive), 'x'), (error: OnggiError) => {
      assert.equal(error.code, 'corrupt', error.message);
      assert.match(error.message, words);
      assert.match(error.message, /^archive: entry "/);
      return true;
    });
    assert.deepEqual([describeTree('/etc').join(), readdirSync(scratch).join()], untouched);
    assert.deepEqual([listImages(store.database), listLayers(store.database)], [[], []]);
    assert.deepEqual(readdirSync(join(store.layout.blobs, 'sha256')), []);
  });
}

unpackTest('absolute paths and links stay inside the layer', [], async ({ store }) => {
  const root = await unpacked(
    store,
    once(
      tarOf(
        { name: '/absolute', content: 'a' },
        { name: 'out', type: '2', link: '/' },
        { name: 'up', type: '2', link: '../../../../..' },
        { name: 'etc', type: '5' },
        { name: 'out/etc/one', content: 'b' },
        { name: 'up/etc/two', content: 'c' },
        { name: 'hard', type: '1', link: '/out/etc/one' },
        { name: 'soft', type: '2', link: '/etc/shadow' },
        { name: 'hardsoft', type: '1', link: 'soft' },
      ),
    ),
  );
  assert.deepEqual(readdirSync(join(root, 'etc')), ['one', 'two']);
  assert.equal(existsSync('/etc/one') || existsSync('/etc/two') || existsSync('/absolute'), false);
  assert.equal(readFileSync(join(root, 'hard'), 'utf8'), 'b');
  assert.ok(lstatSync(join(root, 'hardsoft')).isSymbolicLink());
});

unpackTest(
  'a later entry of the same name replaces the earlier one, links are not followed',
  [],
  async ({ scratch, store }) => {
    const victim = join(scratch, 'victim');
    writeFileSync(victim, 'safe');
    const root = await unpacked(
      store,
      once(
        tarOf(
          { name: 'a', type: '2', link: victim },
          { name: 'a', content: 'new' },
          { name: 'b', type: '2', link: scratch },
          { name: 'b', type: '5' },
          { name: 'b/victim', content: 'new' },
          { name: 'c', type: '6' },
          { name: 'c', content: 'no longer a FIFO' },
          { name: 'd', type: '5' },
          { name: 'd/x/y', content: 'x' },
          { name: 'd', content: 'a file now' },
          { name: 'd', type: '5' },
          { name: 'd/z', content: 'z' },
          { name: 'e', type: '3', major: 1, minor: 3 },
          { name: 'e', content: 'not written to the device' },
        ),
      ),
    );
    assert.equal(readFileSync(victim, 'utf8'), 'safe');
    assert.equal(readFileSync(join(root, 'a'), 'utf8'), 'new');
    assert.equal(readFileSync(join(root, 'b/victim'), 'utf8'), 'new');
    assert.equal(readFileSync(join(root, 'c'), 'utf8'), 'no longer a FIFO');
    assert.deepEqual(readdirSync(join(root, 'd')), ['z']);
    assert.ok(lstatSync(join(root, 'e')).isFile());
  },
);

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

unpackTest('damaged and foreign archives are refused, nothing is registered', [], async ({ store }) => {
  const archive = tarOf({ name: 'a', content: 'x'.repeat(5000) });
  const cases: readonly (readonly [Buffer, string])[] = [
    [Buffer.alloc(0), 'corrupt'],
    [archive.subarray(0, 3000), 'corrupt'],
    [archive.subarray(0, archive.length - 1024), 'corrupt'],
    [gzipSync(archive).subarray(0, 60), 'corrupt'],
    [Buffer.from('#!/bin/sh\necho no archive\n'.repeat(40)), 'corrupt'],
    [Buffer.from('BZh91AY&SY'), 'unsupported'],
    [tarOf({ name: 'a', type: 'S' }), 'unsupported'],
  ];
  for (const [bytes, code] of cases) await assert.rejects(importImage(store, once(bytes), 'x'), { code });
  await assert.rejects(importImage(store, '/nonexistent.tar', 'x'), { code: 'not-found' });
  await assert.rejects(importImage(store, once(archive), 'X'), { code: 'invalid' });
  await assert.rejects(importImage(store, once(archive), 'x', { signal: AbortSignal.abort() }), { code: 'cancelled' });
  async function* stuck(): AsyncGenerator<Buffer> {
    yield archive.subarray(0, 2000);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  const soon = AbortSignal.timeout(50);
  const before = performance.now();
  await assert.rejects(importImage(store, stuck(), 'x', { signal: soon }), { code: 'cancelled' });
  assert.ok(performance.now() - before < 1500);
  assert.deepEqual(listImages(store.database), []);
});

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

unpackTest('two imports of one root file system at once share its layer', [], async ({ store }) => {
  const archive = tarOf(...Array.from({ length: 200 }, (_, index) => ({ name: `f${index}`, content: 'x' })));
  const images = await Promise.all(['a', 'b', 'c'].map((name) => importImage(store, once(archive), name)));
  assert.equal(listLayers(store.database).length, 1);
  assert.deepEqual(await collect(store), []);
  for (const { id } of images) await removeImage(store, id, { force: true });
  assert.deepEqual([listImages(store.database), listLayers(store.database)], [[], []]);
  assert.deepEqual(readdirSync(join(store.layout.blobs, 'sha256')), []);
});

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

unpackTest('a file is read as a stream, whatever its size', [], async ({ scratch, store }) => {
  const size = 300 * 1024 * 1024;
  sh(`truncate -s ${size} big && tar -cf - big | gzip -1 > big.tar.gz && rm big`, scratch);
  const before = process.memoryUsage().rss;
  const root = await unpacked(store, createReadStream(join(scratch, 'big.tar.gz')));
  assert.equal(lstatSync(join(root, 'big')).size, size);
  assert.ok(process.memoryUsage().rss - before < 150 * 1024 * 1024);
});
