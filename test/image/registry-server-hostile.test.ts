/** Clients that mean no good, THREATS classes M (authorisation), Q (denial of service), G (parsers), and a server killed. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, run, start } from '../harness/program.ts';
import { basic, type Credentials } from '../harness/registry.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { binary } from '../harness/system-test.ts';
import { digestOf, manifestType, openPlace, type Place, registryTest } from './registry-place.ts';

const host = 'Host: x\r\n';
const status = (text: string): string[] => [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code]) => code ?? '');

const heads: readonly (readonly [name: string, head: string])[] = [
  ['two lengths', `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
  [
    'a length and chunks',
    `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'chunks by another name',
    `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  ],
  ['two codings', `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ['a length below zero', `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`],
  ['a blank before the colon', `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length : 3\r\n\r\nabc`],
  ['a folded line', `GET /v2/ HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`],
  ['bare line ends', 'GET /v2/ HTTP/1.1\nHost: x\n\n'],
  ['two hosts', 'GET /v2/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['no host', 'GET /v2/ HTTP/1.1\r\n\r\n'],
  ['a target with a host', `GET http://x/v2/ HTTP/1.1\r\n${host}\r\n`],
  ['a path upwards', `GET /v2/../../etc/passwd HTTP/1.1\r\n${host}\r\n`],
  ['a NUL', `GET /v2/\0 HTTP/1.1\r\n${host}\r\n`],
  ['a head without end', `GET /v2/ HTTP/1.1\r\n${host}X: ${'a'.repeat(40_000)}\r\n\r\n`],
  [
    'a body in another coding',
    `PUT /v2/a/manifests/x HTTP/1.1\r\n${host}Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx`,
  ],
];

registryTest(
  'heads that two readers could read in two ways are refused, and nothing after them is read',
  {},
  async ({ raw }) => {
    for (const [name, head] of heads) {
      // Whoever is led to see another request in it would answer twice with 200.
      const answer = await raw(`${head}GET /v2/ HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, 300);
      const [first, ...others] = status(answer);
      assert.match(first ?? '400', /^4\d\d$/, `${name}: ${answer}`);
      if (!['a target with a host', 'a path upwards'].includes(name))
        assert.ok(!others.includes('200'), `${name}: ${answer}`);
    }
  },
);

registryTest('names, digests and ids that are paths reach no file', {}, async ({ ask, raw, root }) => {
  writeFileSync(join(root, 'secret'), 'canary');
  for (const path of [
    '/v2/a/blobs/sha256:../../secret',
    '/v2/a/blobs/sha256%3a..%2f..%2fsecret',
    '/v2/a/blobs/../../secret',
    '/v2/..%2f..%2fsecret/tags/list',
    '/v2/a/manifests/..%2f..%2fsecret',
    '/v2/a/blobs/uploads/..%2f..%2fsecret',
    '/v2/a/blobs/uploads/../../../secret',
  ]) {
    for (const method of ['GET', 'DELETE', 'PUT', 'PATCH']) {
      const answer = await raw(`${method} ${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
      assert.match(status(answer)[0] ?? '', /^40[0-9]$/, `${method} ${path}`);
      assert.doesNotMatch(answer, /canary/);
    }
  }
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'x', digest: 'sha256:../../secret', size: 6 },
    layers: [],
  });
  const put = await ask('PUT', '/v2/a/manifests/x', { headers: { 'content-type': manifestType }, body });
  assert.equal(put.code, 'MANIFEST_INVALID');
  assert.equal(readFileSync(join(root, 'secret'), 'utf8'), 'canary');
});

registryTest(
  "an upload is nobody else's: not in another repository, not by a guess, not by two at a time",
  {},
  async (place) => {
    const { ask } = place;
    const begun = await ask('POST', '/v2/mine/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    const id = location.split('/').at(-1) ?? '';
    for (const path of [`/v2/yours/blobs/uploads/${id}`, `/v2/mine/blobs/uploads/${'0'.repeat(32)}`]) {
      for (const method of ['GET', 'PATCH', 'DELETE'])
        assert.equal((await ask(method, path, method === 'PATCH' ? { body: 'x' } : {})).status, 404);
      assert.equal((await ask('PUT', `${path}?digest=${digestOf('x')}`, { body: 'x' })).status, 404);
    }
    await using slow = await talk(place, `PATCH ${location} HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\nhello`);
    await eventually('the first one has begun', async () => (await ask('GET', location)).status === 409);
    assert.equal((await ask('PATCH', location, { body: 'other' })).status, 409);
    slow.socket.write('world');
    await eventually(
      'the first one has ended',
      async () => (await ask('GET', location)).headers.get('range') === '0-9',
    );
    assert.equal((await ask('PUT', `${location}?digest=${digestOf('helloworld')}`)).status, 201);
  },
);

registryTest('what was cut off is gone on with; a chunk that was cut off did not come', {}, async (place) => {
  const { ask } = place;
  const location = (await ask('POST', '/v2/a/blobs/uploads/')).headers.get('location') ?? '';
  const range = async () => (await ask('GET', location)).headers.get('range');
  {
    await using streamed = await talk(place, `PATCH ${location} HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\nhello`);
    await eventually('it has begun', async () => (await ask('GET', location)).status === 409);
    streamed.socket.destroy();
  }
  await eventually('five bytes came', async () => (await range()) === '0-4');
  {
    const chunk = `PATCH ${location} HTTP/1.1\r\n${host}Content-Length: 10\r\nContent-Range: 5-14\r\n\r\nwrong`;
    await using cut = await talk(place, chunk);
    await eventually('it has begun', async () => (await ask('GET', location)).status === 409);
    cut.socket.destroy();
  }
  await eventually('still five bytes', async () => (await range()) === '0-4');
  const rest = { headers: { 'content-range': '5-9' }, body: 'world' };
  assert.equal((await ask('PUT', `${location}?digest=${digestOf('helloworld')}`, rest)).status, 201);
});

registryTest('ranges beyond all bounds take no room', {}, async (place) => {
  const { ask } = place;
  const location = (await ask('POST', '/v2/a/blobs/uploads/')).headers.get('location') ?? '';
  const patch = (headers: Record<string, string>) => ask('PATCH', location, { headers, body: 'x' });
  assert.equal((await patch({ 'content-range': '0-999999999999999' })).status, 413);
  assert.equal((await patch({ 'content-range': '0-99999999999' })).status, 400);
  assert.equal((await patch({ 'content-range': '999999999999999-999999999999999' })).status, 416);
  const digest = await place.blob('a', 'x');
  const asked = await ask('GET', `/v2/a/blobs/${digest}`, { headers: { range: `bytes=${'0-0,'.repeat(500)}0-0` } });
  assert.deepEqual([asked.status, asked.text], [200, 'x']);
});

const impatient = { head: 1000, stall: 500, slowest: 1000, connections: 20, uploads: 3, uploadKept: 60_000 };

registryTest('who is slow is cut off: the head, the body, a trickle', { limits: impatient }, async (place) => {
  const { ask } = place;
  const location = (await ask('POST', '/v2/a/blobs/uploads/')).headers.get('location') ?? '';
  const patch = `PATCH ${location} HTTP/1.1\r\n${host}Content-Length: 100000\r\n\r\n`;
  for (const beginning of ['GET /v2/ HT', patch]) {
    await using slow = await talk(place, beginning);
    await slow.closed;
  }
  await using trickle = await talk(place, patch);
  const timer = setInterval(() => trickle.socket.write('x'), 50);
  await trickle.closed;
  clearInterval(timer);
  assert.match(trickle.text(), /^HTTP\/1\.1 408/);
  assert.equal((await ask('GET', '/v2/')).status, 200);
});

registryTest('there are only so many uploads and connections', { limits: impatient }, async (place) => {
  const { ask } = place;
  const begin = async () => (await ask('POST', '/v2/a/blobs/uploads/')).status;
  assert.deepEqual([await begin(), await begin(), await begin(), await begin()], [202, 202, 202, 429]);
  const talks = await Promise.all(Array.from({ length: 40 }, () => talk(place, '')));
  await Promise.all(talks.map(({ closed }) => closed));
  assert.equal((await ask('GET', '/v2/')).status, 200, 'and others get in again');
});

test('a client that takes nothing is cut off, and its file is closed', async () => {
  await using scratch = makeScratch();
  let digest: string;
  {
    await using place = await openPlace('library', scratch.path);
    digest = await place.blob('a', Buffer.alloc(32 << 20));
  }
  await using place = await openPlace('library', scratch.path, { limits: { stall: 200 } });
  const isOpen = (): boolean => readdirSync('/proc/self/fd').some((fd) => linkOf(fd).endsWith(digest.slice(7)));
  await using lazy = await talk(place, '');
  lazy.socket.pause();
  lazy.socket.write(`GET /v2/a/blobs/${digest} HTTP/1.1\r\n${host}\r\n`);
  await eventually('it is read', isOpen);
  await eventually('it is given up', () => !isOpen());
  lazy.socket.resume();
  await lazy.closed;
  assert.ok(lazy.text().length < 32 << 20, `${lazy.text().length}`);
});

const user: Credentials = { user: 'ann', password: 'canary-password' };

for (const way of ['library', 'program'] as const) {
  test(`users: nobody gets in by another way of writing the path (${way})`, requires('htpasswd'), async () => {
    await using scratch = makeScratch();
    const htpasswd = join(scratch.path, 'users');
    const line = async ({ user: name, password }: Credentials) =>
      (await run('htpasswd', ['-nbB', '-C', '4', name, password])).stdout.trim();
    writeFileSync(htpasswd, await line(user));
    await using place = await openPlace(way, scratch.path, { htpasswd });
    const { ask, raw } = place;
    const as = (who: Credentials) => ({ headers: { authorization: basic(who) } });
    for (const path of [
      '/v2/',
      '/',
      '/v2/a/tags/list',
      '/v2//',
      '/V2/',
      '/v2/%2e%2e/',
      '/v2/_catalog?n=1',
      '/x',
      '/v2/a/blobs/uploads/',
    ]) {
      const refused = await ask('GET', path);
      assert.deepEqual([refused.status, refused.code], [401, 'UNAUTHORIZED'], path);
      assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic realm=/);
    }
    for (const target of ['*', 'http://x/v2/', '/v2/..', '//v2/', '/v2/\\', '/v2/a%00']) {
      const refused = status(await raw(`OPTIONS ${target} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`));
      assert.match(refused.join(), /^40[01]$/, target);
    }
    const two = `Authorization: ${basic(user)}\r\nAuthorization: ${basic({ user: 'x', password: 'y' })}\r\n`;
    assert.deepEqual(status(await raw(`GET /v2/ HTTP/1.1\r\n${host}${two}Connection: close\r\n\r\n`)), ['400']);
    assert.equal((await ask('GET', '/v2/', as(user))).status, 200);
    assert.equal((await ask('GET', '/v2/', as(user))).status, 200, 'remembered');
    for (const wrong of [
      { ...user, password: 'x' },
      { user: 'bob', password: user.password },
      { user: '', password: '' },
    ]) {
      assert.equal((await ask('GET', '/v2/', as(wrong))).status, 401, wrong.user);
    }
    // Refused before the body is asked for.
    const expects = `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n`;
    assert.deepEqual(status(await raw(expects)), ['401']);
    const bob = { user: 'bob', password: 'other' };
    await new Promise((resolve) => setTimeout(resolve, 1100));
    writeFileSync(htpasswd, await line(bob));
    await eventually('the file has changed', async () => (await ask('GET', '/v2/', as(bob))).status === 200);
    assert.equal((await ask('GET', '/v2/', as(user))).status, 401, 'who is no longer in the file');
  });
}

test('a server that is killed leaves what was pushed, and no upload', async () => {
  await using scratch = makeScratch();
  mkdirSync(scratch.path, { recursive: true });
  const root = join(scratch.path, 's');
  const server = start(binary, ['--root', root, 'registry', 'serve', '--address', '127.0.0.1:0']);
  const [, address = ''] = await server.printed(/^Serving on (\S+)$/m);
  const content = 'x'.repeat(100_000);
  const pushed = await fetch(`${address}/v2/a/blobs/uploads/?digest=${digestOf(content)}`, {
    method: 'POST',
    body: content,
  });
  assert.equal(pushed.status, 201);
  const begun = await fetch(`${address}/v2/a/blobs/uploads/`, { method: 'POST' });
  await fetch(`${address}${begun.headers.get('location')}`, { method: 'PATCH', body: content });
  server.child.kill('SIGKILL');
  await server.outcome;
  assert.equal(readdirSync(join(root, 'tmp')).length, 2, 'the upload and its lock');
  const collected = await run(binary, ['--root', root, 'reconcile']);
  assert.equal(collected.status, 0, collected.stderr);
  assert.deepEqual(readdirSync(join(root, 'tmp')), []);
  await using place = await openPlace('program', scratch.path);
  assert.equal((await place.ask('GET', `/v2/a/blobs/${digestOf(content)}`)).text, content);
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

type Talk = AsyncDisposable & { readonly socket: Socket; readonly closed: Promise<void>; text(): string };

/** A connection on which these bytes were sent. */
async function talk({ host: address }: Pick<Place, 'host'>, bytes: string): Promise<Talk> {
  const [name = '', port = ''] = address.split(':');
  const socket = connect(Number(port), name);
  let text = '';
  socket.on('data', (piece) => (text += piece.toString('latin1')));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.write(bytes);
  return {
    socket,
    closed,
    text: () => text,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}
