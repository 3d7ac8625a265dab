/** Lists of registries, manifests given and taken, referrers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, sha256 } from '../oci/digest.ts';
import { mediaTypes } from '../oci/image-spec.ts';
import { deleteBlob, hasBlob } from './blob-presence.ts';
import { nextPage } from './link.ts';
import { findManifest } from './manifest-fetch.ts';
import { deleteManifest, putManifest } from './manifest-push.ts';
import { listReferrers, putReferrer, referrersTag } from './referrers.ts';
import { openRepository } from './repository.ts';
import { listRepositories, listTags } from './tags.ts';
import { type Answer, failsWith, sendJson, serve, testRepository } from './testing.ts';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(items);
}

const page = new URL('http://127.0.0.1:5000/v2/app/tags/list?n=2');
const links: readonly (readonly [string | null, string | null])[] = [
  [null, null],
  ['</v2/app/tags/list?n=2&last=b>; rel="next"', 'http://127.0.0.1:5000/v2/app/tags/list?n=2&last=b'],
  ['<list?last=b>;rel=next', 'http://127.0.0.1:5000/v2/app/tags/list?last=b'],
  ['</first>; rel="prev", </second>; rel="next"', 'http://127.0.0.1:5000/second'],
  ['</a>; rel="nextish"', null],
  ['nonsense', null],
];
for (const [header, expected] of links) {
  test(`the page after ${header}`, () => assert.equal(nextPage(header, page, 'tags')?.href ?? null, expected));
}

test('a next page on another host is refused, one that forgot about TLS is asked with it', () => {
  for (const target of [
    'http://evil.example/v2/',
    '//evil.example/',
    'http://u@127.0.0.1:5000/',
    'http://127.0.0.1:1/',
  ]) {
    assert.throws(() => nextPage(`<${target}>; rel="next"`, page, 'tags'), failsWith('denied', /^tags: the next page/));
  }
  const secure = new URL('https://r.example/v2/app/tags/list');
  assert.equal(nextPage('<http://r.example/x?y>; rel=next', secure, 'tags')?.href, 'https://r.example/x?y');
});

test('tags page by page, each once, names that no tag has left out', async () => {
  await using server = await serve(({ path }, response) => {
    if (path === '/v2/app/tags/list?n=2') {
      sendJson(response, 200, { tags: ['a', 'b', '../x'] }, { link: '</v2/app/tags/list?n=2&last=b>; rel="next"' });
    } else sendJson(response, 200, { name: 'app', tags: path.endsWith('last=b') ? ['b', 'c'] : null });
  });
  assert.deepEqual(await all(listTags(testRepository(server.host), { pageSize: 2 })), ['a', 'b', 'c']);
  assert.deepEqual(await all(listTags(testRepository(server.host))), []);
});

test('lists that never end, are no lists, or lead elsewhere', async () => {
  const hostile: readonly (readonly [Answer, Parameters<typeof failsWith>])[] = [
    [(_, r) => sendJson(r, 200, { tags: ['a'] }, { link: '</v2/app/tags/list>; rel=next' }), ['corrupt', /never end/]],
    [(_, r) => sendJson(r, 200, { tags: ['a'] }, { link: '<http://evil.example/>; rel=next' }), ['denied', /evil/]],
    [(_, r) => r.end('{"tags":["a"'), ['corrupt', /not such a list/]],
    [(_, r) => sendJson(r, 200, { tags: [7] }), ['corrupt', /not such a list/]],
    [(_, r) => r.end(`"${'x'.repeat(5_000_000)}"`), ['corrupt', /over 4194304 bytes/]],
    [(_, r) => sendJson(r, 404, { errors: [{ code: 'NAME_UNKNOWN' }] }), ['not-found', /NAME_UNKNOWN/]],
  ];
  for (const [answer, fails] of hostile) {
    await using server = await serve(answer);
    await assert.rejects(all(listTags(testRepository(server.host))), failsWith(...fails));
  }
});

test('the repositories of a registry, with the token for that', async () => {
  await using tokens = await serve((_, response) => sendJson(response, 200, { token: 't' }));
  await using server = await serve(({ headers }, response) => {
    const challenge = `Bearer realm="http://${tokens.host}/token"`;
    if (headers.authorization === undefined) sendJson(response, 401, {}, { 'www-authenticate': challenge });
    else sendJson(response, 200, { repositories: ['a', 'team/b', 'Not/This'] });
  });
  const registry = openRepository(server.host, '', { access: 'catalog' });
  assert.deepEqual(await all(listRepositories(registry)), ['a', 'team/b']);
  assert.equal(server.requests[0]?.path, '/v2/_catalog');
  assert.equal(tokens.requests[0]?.path, '/token?scope=registry%3Acatalog%3A*');
});

test('tokens for pushing, mounting and deleting', async () => {
  await using tokens = await serve((_, response) => sendJson(response, 200, { token: 't' }));
  await using server = await serve(({ headers }, response) => {
    const challenge = `Bearer realm="http://${tokens.host}/token"`;
    if (headers.authorization === undefined) sendJson(response, 401, {}, { 'www-authenticate': challenge });
    else response.writeHead(201).end();
  });
  const gift = { reference: 'v1', mediaType: mediaTypes.manifest, bytes: Buffer.from('{}'), what: 'image' };
  await putManifest(testRepository(server.host, { access: 'push', mountFrom: ['team/b'] }), gift);
  const scopes = new URL(tokens.requests[0]?.path ?? '', 'http://x').searchParams.getAll('scope');
  assert.deepEqual(scopes, ['repository:app:pull,push', 'repository:team/b:pull']);
});

const document = Buffer.from('{"schemaVersion":2}');
const gift = { reference: 'v1', mediaType: mediaTypes.manifest, bytes: document, what: 'image "app:v1"' };

test('a manifest is pushed as it is, and a registry that stores another one is found out', async () => {
  let stored = sha256(document) as string;
  await using server = await serve((_, r) => r.writeHead(201, { 'docker-content-digest': stored }).end());
  const repository = testRepository(server.host, { access: 'push' });
  assert.deepEqual(await putManifest(repository, gift), { digest: sha256(document), subject: false });
  const [request] = server.requests;
  assert.equal(request?.body, document.toString());
  assert.equal(request?.headers['content-type'], mediaTypes.manifest);
  stored = sha256('other');
  await assert.rejects(putManifest(repository, gift), failsWith('corrupt', /stored as/));
  await assert.rejects(putManifest(repository, { ...gift, reference: sha256('other') }), failsWith('invalid'));
});

test('a manifest that is refused', async () => {
  await using server = await serve((_, r) => sendJson(r, 400, { errors: [{ code: 'MANIFEST_BLOB_UNKNOWN' }] }));
  const repository = testRepository(server.host, { access: 'push' });
  await assert.rejects(putManifest(repository, gift), failsWith('invalid', /MANIFEST_BLOB_UNKNOWN/));
});

test('looking at a tag, deleting, and what can not be deleted', async () => {
  const digest = sha256(document);
  await using server = await serve(({ method, path }, response) => {
    const headers = { 'content-type': mediaTypes.manifest, 'docker-content-digest': digest, 'content-length': 19 };
    if (method === 'HEAD' && path.endsWith('/v1')) response.writeHead(200, headers).end();
    else if (method === 'HEAD') response.writeHead(404).end();
    else if (path.endsWith('/locked')) sendJson(response, 405, { errors: [{ code: 'UNSUPPORTED' }] });
    else response.writeHead(path.endsWith(digest) ? 202 : 404).end();
  });
  const repository = testRepository(server.host, { access: 'delete' });
  const what = 'image';
  const found = { digest, mediaType: mediaTypes.manifest, size: 19 };
  assert.deepEqual(await findManifest(repository, { reference: 'v1', what }), found);
  assert.equal(await findManifest(repository, { reference: 'v2', what }), undefined);
  assert.equal(await deleteManifest(repository, digest), true);
  assert.equal(await deleteManifest(repository, 'gone'), false);
  await assert.rejects(deleteManifest(repository, 'locked'), failsWith('unsupported', /UNSUPPORTED/));
  await deleteBlob(repository, digest);
  assert.equal(await hasBlob(repository, { digest: sha256('x'), size: 1 }), false);
});

const subject = sha256('subject');
const referrer = (content: string, artifactType: string | null = 'a/b') => ({
  mediaType: mediaTypes.manifest,
  digest: sha256(content),
  size: content.length,
  artifactType,
  annotations: {},
});

test('referrers from the list of the registry, page by page', async () => {
  const type = { 'content-type': mediaTypes.index };
  await using server = await serve(({ path }, response) => {
    const last = path.includes('last');
    const link = last ? {} : { link: `</v2/app/referrers/${subject}?last=1>; rel="next"` };
    sendJson(
      response,
      200,
      { manifests: [referrer(last ? 'two' : 'one', last ? 'c/d' : 'a/b')] },
      { ...type, ...link },
    );
  });
  const repository = testRepository(server.host);
  assert.deepEqual(await listReferrers(repository, subject), [referrer('one'), referrer('two', 'c/d')]);
  assert.deepEqual(await listReferrers(repository, subject, { artifactType: 'c/d' }), [referrer('two', 'c/d')]);
});

/** A registry of manifests without a list of referrers. */
async function oldRegistry() {
  const manifests = new Map<string, string>();
  const server = await serve(({ method, path, body }, response) => {
    const name = path.split('/').at(-1) ?? '';
    const found = path.includes('/manifests/') ? manifests.get(name) : undefined;
    if (method === 'PUT') {
      manifests.set(name, body);
      response.writeHead(201).end();
    } else if (found === undefined) sendJson(response, 404, {});
    else response.writeHead(200, { 'content-type': mediaTypes.index }).end(found);
  });
  return { ...server, manifests };
}

test('referrers under a tag, where the registry keeps no list', async () => {
  await using server = await oldRegistry();
  const repository = testRepository(server.host, { access: 'push' });
  assert.deepEqual(await listReferrers(repository, subject), []);
  const put = (content: string): Promise<Digest> =>
    putReferrer(repository, {
      subject,
      mediaType: mediaTypes.manifest,
      bytes: Buffer.from(content),
      artifactType: 'a/b',
    });
  assert.equal(await put('one'), sha256('one'));
  await put('two');
  await put('two');
  assert.deepEqual(await listReferrers(repository, subject), [referrer('one'), referrer('two')]);
  assert.ok(server.manifests.has(referrersTag(subject)));
  assert.equal(referrersTag(subject), `sha256-${subject.slice(7)}`);
});

test('a list of referrers that is none, or lies', async () => {
  const type = { 'content-type': mediaTypes.index };
  const hostile: readonly Answer[] = [
    (_, r) => sendJson(r, 200, { manifests: [{ ...referrer('x'), digest: 'sha256:../../etc' }] }, type),
    (_, r) => sendJson(r, 200, { manifests: [{ ...referrer('x'), size: -1 }] }, type),
    (_, r) => r.writeHead(200, type).end('<html>'),
  ];
  for (const answer of hostile) {
    await using server = await serve(answer);
    await assert.rejects(listReferrers(testRepository(server.host), subject), failsWith('corrupt'));
  }
});
