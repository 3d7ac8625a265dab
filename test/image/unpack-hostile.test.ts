/** Layers on the real file system: hostile, damaged and foreign archives. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { OnggiError } from '../../src/errors.ts';
import { importImage } from '../../src/image/import.ts';
import { stageLayer } from '../../src/image/layer.ts';
import { type TestEntry, tarOf } from '../../src/image/testing.ts';
import { listImages } from '../../src/store/image-row.ts';
import { listLayers } from '../../src/store/layer-row.ts';
import { describeTree } from './unpack-tree.ts';
import { once, unpacked, unpackTest } from './unpack-world.ts';

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

unpackTest('damaged and foreign archives are refused, nothing is registered', [], async ({ store }) => {
  const archive = tarOf({ name: 'a', content: 'x'.repeat(5000) });
  const cases: readonly (readonly [Buffer, string])[] = [
    [Buffer.alloc(0), 'corrupt'],
    [archive.subarray(0, 3000), 'corrupt'],
    [archive.subarray(0, archive.length - 1024), 'corrupt'],
    [gzipSync(archive).subarray(0, 60), 'corrupt'],
    [Buffer.from('#!/bin/sh\necho no archive\n'.repeat(40)), 'corrupt'],
    [Buffer.from('PK\u0003\u0004 a zip'), 'unsupported'],
    [Buffer.from('BZh91AY&SY'), existsSync('/usr/bin/bzip2') ? 'corrupt' : 'unsupported'],
    [tarOf({ name: 'a', type: 'S', content: 'more than its map' }), 'corrupt'],
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

for (const [what, limits, words] of [
  ['over its ratio', { size: 2 ** 40, ratio: 50, free: 2 ** 20 }, /compressed bytes made over \d+: the limit is 50/],
  ['over its size', { size: 2 ** 20, ratio: 2000, free: 2 ** 20 }, /over 1048576 bytes/],
] as const) {
  unpackTest(`a layer that grows ${what} is refused, and nothing stays`, [], async ({ store }) => {
    const bomb = gzipSync(tarOf({ name: 'zeros', content: Buffer.alloc(8 * 2 ** 20) }));
    const expected = { what: 'layer "x"', blob: {}, lowest: true };
    await assert.rejects(stageLayer(store, once(bomb), { ...expected, limits }), (error: OnggiError) => {
      assert.equal(error.code, 'exhausted', error.message);
      assert.match(error.message, words);
      assert.match(error.hint ?? '', /ONGGI_LAYER_/);
      return true;
    });
    // As much is fine when it comes as it is.
    using _ = await stageLayer(store, once(tarOf({ name: 'x', content: 'x' })), { ...expected, limits });
  });
}
