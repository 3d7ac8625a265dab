/**
 * The registry server beside the distribution specification 1.1: the cases of its conformance suite ("Pull", "Push",
 * "Content Discovery", "Content Management"), and what else the text says.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase, run } from '../../src/store/database.ts';
import { makeScratch } from '../harness/scratch.ts';
import {
  configType,
  digestOf,
  indexType,
  manifestType,
  openPlace,
  type Place,
  registryTest,
} from './registry-place.ts';

const none = digestOf('nobody has this');
const octets = { 'content-type': 'application/octet-stream' };

async function begin({ ask }: Place, repository: string): Promise<string> {
  const begun = await ask('POST', `/v2/${repository}/blobs/uploads/`);
  assert.equal(begun.status, 202);
  assert.equal(begun.headers.get('range'), '0-0');
  return begun.headers.get('location') ?? '';
}

registryTest('pull: blobs', {}, async ({ ask, blob }) => {
  const digest = await blob('a/b', 'hello world');
  const path = `/v2/a/b/blobs/${digest}`;
  for (const method of ['HEAD', 'GET']) {
    const found = await ask(method, path);
    assert.equal(found.status, 200);
    assert.equal(found.headers.get('content-length'), '11');
    assert.equal(found.headers.get('docker-content-digest'), digest);
    assert.equal(found.text, method === 'GET' ? 'hello world' : '');
    const missing = await ask(method, `/v2/a/b/blobs/${none}`);
    assert.deepEqual([missing.status, missing.code], [404, method === 'GET' ? 'BLOB_UNKNOWN' : undefined]);
    assert.equal((await ask(method, `/v2/other/blobs/${digest}`)).status, 404, 'another repository does not have it');
  }
  const part = async (range: string, more = {}) => {
    const { status, headers, text } = await ask('GET', path, { headers: { range, ...more } });
    return [status, headers.get('content-range'), text];
  };
  assert.deepEqual(await part('bytes=6-'), [206, 'bytes 6-10/11', 'world']);
  assert.deepEqual(await part('bytes=0-4'), [206, 'bytes 0-4/11', 'hello']);
  assert.deepEqual(await part('bytes=-5', { 'if-range': `"${digest}"` }), [206, 'bytes 6-10/11', 'world']);
  assert.deepEqual(await part('bytes=-5', { 'if-range': '"other"' }), [200, null, 'hello world']);
  assert.deepEqual((await part('bytes=11-')).slice(0, 2), [416, 'bytes */11']);
  assert.equal((await ask('GET', path, { headers: { 'if-none-match': `"${digest}"` } })).status, 304);
});

registryTest('pull: manifests by tag and digest, by what the client accepts', {}, async ({ ask, image }) => {
  const { digest, bytes } = await image('app', 'v1');
  for (const reference of ['v1', digest]) {
    for (const method of ['HEAD', 'GET']) {
      const found = await ask(method, `/v2/app/manifests/${reference}`, { headers: { accept: manifestType } });
      assert.equal(found.status, 200);
      assert.equal(found.headers.get('content-type'), manifestType);
      assert.equal(found.headers.get('docker-content-digest'), digest);
      assert.equal(found.headers.get('content-length'), String(bytes.length));
      assert.equal(found.text, method === 'GET' ? bytes : '');
    }
  }
  const refused = await ask('GET', '/v2/app/manifests/v1', { headers: { accept: indexType } });
  assert.deepEqual([refused.status, refused.code], [404, 'MANIFEST_UNKNOWN']);
  for (const reference of ['v2', none]) {
    const missing = await ask('GET', `/v2/app/manifests/${reference}`);
    assert.deepEqual([missing.status, missing.code], [404, 'MANIFEST_UNKNOWN']);
    assert.equal((await ask('HEAD', `/v2/app/manifests/${reference}`)).status, 404);
  }
});

registryTest('push: a blob in one, two and three requests', {}, async (place) => {
  const { ask } = place;
  const content = 'some bytes';
  const digest = digestOf(content);
  await place.blob('one', content);
  const two = await begin(place, 'two');
  const put = await ask('PUT', `${two}?digest=${digest}`, { headers: octets, body: content });
  assert.deepEqual([put.status, put.headers.get('location')], [201, `/v2/two/blobs/${digest}`]);
  const three = await begin(place, 'three');
  const patch = await ask('PATCH', three, { headers: octets, body: content });
  assert.deepEqual([patch.status, patch.headers.get('range')], [202, '0-9']);
  const end = await ask('PUT', `${patch.headers.get('location')}?digest=${digest}`);
  assert.equal(end.status, 201);
  for (const name of ['one', 'two', 'three'])
    assert.equal((await ask('GET', `/v2/${name}/blobs/${digest}`)).text, content);
  assert.equal((await ask('PUT', `${three}?digest=${digest}`)).code, 'BLOB_UPLOAD_UNKNOWN', 'it has ended');
});

registryTest('push: chunks in their order only; the client learns where it stands', {}, async (place) => {
  const { ask } = place;
  const location = await begin(place, 'app');
  const chunk = (range: string, body: string) =>
    ask('PATCH', location, { headers: { ...octets, 'content-range': range }, body });
  const early = await chunk('5-9', 'world');
  assert.deepEqual([early.status, early.headers.get('range'), early.headers.get('location')], [416, '0-0', location]);
  assert.equal((await chunk('0-4', 'hello')).status, 202);
  const again = await chunk('0-4', 'hello');
  assert.deepEqual([again.status, again.headers.get('range')], [416, '0-4'], 'the same chunk again');
  assert.equal((await chunk('6-10', 'world')).status, 416, 'a hole');
  assert.equal((await chunk('5-5', 'world')).code, 'SIZE_INVALID');
  assert.equal((await chunk('nonsense', 'world')).status, 416);
  const status = await ask('GET', location);
  assert.deepEqual([status.status, status.headers.get('range')], [204, '0-4']);
  const last = { headers: { ...octets, 'content-range': '5-9' }, body: 'world' };
  assert.equal((await ask('PUT', `${location}?digest=${digestOf('helloworld')}`, last)).status, 201);
});

registryTest('push: an upload can be given up, and other bytes than the digest says are refused', {}, async (place) => {
  const { ask } = place;
  const gone = await begin(place, 'app');
  assert.equal((await ask('DELETE', gone)).status, 204);
  assert.equal((await ask('GET', gone)).code, 'BLOB_UPLOAD_UNKNOWN');
  const wrong = await begin(place, 'app');
  const put = await ask('PUT', `${wrong}?digest=${digestOf('x')}`, { headers: octets, body: 'y' });
  assert.deepEqual([put.status, put.code], [400, 'DIGEST_INVALID']);
  assert.equal((await ask('GET', `/v2/app/blobs/${digestOf('x')}`)).status, 404);
  assert.equal((await ask('GET', `/v2/app/blobs/${digestOf('y')}`)).status, 404);
  assert.equal((await ask('PUT', `${await begin(place, 'app')}?digest=nonsense`)).code, 'DIGEST_INVALID');
  assert.equal((await ask('POST', '/v2/app/blobs/uploads/?digest=nonsense')).code, 'DIGEST_INVALID');
});

registryTest('push: sha512', {}, async ({ ask }) => {
  const digest = digestOf('x', 'sha512');
  assert.equal((await ask('POST', `/v2/app/blobs/uploads/?digest=${digest}`, { body: 'x' })).status, 201);
  assert.equal((await ask('GET', `/v2/app/blobs/${digest}`)).text, 'x');
});

registryTest('push: a blob of another repository is mounted, an unknown one uploaded', {}, async ({ ask, blob }) => {
  const digest = await blob('from', 'shared');
  const mount = (query: string) => ask('POST', `/v2/to/blobs/uploads/?${query}`);
  const mounted = await mount(`mount=${digest}&from=from`);
  assert.deepEqual([mounted.status, mounted.headers.get('location')], [201, `/v2/to/blobs/${digest}`]);
  assert.equal((await ask('GET', `/v2/to/blobs/${digest}`)).text, 'shared');
  for (const query of [
    `mount=${none}&from=from`,
    `mount=${digest}&from=nobody`,
    'mount=nonsense&from=from',
    `mount=${digest}&from=../x`,
  ]) {
    assert.equal((await mount(query)).status, 202, query);
  }
  assert.equal((await ask('POST', `/v2/third/blobs/uploads/?mount=${digest}`)).status, 201, 'from anywhere');
});

registryTest('push: manifests whose parts are there, of a known type, as their digest says', {}, async (place) => {
  const { ask, image } = place;
  const { digest, bytes, config } = await image('app', 'v1');
  const put = (reference: string, body: string | object, type = manifestType) =>
    ask('PUT', `/v2/app/manifests/${reference}`, {
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const again = await put('v1', bytes);
  assert.deepEqual([again.status, again.headers.get('location')], [201, `/v2/app/manifests/${digest}`]);
  assert.equal(again.headers.get('docker-content-digest'), digest);
  assert.equal((await put(none, bytes)).code, 'DIGEST_INVALID');
  const manifest = JSON.parse(bytes);
  const missing = { ...manifest, layers: [{ ...manifest.layers[0], digest: none }] };
  assert.deepEqual([(await put('x', missing)).status, (await put('x', missing)).code], [404, 'MANIFEST_BLOB_UNKNOWN']);
  assert.equal((await put('x', { ...manifest, config: { ...manifest.config, size: 1 } })).code, 'MANIFEST_INVALID');
  assert.equal((await put('x', '{')).code, 'MANIFEST_INVALID');
  assert.equal((await put('x', bytes, indexType)).code, 'MANIFEST_INVALID');
  assert.equal((await put('x', bytes, 'text/plain')).status, 415);
  const index = {
    schemaVersion: 2,
    mediaType: indexType,
    manifests: [{ mediaType: manifestType, digest, size: bytes.length }],
  };
  assert.equal((await put('all', index, indexType)).status, 201);
  assert.equal(
    (await put('x', { ...index, manifests: [{ ...index.manifests[0], digest: none }] }, indexType)).code,
    'MANIFEST_BLOB_UNKNOWN',
  );
  assert.equal((await put('empty', { ...index, manifests: [] }, indexType)).status, 201);
  assert.equal((await ask('GET', '/v2/app/manifests/x')).status, 404, 'nothing refused was kept');
  // Nearly 4 MiB, as the specification asks of every registry; and over it.
  const annotations = Object.fromEntries(Array.from({ length: 390 }, (_, i) => [`a${i}`, 'A'.repeat(10_000)]));
  const large = { ...manifest, annotations };
  assert.equal((await put('large', large)).status, 201);
  assert.equal((await ask('GET', '/v2/app/manifests/large')).text, JSON.stringify(large));
  const over = await put('x', { ...large, more: 'A'.repeat(400_000) });
  assert.deepEqual([over.status, over.code], [413, 'MANIFEST_INVALID']);
  assert.ok(config);
});

registryTest('referrers: by subject, there or not, filtered by type', {}, async (place) => {
  const { ask, blob, image } = place;
  const { digest: subject, bytes } = await image('app', 'v1');
  const empty = await blob('app', '{}');
  const descriptor = { mediaType: 'application/vnd.oci.empty.v1+json', digest: empty, size: 2 };
  const refer = async (artifactType: string | undefined, about: string, name: string) => {
    const config = artifactType === undefined ? { ...descriptor, mediaType: configType } : descriptor;
    const document = {
      schemaVersion: 2,
      mediaType: manifestType,
      ...(artifactType !== undefined && { artifactType }),
      config,
      layers: [descriptor],
      subject: { mediaType: manifestType, digest: about, size: bytes.length },
      annotations: { name },
    };
    const body = JSON.stringify(document);
    const put = await ask('PUT', `/v2/app/manifests/${digestOf(body)}`, {
      headers: { 'content-type': manifestType },
      body,
    });
    assert.deepEqual([put.status, put.headers.get('oci-subject')], [201, about]);
    return {
      mediaType: manifestType,
      digest: digestOf(body),
      size: body.length,
      artifactType: artifactType ?? configType,
      annotations: { name },
    };
  };
  const list = async (path: string) => {
    const found = await ask('GET', `/v2/app/referrers/${path}`);
    assert.deepEqual([found.status, found.headers.get('content-type')], [200, indexType]);
    return { manifests: JSON.parse(found.text).manifests, filters: found.headers.get('oci-filters-applied') };
  };
  assert.deepEqual(await list(subject), { manifests: [], filters: null });
  const made = [
    await refer('text/a', subject, '1'),
    await refer('text/b', subject, '2'),
    await refer(undefined, subject, '3'),
  ];
  const absent = await refer('text/a', none, '4');
  const byDigest = (a: { digest: string }, b: { digest: string }) => (a.digest < b.digest ? -1 : 1);
  assert.deepEqual(await list(subject), { manifests: made.sort(byDigest), filters: null });
  const filtered = { manifests: made.filter(({ artifactType }) => artifactType === 'text/b'), filters: 'artifactType' };
  assert.deepEqual(await list(`${subject}?artifactType=text%2Fb`), filtered);
  assert.deepEqual(await list(none), { manifests: [absent], filters: null });
  assert.equal((await ask('GET', '/v2/app/referrers/nonsense')).code, 'DIGEST_INVALID');
});

registryTest('lists: tags and repositories in order, in pieces', {}, async ({ ask, image }) => {
  for (const tag of ['b', 'B', 'c', 'a', '1.0']) await image('app', tag);
  await image('other/one', 'x');
  const names = async (path: string) => {
    const { status, headers, text } = await ask('GET', path);
    assert.equal(status, 200, text);
    const { tags, repositories } = JSON.parse(text);
    return { names: tags ?? repositories, next: /^<(.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] };
  };
  assert.deepEqual(await names('/v2/app/tags/list'), { names: ['1.0', 'B', 'a', 'b', 'c'], next: undefined });
  const first = await names('/v2/app/tags/list?n=2');
  assert.deepEqual(first.names, ['1.0', 'B']);
  const second = await names(first.next ?? '');
  assert.deepEqual(second.names, ['a', 'b']);
  assert.deepEqual(await names(second.next ?? ''), { names: ['c'], next: undefined });
  assert.deepEqual(await names('/v2/app/tags/list?n=0'), { names: [], next: undefined });
  assert.deepEqual(await names('/v2/app/tags/list?last=b'), { names: ['c'], next: undefined });
  assert.deepEqual((await names('/v2/_catalog?n=1')).names, ['app']);
  assert.deepEqual(await names('/v2/_catalog?last=app'), { names: ['other/one'], next: undefined });
  assert.equal((await ask('GET', '/v2/app/tags/list?n=x')).status, 400);
  assert.deepEqual((await ask('GET', '/v2/nobody/tags/list')).code, 'NAME_UNKNOWN');
});

registryTest('delete: tags, manifests with their tags, blobs that nothing names', {}, async ({ ask, image, root }) => {
  const { digest, layer } = await image('app', 'v1');
  await image('app', 'v2');
  const gone = async (path: string) => (await ask('GET', path)).status === 404;
  assert.equal((await ask('DELETE', '/v2/app/manifests/v1')).status, 202);
  assert.ok((await gone('/v2/app/manifests/v1')) && !(await gone('/v2/app/manifests/v2')));
  assert.equal((await ask('DELETE', '/v2/app/manifests/v1')).code, 'MANIFEST_UNKNOWN');
  const used = await ask('DELETE', `/v2/app/blobs/${layer}`);
  assert.deepEqual([used.status, used.code], [405, 'DENIED'], 'else the image would be broken');
  assert.equal((await ask('DELETE', `/v2/app/manifests/${digest}`)).status, 202);
  assert.ok((await gone('/v2/app/manifests/v2')) && (await gone(`/v2/app/manifests/${digest}`)));
  assert.equal((await ask('DELETE', `/v2/app/blobs/${layer}`)).status, 202);
  assert.ok(await gone(`/v2/app/blobs/${layer}`));
  assert.equal((await ask('DELETE', `/v2/app/blobs/${layer}`)).code, 'BLOB_UNKNOWN');
  for (const file of [digest, layer]) assert.ok(!existsSync(join(root, 'blobs/sha256', file.slice(7))), file);
});

registryTest(
  'a manifest that goes takes the blobs along that it alone named, but for young ones',
  {},
  async ({ ask, image, root }) => {
    const [one, two] = [await image('app', 'one', 'first'), await image('app', 'two', 'second')];
    const database = openDatabase(join(root, 'onggi.db'));
    run(database, 'UPDATE registry_blobs SET used = 1 WHERE digest <> ?', two.layer);
    for (const { digest } of [one, two]) assert.equal((await ask('DELETE', `/v2/app/manifests/${digest}`)).status, 202);
    const status = async (digest: string) => (await ask('HEAD', `/v2/app/blobs/${digest}`)).status;
    assert.deepEqual([await status(one.layer), await status(two.layer), await status(one.config)], [404, 200, 404]);
  },
);

registryTest(
  'what may not be changed is only read; methods without a meaning are refused',
  { readOnly: true },
  async ({ ask }) => {
    for (const [method, path] of [
      ['POST', '/v2/app/blobs/uploads/'],
      ['PUT', '/v2/app/manifests/v1'],
      ['DELETE', '/v2/app/manifests/v1'],
      ['DELETE', `/v2/app/blobs/${none}`],
      ['PATCH', '/v2/app/manifests/v1'],
      ['POST', '/v2/'],
      ['PUT', '/v2/_catalog'],
    ] as const) {
      const refused = await ask(method, path);
      assert.deepEqual([refused.status, refused.code], [405, 'UNSUPPORTED'], `${method} ${path}`);
    }
    const base = await ask('GET', '/v2/');
    assert.deepEqual([base.status, base.headers.get('docker-distribution-api-version')], [200, 'registry/2.0']);
  },
);

registryTest('a blob may have so many bytes and no more', { largestBlob: 10 }, async (place) => {
  const { ask } = place;
  const post = (bytes: string) => ask('POST', `/v2/app/blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes });
  assert.equal((await post('0123456789')).status, 201);
  assert.deepEqual([(await post('0123456789x')).status, (await post('0123456789x')).code], [413, 'SIZE_INVALID']);
  const location = await begin(place, 'app');
  assert.equal((await ask('PATCH', location, { body: '012345678' })).status, 202);
  assert.equal((await ask('PATCH', location, { body: '9x' })).status, 413);
});

registryTest('many push the same blob at the same time', {}, async ({ ask, blob }) => {
  const content = 'x'.repeat(300_000);
  const digests = await Promise.all(Array.from({ length: 20 }, (_, i) => blob(`r${i % 3}`, content)));
  assert.equal((await ask('GET', `/v2/r1/blobs/${digests[0]}`)).text, content);
});

for (const way of ['library', 'program'] as const) {
  test(`what was pushed is there for the next server (${way})`, async () => {
    await using scratch = makeScratch();
    let pushed: string;
    {
      await using place = await openPlace(way, scratch.path);
      ({ digest: pushed } = await place.image('app', 'v1'));
    }
    await using place = await openPlace(way, scratch.path);
    const found = await place.ask('GET', '/v2/app/manifests/v1');
    assert.equal(found.headers.get('docker-content-digest'), pushed);
  });
}
