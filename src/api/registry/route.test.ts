import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRoute, parseTarget } from './route.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const id = '0123456789abcdef0123456789abcdef';

const routes: readonly (readonly [path: string, route: object])[] = [
  ['/v2', { kind: 'base' }],
  ['/v2/', { kind: 'base' }],
  ['/v2/_catalog', { kind: 'catalog' }],
  ['/v2/a/tags/list', { kind: 'tags', repository: 'a' }],
  ['/v2/a/b/manifests/v1', { kind: 'manifest', repository: 'a/b', reference: 'v1' }],
  [`/v2/a/manifests/${digest}`, { kind: 'manifest', repository: 'a', reference: digest }],
  [`/v2/a__b/c--d/e.f/blobs/${digest}`, { kind: 'blob', repository: 'a__b/c--d/e.f', digest }],
  [`/v2/a/blobs/blobs/${digest}`, { kind: 'blob', repository: 'a/blobs', digest }],
  ['/v2/tags/tags/list', { kind: 'tags', repository: 'tags' }],
  ['/v2/a/blobs/uploads/', { kind: 'uploads', repository: 'a' }],
  ['/v2/a/blobs/uploads', { kind: 'uploads', repository: 'a' }],
  [`/v2/a/blobs/uploads/${id}`, { kind: 'upload', repository: 'a', id }],
  [`/v2/a/referrers/${digest}`, { kind: 'referrers', repository: 'a', digest }],
];
for (const [path, route] of routes) test(path, () => assert.deepEqual(parseRoute(path), route));

const refused: readonly (readonly [path: string, status: number, code: string])[] = [
  ['/', 404, 'UNSUPPORTED'],
  ['/v1/', 404, 'UNSUPPORTED'],
  ['/v2/a/tags/other', 404, 'UNSUPPORTED'],
  ['/v2/a', 404, 'UNSUPPORTED'],
  ['/v2//a/tags/list', 400, 'NAME_INVALID'],
  ['/v2/../a/tags/list', 400, 'NAME_INVALID'],
  ['/v2/a/./b/tags/list', 400, 'NAME_INVALID'],
  ['/v2/a/../../b/tags/list', 400, 'NAME_INVALID'],
  ['/v2/-a/tags/list', 400, 'NAME_INVALID'],
  ['/v2/A/tags/list', 400, 'NAME_INVALID'],
  ['/v2/proxy:docker.io/library/a/tags/list', 400, 'NAME_INVALID'],
  [`/v2/${'a'.repeat(256)}/tags/list`, 400, 'NAME_INVALID'],
  ['/v2/a/manifests/.hidden', 400, 'MANIFEST_INVALID'],
  [`/v2/a/manifests/${'t'.repeat(129)}`, 400, 'MANIFEST_INVALID'],
  ['/v2/a/manifests/sha256:AAAA', 400, 'DIGEST_INVALID'],
  ['/v2/a/blobs/sha256:..', 400, 'DIGEST_INVALID'],
  [`/v2/a/blobs/${digest}x`, 400, 'DIGEST_INVALID'],
  ['/v2/a/referrers/latest', 400, 'DIGEST_INVALID'],
  ['/v2/a/blobs/uploads/1', 404, 'BLOB_UPLOAD_UNKNOWN'],
  ['/v2/a/blobs/uploads/..', 404, 'BLOB_UPLOAD_UNKNOWN'],
  [`/v2/a/blobs/uploads/${id.toUpperCase()}`, 404, 'BLOB_UPLOAD_UNKNOWN'],
];
for (const [path, status, code] of refused) {
  test(`refused: ${path.slice(0, 60)}`, () => {
    const answer = parseRoute(path);
    assert.ok('status' in answer && answer.body instanceof Uint8Array, JSON.stringify(answer));
    assert.equal(answer.status, status);
    assert.equal(JSON.parse(Buffer.from(answer.body).toString()).errors[0].code, code);
  });
}

test('a target is a path as it was sent, and its query', () => {
  const found = parseTarget(`/v2/a/blobs/sha256%3A${'a'.repeat(64)}?digest=sha256%3ab&x`);
  assert.equal(found?.path, `/v2/a/blobs/${digest}`);
  assert.equal(found?.query.get('digest'), 'sha256:b');
});

for (const url of [
  'http://host/v2/',
  '*',
  'v2/',
  '/v2/%61/tags/list',
  '/v2/a%2fb/tags/list',
  '/v2/%2e%2e/',
  '/v2/a\\b',
  '/v2/ü',
  `/v2/${'a'.repeat(5000)}`,
  '/v2/;x',
]) {
  test(`no target: ${url.slice(0, 40)}`, () => assert.equal(parseTarget(url), undefined));
}
