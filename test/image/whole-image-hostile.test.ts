/** What is kept beside an image is verified like the image (THREATS, classes E and G); and gzip as eStargz has it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync, gunzipSync, zstdCompressSync } from 'node:zlib';
import { findImage } from '../../src/image/find.ts';
import { removeImage } from '../../src/image/remove.ts';
import { tarOf } from '../../src/image/testing.ts';
import { type Digest, sha256 } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import { serve } from '../../src/registry/testing.ts';
import { listImageNames } from '../../src/store/image-row.ts';
import { blobPath } from '../../src/store/layout.ts';
import { run } from '../harness/program.ts';
import { imageTest } from '../harness/system-test.ts';
import { imageOf, manifestOf, servesImages, smallImage, type TestManifest } from '../harness/test-image.ts';
import { assertEmpty, pullTest, unpackedFiles } from './pull-world.ts';

const image = smallImage(2);
const amd64 = { os: 'linux', architecture: 'amd64' };

function entry({ mediaType, digest, bytes }: TestManifest, platform?: object) {
  return { mediaType, digest, size: bytes.length, ...(platform !== undefined && { platform }) };
}

const fails = (code: string, message: RegExp) => (error: Error & { readonly code?: string }) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

function attested(layer: { digest: Digest; size: number; mediaType: string }) {
  const attestation = manifestOf(mediaTypes.manifest, { config: image.config, layers: [layer] });
  const unknown = { os: 'unknown', architecture: 'unknown' };
  const index = manifestOf(mediaTypes.index, {
    manifests: [entry(image.manifest, amd64), entry(attestation, unknown)],
  });
  return [index, attestation];
}

pullTest('an attestation of other bytes than its manifest says: nothing is registered', [], async (world) => {
  const layer = { mediaType: 'application/vnd.in-toto+json', digest: sha256('true'), size: 4 };
  for (const [bytes, code, message] of [
    ['lies', 'corrupt', /have digest|came have digest/],
    ['longer than that', 'corrupt', /over the 4 bytes|4 bytes/],
    [undefined, 'not-found', /404/],
  ] as const) {
    const lie = servesImages([image], attested(layer), ({ path }, response) => {
      if (!path.endsWith(`/blobs/${layer.digest}`) || bytes === undefined) return false;
      response.end(bytes);
      return true;
    });
    await using server = await serve(lie);
    await assert.rejects(world.pull(`${server.host}/app`, { allPlatforms: true }), fails(code, message));
    assertEmpty(world);
    // Of one platform nobody asks for it.
    await world.pull(`${server.host}/app`);
    await removeImage(world.context.store, `${server.host}/app`, {});
    assertEmpty(world);
  }
});

pullTest('indexes in indexes in indexes, in a circle, or without number', [], async (world) => {
  const deepest = manifestOf(mediaTypes.index, { manifests: [entry(image.manifest, amd64)] });
  const deeper = manifestOf(mediaTypes.index, { manifests: [entry(deepest)] });
  const deep = manifestOf(mediaTypes.index, { manifests: [entry(image.manifest, amd64), entry(deeper)] });
  const many = manifestOf(mediaTypes.index, {
    manifests: [
      entry(image.manifest, amd64),
      ...Array.from({ length: 15_000 }, (_, each) => ({ ...entry(deepest), digest: sha256(`${each}`) })),
    ],
  });
  for (const [manifests, code, message] of [
    [[deep, deeper, deepest], 'unsupported', /over 2 indexes in one another/],
    [[many], 'corrupt', /manifests|index/],
  ] as const) {
    await using server = await serve(servesImages([image], manifests));
    await assert.rejects(world.pull(`${server.host}/app`, { allPlatforms: true }), fails(code, message));
    assertEmpty(world);
    assert.ok(server.requests.length < 20);
  }
});

pullTest('a second form of a layer that is another one is refused; what was there stays', [], async (world) => {
  const tars = [tarOf({ name: 'a', content: 'a'.repeat(1000) })];
  const zstd = imageOf(tars, {
    compress: (tar) => ({ mediaType: mediaTypes.layerZstd, bytes: zstdCompressSync(tar) }),
  });
  await using honest = await serve(servesImages([imageOf(tars)]));
  await world.pull(`${honest.host}/app`);
  const wanted = zstd.layers[0]?.digest ?? '';
  await using server = await serve(
    servesImages([zstd], undefined, ({ path }, response) => {
      if (!path.endsWith(wanted)) return false;
      response.end(Buffer.alloc(zstd.layers[0]?.size ?? 0));
      return true;
    }),
  );
  await assert.rejects(world.pull(`${server.host}/app`), fails('corrupt', /digest/));
  const { store } = world.context;
  assert.deepEqual(
    listImageNames(store.database).map(({ reference }) => reference),
    [`${honest.host}/app:latest`],
  );
  assert.equal(existsSync(blobPath(store.layout, wanted as Digest)), false);
  assert.equal(findImage(store, `${honest.host}/app`).manifest, imageOf(tars).manifest.digest);
  await using mended = await serve(servesImages([zstd]));
  await world.pull(`${mended.host}/app`);
  assert.deepEqual(unpackedFiles(world, `${mended.host}/app`), [['a']]);
});

/** A member of its own for each piece, an index of them as the last file, and the footer: an empty member with a note. */
function stargz(pieces: readonly Buffer[]): Buffer {
  const member = (data: Buffer, extra = Buffer.alloc(0)): Buffer => {
    const head = Buffer.from([0x1f, 0x8b, 8, extra.length > 0 ? 4 : 0, 0, 0, 0, 0, 0, 255]);
    const length = Buffer.from([extra.length & 255, extra.length >> 8]);
    const tail = Buffer.alloc(8);
    tail.writeUInt32LE(crc32(data), 0);
    tail.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, ...(extra.length > 0 ? [length, extra] : []), deflateRawSync(data), tail]);
  };
  const note = `${'0'.repeat(15)}1STARGZ`;
  const extra = Buffer.concat([Buffer.from('SG'), Buffer.from([note.length, 0]), Buffer.from(note)]);
  return Buffer.concat([...pieces.map((piece) => member(piece)), member(Buffer.alloc(0), extra)]);
}

imageTest('a layer as eStargz is read as the gzip that it is, and leaves as it came', [], async (world) => {
  const tar = tarOf(
    { name: 'a', content: 'a'.repeat(5000) },
    { name: '.no.prefetch.landmark', content: '\x0f' },
    { name: 'b', content: 'b' },
    { name: 'stargz.index.json', content: '{"version":1,"entries":[]}' },
  );
  const pieces = Array.from({ length: Math.ceil(tar.length / 700) }, (_, at) => tar.subarray(at * 700, (at + 1) * 700));
  const bytes = stargz(pieces);
  assert.deepEqual(gunzipSync(bytes), tar, 'the test makes gzip');
  const layer = imageOf([tar], { compress: () => ({ mediaType: mediaTypes.layerGzip, bytes }) });
  await using server = await serve(servesImages([layer]));
  await world.ok(['pull', '-q', `${server.host}/app`], { env: { DOCKER_CONFIG: world.scratch } });
  const archive = join(world.scratch, 'a.tar');
  await world.ok(['save', '-o', archive, `${server.host}/app`]);
  const digest = layer.layers[0]?.digest.slice(7) ?? '';
  const kept = await run('tar', ['-C', world.scratch, '-xf', archive, `blobs/sha256/${digest}`]);
  assert.equal(kept.status, 0, kept.stderr);
  assert.deepEqual(readFileSync(join(world.scratch, 'blobs/sha256', digest)), bytes);
  const cut = join(world.scratch, 'cut.gz');
  writeFileSync(cut, bytes.subarray(0, bytes.length - 60));
  const imported = await world.onggi(['import', cut, 'cut']);
  assert.equal(imported.status, 1, 'a member cut off');
});
