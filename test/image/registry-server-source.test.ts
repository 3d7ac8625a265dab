/** Where the registry server has its content from besides pushes: images of this machine, another registry. And TLS. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { serve } from '../../src/registry/testing.ts';
import { openDatabase, run as runSql } from '../../src/store/database.ts';
import { run, start } from '../harness/program.ts';
import { startRegistry } from '../harness/registry.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { binary } from '../harness/system-test.ts';
import { digestOf, indexType, manifestType, openPlace, type Place, registryTest } from './registry-place.ts';

/** Imports a small image under each of the names. */
async function importImages(scratch: string, ...names: readonly string[]): Promise<void> {
  const root = join(scratch, 's');
  mkdirSync(join(scratch, 'tree'));
  writeFileSync(join(scratch, 'tree/hello'), 'hello');
  const tar = join(scratch, 'tree.tar');
  await run('tar', ['-C', join(scratch, 'tree'), '-cf', tar, '.']);
  for (const name of names) {
    const { status, stderr } = await run(binary, ['--root', root, 'import', tar, name]);
    assert.equal(status, 0, stderr);
  }
}

/** The manifest and all that it names can be fetched. */
async function pullable({ ask }: Place, repository: string, tag: string): Promise<string> {
  const found = await ask('GET', `/v2/${repository}/manifests/${tag}`);
  assert.equal(found.status, 200, `${repository}:${tag}: ${found.text}`);
  const digest = digestOf(found.text);
  assert.equal(found.headers.get('docker-content-digest'), digest);
  assert.equal((await ask('GET', `/v2/${repository}/manifests/${digest}`)).text, found.text);
  const { config, layers } = JSON.parse(found.text);
  for (const part of [config, ...layers]) {
    const blob = await ask('HEAD', `/v2/${repository}/blobs/${part.digest}`);
    assert.deepEqual([blob.status, blob.headers.get('content-length')], [200, String(part.size)]);
  }
  return digest;
}

for (const way of ['library', 'program'] as const) {
  test(`images of this machine are offered by their names (${way})`, requires('root', 'overlay'), async () => {
    await using scratch = makeScratch();
    await importImages(scratch.path, 'app:1', 'team/app:2', 'quay.io/x/y:3', 'localhost/z', 'localhost:1/hidden');
    {
      await using closed = await openPlace(way, scratch.path);
      assert.deepEqual(JSON.parse((await closed.ask('GET', '/v2/_catalog')).text).repositories, []);
      assert.equal((await closed.ask('GET', '/v2/app/manifests/1')).status, 404, 'only if it is wanted');
    }
    await using place = await openPlace(way, scratch.path, { images: true });
    const { ask } = place;
    for (const [repository, tag] of [
      ['app', '1'],
      ['library/app', '1'],
      ['docker.io/library/app', '1'],
      ['team/app', '2'],
      ['quay.io/x/y', '3'],
      ['z', 'latest'],
      ['localhost/z', 'latest'],
    ] as const) {
      await pullable(place, repository, tag);
    }
    const names = JSON.parse((await ask('GET', '/v2/_catalog')).text).repositories;
    assert.deepEqual(names, ['library/app', 'quay.io/x/y', 'team/app', 'z']);
    assert.deepEqual(JSON.parse((await ask('GET', '/v2/app/tags/list')).text).tags, ['1']);
    const manifest = await ask('GET', '/v2/app/manifests/1');
    const { layers } = JSON.parse(manifest.text);
    assert.equal((await ask('HEAD', `/v2/other/blobs/${layers[0].digest}`)).status, 404);
    assert.equal(
      (await ask('DELETE', `/v2/app/manifests/${digestOf(manifest.text)}`)).status,
      404,
      "not the registry's to delete",
    );
    // A blob of an image is mounted, a pushed manifest of the name comes first, and outlives the image.
    const mount = await ask('POST', `/v2/copy/blobs/uploads/?mount=${layers[0].digest}&from=app`);
    assert.equal(mount.status, 201);
    const pushed = await place.image('app', '1');
    assert.equal(await pullable(place, 'app', '1'), pushed.digest);
    const removed = await run(binary, ['--root', place.root, 'rmi', 'app:1']);
    assert.equal(removed.status, 0, removed.stderr);
    assert.equal((await ask('GET', '/v2/library/app/manifests/1')).status, 404);
    assert.equal((await ask('HEAD', `/v2/copy/blobs/${layers[0].digest}`)).status, 200);
    assert.equal(await pullable(place, 'app', '1'), pushed.digest);
  });
}

registryTest(
  'what was pushed is no image, and the collector keeps it and takes what is idle',
  {},
  async ({ root, image, ask, blob }) => {
    const { digest } = await image('app', 'v1');
    const idle = await blob('app', 'idle');
    assert.equal((await run(binary, ['--root', root, 'images', '-q'])).stdout, '');
    const reconcile = async () => assert.equal((await run(binary, ['--root', root, 'reconcile'])).status, 0);
    await reconcile();
    assert.equal((await ask('HEAD', `/v2/app/blobs/${idle}`)).status, 200, 'a push may be under way');
    runSql(openDatabase(join(root, 'onggi.db')), 'UPDATE registry_blobs SET used = 1');
    await reconcile();
    assert.equal((await ask('HEAD', `/v2/app/blobs/${idle}`)).status, 404);
    assert.ok(!readdirSync(join(root, 'blobs/sha256')).includes(idle.slice(7)));
    assert.equal((await ask('GET', '/v2/app/manifests/v1')).headers.get('docker-content-digest'), digest);
  },
);

registryTest('what was lost or damaged on disk is not offered, and comes again by a push', {}, async (place) => {
  const { root, image, ask } = place;
  const file = (digest: string) => join(root, 'blobs/sha256', digest.slice(7));
  const { digest, layer, config, bytes } = await image('app', 'v1');
  rmSync(file(layer));
  assert.equal((await ask('HEAD', `/v2/app/blobs/${layer}`)).status, 404);
  const put = () => ask('PUT', '/v2/app/manifests/v2', { headers: { 'content-type': manifestType }, body: bytes });
  assert.equal((await put()).code, 'MANIFEST_BLOB_UNKNOWN');
  await image('app', 'v1');
  assert.equal((await put()).status, 201);
  // Other bytes of the same number are found by a check of the store, which takes them out.
  for (const damaged of [config, digest]) writeFileSync(file(damaged), readFileSync(file(damaged)).fill(0));
  assert.equal((await ask('GET', '/v2/app/manifests/v1')).status, 500, 'never the wrong bytes');
  const check = await run(binary, ['--root', root, 'system', 'check', '--repair']);
  assert.match(check.stdout + check.stderr, /push it again/);
  assert.equal((await ask('HEAD', `/v2/app/blobs/${config}`)).status, 404);
  assert.equal((await ask('GET', '/v2/app/manifests/v1')).status, 404);
  assert.equal((await image('app', 'v1')).digest, digest);
  assert.equal((await ask('GET', `/v2/app/blobs/${config}`)).text, '{"os":"linux"}');
  assert.equal((await run(binary, ['--root', root, 'system', 'check'])).status, 0);
});

test('onggi pushes to it and pulls from it', requires('root', 'overlay'), async () => {
  await using scratch = makeScratch();
  await using place = await openPlace('program', scratch.path);
  const name = `${place.host}/team/app:1`;
  const other = makeScratch();
  await using _ = other;
  await importImages(other.path, name);
  const env = { DOCKER_CONFIG: scratch.path };
  const onggi = (root: string, ...args: readonly string[]) =>
    run(binary, ['--root', join(other.path, root), ...args], { env });
  const pushed = await onggi('s', 'push', name);
  assert.equal(pushed.status, 0, pushed.stderr);
  const digest = await pullable(place, 'team/app', '1');
  assert.match(pushed.stdout, new RegExp(digest));
  assert.equal((await onggi('t', 'pull', '-q', name)).status, 0);
  const id = async (root: string) => (await onggi(root, 'images', '-q', '--no-trunc')).stdout;
  assert.equal(await id('t'), await id('s'));
});

for (const way of ['library', 'program'] as const) {
  test(`a cache of another registry (${way})`, requires('docker-registry'), async () => {
    await using scratch = makeScratch();
    const layer = Buffer.alloc(3_000_000, 'layer');
    const config = '{}';
    const descriptor = (mediaType: string, bytes: string | Buffer) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
    });
    const upstream = await startRegistry();
    await using undo = new AsyncDisposableStack();
    undo.use(upstream);
    const put = async (tag: string, extra: object) => {
      for (const bytes of [Buffer.from(config), layer]) await upstream.putBlob('team/app', bytes);
      const parts = {
        config: descriptor('application/vnd.oci.image.config.v1+json', config),
        layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
      };
      return await upstream.putManifest('team/app', tag, manifestType, {
        schemaVersion: 2,
        mediaType: manifestType,
        ...parts,
        ...extra,
      });
    };
    const first = await put('v1', {});
    await using place = await openPlace(way, scratch.path, { proxy: upstream.host });
    const { ask } = place;
    assert.equal((await ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`)).status, 404, 'no manifest names it yet');
    assert.equal(await pullable(place, 'team/app', 'v1'), first);
    const fetched = () =>
      upstream
        .log()
        .split('\n')
        .filter((line) => line.includes(digestOf(layer)) && line.includes('GET')).length;
    const all = await Promise.all(Array.from({ length: 5 }, () => ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`)));
    for (const { status, text } of all) assert.deepEqual([status, text.length], [200, layer.length]);
    assert.ok(fetched() <= 1 + 1, `fetched once: ${fetched()}`);
    const part = await ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`, { headers: { range: 'bytes=0-4' } });
    assert.deepEqual([part.status, part.text], [206, 'layer']);
    for (const [method, path] of [
      ['POST', '/v2/x/blobs/uploads/'],
      ['DELETE', '/v2/team/app/manifests/v1'],
    ] as const) {
      assert.equal((await ask(method, path)).status, 405);
    }
    assert.equal((await ask('GET', '/v2/team/app/manifests/none')).status, 404);
    assert.equal((await ask('GET', '/v2/nobody/manifests/x')).status, 404);
    assert.deepEqual(JSON.parse((await ask('GET', '/v2/_catalog')).text).repositories, ['team/app']);
    // What was kept is there when the other registry is not.
    await undo.disposeAsync();
    assert.equal(await pullable(place, 'team/app', 'v1'), first);
    assert.equal((await ask('GET', '/v2/team/app/manifests/never-seen')).status, 503);
    await using plain = await openPlace('library', scratch.path);
    assert.deepEqual(
      JSON.parse((await plain.ask('GET', '/v2/_catalog')).text).repositories,
      [],
      'it is not pushed content',
    );
  });
}

test('a cache gives nobody the end of a blob that is not what it should be, and keeps none of it', async () => {
  await using scratch = makeScratch();
  const real = Buffer.alloc(100_000, 'good');
  const forged = Buffer.alloc(100_000, 'evil');
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'text/x', digest: digestOf(real), size: real.length },
    layers: [],
  });
  let lies = true;
  await using upstream = await serve(({ path, method }, response) => {
    if (path.includes('/manifests/')) {
      response.writeHead(200, { 'content-type': path.endsWith('/lie') ? indexType : manifestType });
      response.end(method === 'HEAD' ? undefined : manifest);
    } else response.end(lies ? forged : real);
  });
  await using place = await openPlace('library', scratch.path, { proxy: upstream.host });
  const path = `/v2/app/blobs/${digestOf(real)}`;
  assert.equal((await place.ask('GET', '/v2/app/manifests/v1')).status, 200);
  const other = `/v2/app/manifests/${digestOf('something else')}`;
  assert.equal((await place.ask('GET', other)).status, 500, 'a manifest with another digest');
  assert.equal((await place.ask('GET', '/v2/app/manifests/lie')).status, 500, 'a manifest of another type');
  await assert.rejects(place.ask('GET', path), 'cut off');
  assert.ok(!readdirSync(join(place.root, 'blobs/sha256')).includes(digestOf(real).slice(7)));
  lies = false;
  assert.equal((await place.ask('GET', path)).text, real.toString());
});

test('TLS, with and without certificates of clients', requires('openssl'), async () => {
  await using scratch = makeScratch();
  const at = (name: string) => join(scratch.path, name);
  const openssl = async (...args: readonly string[]) =>
    assert.equal((await run('openssl', args)).status, 0, args.join(' '));
  for (const name of ['server', 'client', 'stranger']) {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.pem`),
    );
  }
  const ask = (address: string, who?: string) =>
    new Promise<number | string>((resolve) => {
      const cert =
        who === undefined ? {} : { cert: readFileSync(at(`${who}.pem`)), key: readFileSync(at(`${who}.key`)) };
      const asked = request(
        `${address}/v2/`,
        { ca: readFileSync(at('server.pem')), agent: false, ...cert },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      asked.on('error', () => resolve('refused'));
      asked.end();
    });
  for (const clients of [false, true]) {
    const tls = [
      '--cert',
      at('server.pem'),
      '--key',
      at('server.key'),
      ...(clients ? ['--client-ca', at('client.pem')] : []),
    ];
    const server = start(binary, ['--root', at('s'), 'registry', 'serve', '--address', '127.0.0.1:0', ...tls]);
    const [, address = ''] = await server.printed(/^Serving on (https:\S+)$/m);
    const found = [await ask(address), await ask(address, 'client'), await ask(address, 'stranger')];
    assert.deepEqual(found, clients ? ['refused', 200, 'refused'] : [200, 200, 200]);
    server.child.kill('SIGTERM');
    assert.equal((await server.outcome).status, 0);
  }
  rmSync(at('server.key'));
  for (const [flags, wanted] of [
    [['--cert', at('server.pem')], /needs its key/],
    [['--client-ca', at('client.pem')], /need TLS/],
    [['--cert', at('server.pem'), '--key', at('server.key')], /server\.key/],
    [['--cert', at('server.pem'), '--key', at('server.pem')], /certificate or key/],
    [['--htpasswd', at('none')], /none/],
    [['--proxy', 'a/b'], /a\/b/],
    [['--images', '--proxy', 'docker.io'], /--proxy/],
  ] as const) {
    const refused = await run(binary, ['--root', at('s'), 'registry', 'serve', '--address', '127.0.0.1:0', ...flags], {
      timeout: 5000,
    });
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, wanted);
  }
});
