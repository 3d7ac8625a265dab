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
import { openRepository } from '../../src/registry/repository.ts';
import { resolveImage } from '../../src/registry/resolve.ts';
import { failsWith } from '../../src/registry/testing.ts';
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

/** Passes bytes on and cuts the first `times` connections that bring more than `limit` bytes. */
async function cuttingProxy(host: string, limit: number, times: number) {
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const [address = '', port = ''] = host.split(':');
    const upstream = connect(Number(port), address);
    let passed = 0;
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
    client.pipe(upstream);
    upstream.on('data', (bytes: Buffer) => {
      passed += bytes.length;
      if (passed <= limit || cuts >= times) {
        if (!client.write(bytes)) upstream.pause();
        return;
      }
      cuts += 1;
      client.destroy();
    });
    client.on('drain', () => upstream.resume());
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
