/** What came from a registry leaves by the digests that it came with: indexes, attestations, each compression of a layer. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { tarOf } from '../../src/image/testing.ts';
import { type Digest, sha256 } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import { type Registry, startRegistry } from '../harness/registry.ts';
import { imageTest, type World } from '../harness/system-test.ts';
import { imageOf, manifestOf, pushImage, smallImage, type TestManifest } from '../harness/test-image.ts';

const env = { DOCKER_CONFIG: '/nonexistent', ONGGI_REGISTRIES_CONF: '/dev/null' };

/** Two platforms, an attestation of the first, and the second again in an index of its own. */
async function pushIndex(registry: Registry): Promise<{ index: TestManifest; amd64: Digest; arm64: Digest }> {
  const images = { amd64: smallImage(2), arm64: smallImage(1, { architecture: 'arm64' }, 'arm') };
  for (const image of Object.values(images)) await pushImage(registry, 'app', image);
  const blob = async (mediaType: string, text: string) => {
    await registry.putBlob('app', Buffer.from(text));
    return { mediaType, digest: sha256(Buffer.from(text)), size: text.length };
  };
  const attestation = manifestOf(mediaTypes.manifest, {
    config: await blob(mediaTypes.config, '{"architecture":"unknown","os":"unknown"}'),
    layers: [await blob('application/vnd.in-toto+json', '{"predicateType":"https://slsa.dev/provenance/v0.2"}')],
  });
  await registry.putManifest('app', attestation.digest, attestation.mediaType, attestation.document);
  const entry = ({ mediaType, digest, bytes }: TestManifest, platform: object | null) => ({
    mediaType,
    digest,
    size: bytes.length,
    ...(platform !== null && { platform }),
  });
  const arm = { os: 'linux', architecture: 'arm64' };
  const nested = manifestOf(mediaTypes.index, { manifests: [entry(images.arm64.manifest, arm)] });
  await registry.putManifest('app', nested.digest, nested.mediaType, nested.document);
  const index = manifestOf(mediaTypes.index, {
    manifests: [
      entry(images.amd64.manifest, { os: 'linux', architecture: 'amd64' }),
      entry(images.arm64.manifest, arm),
      entry(attestation, { os: 'unknown', architecture: 'unknown' }),
      entry(nested, null),
    ],
  });
  await registry.putManifest('app', 'v1', index.mediaType, index.document);
  return { index, amd64: images.amd64.manifest.digest, arm64: images.arm64.manifest.digest };
}

/** Digest of what a tag stands for, with everything below it fetched. */
async function fetched(host: string, reference: string, accept: string = mediaTypes.index): Promise<string> {
  const get = async (path: string, type: string) => {
    const response = await fetch(`http://${host}/v2/${path}`, { headers: { accept: type } });
    assert.equal(response.status, 200, `${path}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  };
  const [repository = '', tag = ''] = reference.split(/:(?=[^:]*$)/);
  const walk = async (name: string, type: string): Promise<string> => {
    const bytes = await get(`${repository}/manifests/${name}`, type);
    const { manifests = [], config, layers = [] } = JSON.parse(bytes.toString());
    for (const each of manifests) assert.equal(await walk(each.digest, each.mediaType), each.digest);
    for (const each of config === undefined ? [] : [config, ...layers]) {
      assert.equal(sha256(await get(`${repository}/blobs/${each.digest}`, '*/*')), each.digest);
    }
    return sha256(bytes);
  };
  return await walk(tag, accept);
}

const digests = async (world: World, root: string, name: string): Promise<string[]> =>
  JSON.parse(await world.ok(['--root', root, 'image', 'inspect', '--format', '{{json .RepoDigests}}', name]));

imageTest(
  'an index, pulled whole, is pushed, saved, loaded, copied and served whole',
  ['docker-registry'],
  async (world) => {
    await using from = await startRegistry();
    await using to = await startRegistry();
    const { index, arm64 } = await pushIndex(from);
    const source = `${from.host}/app:v1`;
    const target = `${to.host}/team/app:v2`;
    // First one platform alone: the rest comes later, though the name is up to date.
    await world.ok(['pull', '-q', source], { env });
    await world.ok(['pull', '-q', '--all-platforms', source], { env });
    const inspect = (...args: string[]) =>
      world.ok(['image', 'inspect', '-f', '{{.Architecture}} {{.RepoTags}}', ...args]);
    assert.equal(await inspect(source), `amd64 [${source}]`);
    assert.equal(await inspect('--platform', 'linux/arm64', source), `arm64 [${source}]`);
    assert.equal(await inspect(`${from.host}/app@${arm64}`), 'arm64 []');
    await world.ok(['history', '--platform', 'linux/arm64', source]);
    const other = await world.onggi(['image', 'inspect', '--platform', 'linux/s390x', source]);
    assert.match(other.stderr, /is for platform "linux\/amd64", not "linux\/s390x"/);
    // A container of it needs no registry, and the name goes on standing for the image of this machine.
    const container = await world.ok(['create', '--platform', 'linux/arm64', '--network', 'none', source, 'true'], {
      env,
    });
    assert.equal(
      await world.ok(['container', 'inspect', '-f', '{{.Image}}', container]),
      await world.ok(['image', 'inspect', '-f', '{{.Id}}', '--platform', 'linux/arm64', source]),
    );
    await world.ok(['rm', container]);
    assert.equal(await inspect(source), `amd64 [${source}]`);
    await world.ok(['tag', source, target]);
    const printed = await world.ok(['push', target], { env });
    assert.match(printed, new RegExp(`\nv2: digest: ${index.digest} size: ${index.bytes.length}$`));
    assert.equal(await fetched(to.host, 'team/app:v2'), index.digest);
    const known = await digests(world, world.root, target);
    assert.deepEqual(known.sort(), [`${from.host}/app@${index.digest}`, `${to.host}/team/app@${index.digest}`].sort());

    const archive = join(world.scratch, 'a.tar');
    await world.ok(['save', '-o', archive, target]);
    const root = join(world.scratch, 'second');
    assert.equal(await world.ok(['--root', root, 'load', '-i', archive]), `Loaded image: ${target}`);
    assert.deepEqual(await digests(world, root, target), [`${to.host}/team/app@${index.digest}`]);
    assert.equal(
      await world.ok(['--root', root, 'image', 'inspect', '-f', '{{.Architecture}}', `${to.host}/team/app@${arm64}`]),
      'arm64',
    );
    await world.ok(['--root', root, 'tag', target, `${to.host}/other:v3`]);
    await world.ok(['--root', root, 'push', '-q', `${to.host}/other:v3`], { env });
    assert.equal(await fetched(to.host, 'other:v3'), index.digest);

    const directory = join(world.scratch, 'dir');
    assert.equal(await world.ok(['image', 'copy', '-q', '--all', `onggi:${target}`, `dir:${directory}`]), index.digest);
    assert.equal(sha256(readFileSync(join(directory, 'manifest.json'))), index.digest);

    await world.ok(['push', '-q', '--platform', 'linux/arm64', target], { env });
    assert.equal(await fetched(to.host, 'team/app:v2', mediaTypes.manifest), arm64);
    await world.ok(['--root', root, 'rmi', '-f', ...(await world.ok(['--root', root, 'images', '-q'])).split('\n')]);
    assert.deepEqual(readdirSync(join(root, 'blobs/sha256')), []);
  },
);

imageTest(
  'of an index that came for one platform, that one is pushed, and the index keeps its name',
  ['docker-registry'],
  async (world) => {
    await using from = await startRegistry();
    await using to = await startRegistry();
    const { index, arm64 } = await pushIndex(from);
    const [source, target] = [`${from.host}/app:v1`, `${to.host}/app:v1`];
    await world.ok(['pull', '-q', '--platform', 'linux/arm64', source], { env });
    await world.ok(['tag', source, target]);
    const printed = await world.ok(['push', target], { env });
    assert.match(
      printed,
      /Not all multiplatform-content is present and only the available single-platform image was pushed/,
    );
    assert.match(printed, new RegExp(`${index.digest} -> ${arm64}`));
    assert.equal(await fetched(to.host, 'app:v1', mediaTypes.manifest), arm64);
    const refused = await world.onggi(['push', '--platform', 'linux/amd64', target], { env });
    assert.deepEqual([refused.status, /is for platform "linux\/arm64/.test(refused.stderr)], [1, true], refused.stderr);
    // The archive has what is here of the index; loaded, the name stands for the index again.
    const archive = join(world.scratch, 'a.tar');
    await world.ok(['save', '-o', archive, source]);
    const root = join(world.scratch, 'second');
    await world.ok(['--root', root, 'load', '-i', archive]);
    assert.deepEqual(await digests(world, root, source), [`${from.host}/app@${index.digest}`]);
    const none = await world.onggi(['--root', root, 'load', '-i', archive, '--platform', 'linux/amd64']);
    assert.deepEqual(
      [none.status, /no image for platform "linux\/amd64" is in the archive/.test(none.stderr)],
      [1, true],
      none.stderr,
    );
  },
);

imageTest('one layer in two compressions: each image leaves by its own', ['docker-registry'], async (world) => {
  await using from = await startRegistry();
  await using to = await startRegistry();
  const tars = [tarOf({ name: 'a', content: randomBytes(50_000) }), tarOf({ name: 'b', content: 'b' })];
  const gzip = imageOf(tars);
  const zstd = imageOf(tars, {
    compress: (tar) => ({ mediaType: mediaTypes.layerZstd, bytes: zstdCompressSync(tar) }),
  });
  const other = imageOf(tars, {
    compress: (tar) => ({ mediaType: mediaTypes.layerGzip, bytes: gzipSync(tar, { level: 9 }) }),
    config: { Cmd: ['other'] },
  });
  const images = { gzip, zstd, other };
  for (const [tag, image] of Object.entries(images)) {
    await pushImage(from, 'app', image, tag);
    await world.ok(['pull', '-q', `${from.host}/app:${tag}`], { env });
  }
  for (const [tag, { manifest }] of Object.entries(images)) {
    await world.ok(['tag', `${from.host}/app:${tag}`, `${to.host}/app:${tag}`]);
    assert.match(await world.ok(['push', `${to.host}/app:${tag}`], { env }), new RegExp(`digest: ${manifest.digest} `));
    assert.equal(await fetched(to.host, `app:${tag}`, mediaTypes.manifest), manifest.digest);
  }
  // What is kept beside the layers is looked after too.
  for (const lost of [zstd.manifest.digest, zstd.layers[0]?.digest ?? '']) {
    rmSync(join(world.root, 'blobs/sha256', lost.slice(7)));
  }
  assert.match(await world.ok(['system', 'check', '--quick', '--repair'], { env }), /fetched again.*\n.*fetched again/);
  assert.match(await world.ok(['system', 'check']), /^everything is whole$/);
  await world.ok(['rmi', '-f', ...(await world.ok(['images', '-q'])).split('\n')]);
  assert.deepEqual(readdirSync(join(world.root, 'blobs/sha256')), []);
});
