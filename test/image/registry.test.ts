/** The registry client against Debian's docker-registry. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { tarOf } from '../../src/image/testing.ts';
import { sha256 } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import { parsePlatform } from '../../src/oci/platform.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { fetchBlob } from '../../src/registry/blob.ts';
import { findManifest } from '../../src/registry/manifest-fetch.ts';
import { deleteManifest } from '../../src/registry/manifest-push.ts';
import { listReferrers, putReferrer } from '../../src/registry/referrers.ts';
import { openRepository } from '../../src/registry/repository.ts';
import { resolveImage } from '../../src/registry/resolve.ts';
import { listRepositories, listTags } from '../../src/registry/tags.ts';
import { failsWith } from '../../src/registry/testing.ts';
import { uploadBlob } from '../../src/registry/upload.ts';
import { run } from '../harness/program.ts';
import { startRegistry } from '../harness/registry.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { imageOf, indexOf, pushImage, smallImage } from '../harness/test-image.ts';

const needs = requires('docker-registry');
const platform = parsePlatform('linux/amd64');
const limit = 1e8;

test('an index, its manifest, its config, by tag and by digest', needs, async () => {
  await using registry = await startRegistry();
  const images = { arm64: smallImage(1, { architecture: 'arm64' }), amd64: smallImage(2) };
  for (const image of Object.values(images)) await pushImage(registry, 'team/app', image);
  const index = indexOf(images);
  await registry.putManifest('team/app', 'v1', index.mediaType, index.document);
  const repository = openRepository(registry.host, 'team/app');
  for (const suffix of [':v1', `@${index.digest}`]) {
    const reference = parseReference(`${registry.host}/team/app${suffix}`);
    const { digest, manifest } = await resolveImage(repository, reference, { platform });
    assert.equal(digest, index.digest);
    assert.equal(manifest.digest, images.amd64.manifest.digest);
    assert.deepEqual(manifest.content.layers, images.amd64.layers);
    const config = await fetchBlob(repository, manifest.content.config, limit);
    assert.ok(config.equals(images.amd64.blobs.get(images.amd64.config.digest) ?? Buffer.alloc(0)));
  }
  const riscv = resolveImage(repository, parseReference(`${registry.host}/team/app:v1`), {
    platform: parsePlatform('linux/riscv64'),
  });
  await assert.rejects(riscv, failsWith('not-found', /no image for platform "linux\/riscv64"/));
});

test('what is not there', needs, async () => {
  await using registry = await startRegistry();
  await pushImage(registry, 'app', smallImage(1), 'v1');
  const repository = openRepository(registry.host, 'app');
  const reference = parseReference(`${registry.host}/app:v2`);
  await assert.rejects(
    resolveImage(repository, reference, { platform }),
    failsWith('not-found', /^image "127\.0\.0\.1:\d+\/app:v2": "127\.0\.0\.1:\d+" answered 404 \(MANIFEST_UNKNOWN/),
  );
  const blob = { digest: sha256('nothing'), size: 7 };
  await assert.rejects(fetchBlob(repository, blob, limit), failsWith('not-found', /BLOB_UNKNOWN/));
});

test('basic authentication: right, wrong and no credentials', requires('docker-registry', 'htpasswd'), async () => {
  const user = { username: 'user', password: 'canary password' };
  await using registry = await startRegistry({ user: user.username, password: user.password });
  const image = smallImage(1);
  await pushImage(registry, 'app', image, 'v1');
  const reference = parseReference(`${registry.host}/app:v1`);
  const resolve = (credentials: typeof user | null) =>
    resolveImage(openRepository(registry.host, 'app', { credentials }), reference, { platform });
  assert.equal((await resolve(user)).digest, image.manifest.digest);
  await assert.rejects(resolve(null), failsWith('unauthorized', /asks for a user name and password/));
  await assert.rejects(resolve({ ...user, password: 'other' }), failsWith('unauthorized', /UNAUTHORIZED/));
});

test('a download goes on after its connection is cut', needs, async () => {
  await using registry = await startRegistry();
  const image = imageOf([tarOf({ name: 'large', content: randomBytes(8_000_000) })]);
  await pushImage(registry, 'app', image);
  await using proxy = await cuttingProxy(registry.host, 3_000_000, 2);
  const [layer] = image.layers;
  assert.ok(layer);
  const bytes = await fetchBlob(openRepository(proxy.host, 'app'), layer, limit);
  assert.equal(sha256(bytes), layer.digest);
  assert.equal(proxy.cuts(), 2);
  assert.match(registry.log(), /http\.response\.status=206/);
});

/** A blob to push, out of memory. */
function giftOf(content: Buffer) {
  const open = async function* (offset: number): AsyncGenerator<Uint8Array> {
    for (let at = offset; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
  };
  return { digest: sha256(content), size: content.length, open };
}

test('uploads: whole, in chunks, going on after a cut, mounted', needs, async () => {
  await using registry = await startRegistry();
  const repository = openRepository(registry.host, 'up/loads', { access: 'push' });
  const contents = [randomBytes(0), randomBytes(10), randomBytes(5_000_000), randomBytes(5_000_000)];
  for (const [index, content] of contents.entries()) {
    const chunks = index === 3 ? { chunkSize: 2_000_000 } : {};
    assert.deepEqual(await uploadBlob(repository, { ...giftOf(content), ...chunks }), { how: 'uploaded' });
    assert.deepEqual(await uploadBlob(repository, giftOf(content)), { how: 'exists' });
    assert.ok((await fetchBlob(repository, giftOf(content), limit)).equals(content));
  }
  const large = randomBytes(12_000_000);
  await using proxy = await cuttingProxy(registry.host, 5_000_000, 2, 'upload');
  const cut = openRepository(proxy.host, 'up/loads', { access: 'push' });
  assert.deepEqual(await uploadBlob(cut, giftOf(large)), { how: 'uploaded' });
  assert.equal(proxy.cuts(), 2);
  assert.ok((await fetchBlob(repository, giftOf(large), limit)).equals(large));
  const other = openRepository(registry.host, 'other', { access: 'push', mountFrom: ['nothing', 'up/loads'] });
  const mounted = await uploadBlob(other, { ...giftOf(large), mountFrom: ['nothing', 'up/loads'] });
  assert.deepEqual(mounted, { how: 'mounted', from: 'up/loads' });
});

test('lists, referrers and deletion', needs, async () => {
  await using registry = await startRegistry();
  const image = smallImage(1);
  for (const tag of ['a', 'b', 'c', 'd', 'e']) await pushImage(registry, 'team/app', image, tag);
  await pushImage(registry, 'base', image, 'v1');
  const repository = openRepository(registry.host, 'team/app', { access: 'delete' });
  for (const options of [{}, { pageSize: 2 }]) {
    // In the order of its directory.
    const tags = await Array.fromAsync(listTags(repository, options));
    assert.deepEqual(tags.sort(), ['a', 'b', 'c', 'd', 'e']);
  }
  const catalog = openRepository(registry.host, '', { access: 'catalog' });
  assert.deepEqual(await Array.fromAsync(listRepositories(catalog, { pageSize: 1 })), ['base', 'team/app']);
  const { digest, mediaType, bytes } = image.manifest;
  const found = await findManifest(repository, { reference: 'a', what: 'image' });
  assert.deepEqual(found, { digest, mediaType, size: bytes.length });
  // Debian's registry keeps no list of referrers: they are found under a tag.
  const subject = { mediaType, digest, size: bytes.length };
  const signature = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(bytes).toString()), subject }));
  const gift = { subject: digest, mediaType, bytes: signature, artifactType: 'example/signature' };
  const given = await putReferrer(openRepository(registry.host, 'team/app', { access: 'push' }), gift);
  const [referrer, ...none] = await listReferrers(repository, digest);
  assert.deepEqual([referrer?.digest, referrer?.artifactType, none.length], [given, 'example/signature', 0]);
  assert.deepEqual(await listReferrers(repository, sha256('nobody')), []);
  assert.equal(await deleteManifest(repository, digest), true);
  assert.equal(await deleteManifest(repository, digest), false);
  assert.equal(await findManifest(repository, { reference: 'a', what: 'image' }), undefined);
});

test('images that skopeo pushed, in both formats', requires('docker-registry', 'skopeo'), async () => {
  await using registry = await startRegistry();
  await using scratch = makeScratch();
  const image = smallImage(2);
  const layout = join(scratch.path, 'oci');
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const { manifest } = image;
  for (const [digest, bytes] of [...image.blobs, [manifest.digest, manifest.bytes] as const]) {
    writeFileSync(join(layout, 'blobs/sha256', digest.slice(7)), bytes);
  }
  const annotations = { 'org.opencontainers.image.ref.name': 'x' };
  const entry = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length, annotations };
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  for (const [format, type] of [
    ['oci', mediaTypes.manifest],
    ['v2s2', mediaTypes.dockerManifest],
  ] as const) {
    const to = `docker://${registry.host}/app:${format}`;
    const options = ['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false', '--format', format];
    const copied = await run('skopeo', [...options, `oci:${layout}:x`, to]);
    assert.equal(copied.status, 0, copied.stderr);
    const repository = openRepository(registry.host, 'app');
    const reference = parseReference(`${registry.host}/app:${format}`);
    const resolved = await resolveImage(repository, reference, { platform });
    assert.equal(resolved.manifest.mediaType, type);
    for (const layer of resolved.manifest.content.layers) {
      assert.equal((await fetchBlob(repository, layer, limit)).length, layer.size);
    }
  }
});

/** Passes bytes on and cuts the first `times` connections that bring more than `limit` bytes, or take more. */
async function cuttingProxy(host: string, limit: number, times: number, what: 'download' | 'upload' = 'download') {
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const [address = '', port = ''] = host.split(':');
    const upstream = connect(Number(port), address);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          open.delete(socket);
          client.destroy();
          upstream.destroy();
        });
    }
    const [from, to] = what === 'download' ? [upstream, client] : [client, upstream];
    to.pipe(from);
    let passed = 0;
    from.on('data', (bytes: Buffer) => {
      passed += bytes.length;
      if (passed <= limit || cuts >= times) {
        if (!to.write(bytes)) from.pause();
        return;
      }
      cuts += 1;
      client.destroy();
    });
    to.on('drain', () => from.resume());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  return {
    host: `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
