import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { sha256 } from '../oci/digest.ts';
import { failsWith, sendJson, testRepository } from './testing.ts';
import { type BlobGift, uploadBlob } from './upload.ts';
import { bytesReceived, uploadLocation } from './upload-range.ts';

type Upload = { bytes: Buffer };
type Fault = (method: string, url: string, request: IncomingMessage, response: ServerResponse) => boolean;

/** Takes uploads by the specification, and keeps what has come when a connection breaks. */
async function uploadServer(fault: Fault = () => false) {
  const uploads = new Map<string, Upload>();
  const blobs = new Map<string, Buffer>();
  const log: string[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    if (url === '/v2/') return void response.end('{}');
    log.push(`${method} ${url.replace(/sha256[^&]*/, 'D')} ${request.headers['content-range'] ?? ''}`.trim());
    if (fault(method, url, request, response)) return;
    const id = /uploads\/(u\d+)/.exec(url)?.[1] ?? '';
    const upload = uploads.get(id);
    if (method === 'HEAD') return void response.writeHead(blobs.has(url.split('/').at(-1) ?? '') ? 200 : 404).end();
    if (method === 'POST') {
      const name = `u${uploads.size}`;
      uploads.set(name, { bytes: Buffer.alloc(0) });
      return void response.writeHead(202, { location: `/v2/app/blobs/uploads/${name}` }).end();
    }
    if (upload === undefined) return sendJson(response, 404, { errors: [{ code: 'BLOB_UPLOAD_UNKNOWN' }] });
    const range = () => ({ location: url.split('?')[0], range: `0-${Math.max(0, upload.bytes.length - 1)}` });
    if (method === 'GET') return void response.writeHead(204, range()).end();
    const start = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
    if (start !== undefined && Number(start) !== upload.bytes.length)
      return void response.writeHead(416, range()).end();
    const pieces: Buffer[] = [];
    try {
      for await (const chunk of request) pieces.push(chunk as Buffer);
    } catch {
      upload.bytes = Buffer.concat([upload.bytes, ...pieces]);
      return;
    }
    upload.bytes = Buffer.concat([upload.bytes, ...pieces]);
    if (method === 'PATCH') return void response.writeHead(202, range()).end();
    const digest = new URL(url, 'http://x').searchParams.get('digest') ?? '';
    if (sha256(upload.bytes) !== digest) return sendJson(response, 400, { errors: [{ code: 'DIGEST_INVALID' }] });
    blobs.set(digest, upload.bytes);
    response.writeHead(201).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  return {
    host: `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`,
    blobs,
    uploads,
    log,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function giftOf(content: Buffer, more: Partial<BlobGift> = {}): BlobGift {
  const open = async function* (offset: number): AsyncGenerator<Uint8Array> {
    for (let at = offset; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
  };
  return { digest: sha256(content), size: content.length, open, ...more };
}

const small = randomBytes(50_000);
const large = randomBytes(5_000_000);

test('a small blob is sent with the closing request, an empty one too', async () => {
  for (const content of [small, Buffer.alloc(0)]) {
    await using server = await uploadServer();
    const given = await uploadBlob(testRepository(server.host), giftOf(content));
    assert.deepEqual(given, { how: 'uploaded' });
    assert.ok(server.blobs.get(sha256(content))?.equals(content));
    assert.deepEqual(server.log, [
      'HEAD /v2/app/blobs/D',
      'POST /v2/app/blobs/uploads/',
      'PUT /v2/app/blobs/uploads/u0?digest=D',
    ]);
    assert.deepEqual(await uploadBlob(testRepository(server.host), giftOf(content)), { how: 'exists' });
  }
});

test('a large one goes by one PATCH, with its progress told', async () => {
  await using server = await uploadServer();
  const told: number[] = [];
  const gift = giftOf(large, { onProgress: (sent) => told.push(sent) });
  assert.deepEqual(await uploadBlob(testRepository(server.host), gift), { how: 'uploaded' });
  assert.ok(server.blobs.get(gift.digest)?.equals(large));
  assert.deepEqual(server.log.slice(2), ['PATCH /v2/app/blobs/uploads/u0', 'PUT /v2/app/blobs/uploads/u0?digest=D']);
  assert.ok(told.length > 10 && told.at(-1) === large.length);
});

test('in chunks', async () => {
  await using server = await uploadServer();
  const gift = giftOf(large, { chunkSize: 2_000_000 });
  await uploadBlob(testRepository(server.host), gift);
  assert.ok(server.blobs.get(gift.digest)?.equals(large));
  assert.deepEqual(server.log.slice(2), [
    'PATCH /v2/app/blobs/uploads/u0 0-1999999',
    'PATCH /v2/app/blobs/uploads/u0 2000000-3999999',
    'PUT /v2/app/blobs/uploads/u0?digest=D 4000000-4999999',
  ]);
});

test('goes on where the connection broke', async () => {
  let patches = 0;
  await using server = await uploadServer((method, _, request) => {
    patches += method === 'PATCH' ? 1 : 0;
    if (method === 'PATCH' && patches === 1) {
      let size = 0;
      request.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > 2_500_000) request.socket.destroy();
      });
    }
    return false;
  });
  const gift = giftOf(large);
  await uploadBlob(testRepository(server.host), gift);
  assert.ok(server.blobs.get(gift.digest)?.equals(large));
  assert.match(server.log.join('\n'), /GET \S+u0\nPATCH \S+ [1-9]\d+-4999999/);
});

test('an upload that the registry has forgotten is begun anew; a closing answer that was lost is no failure', async () => {
  let forgotten = false;
  await using forgetful = await uploadServer((method, _, __, response) => {
    if (method !== 'PATCH' || forgotten) return false;
    forgotten = true;
    response.writeHead(404).end();
    return true;
  });
  await uploadBlob(testRepository(forgetful.host), giftOf(large));
  assert.ok(forgetful.blobs.get(sha256(large))?.equals(large));
  assert.equal(forgetful.log.filter((line) => line.startsWith('POST')).length, 2);

  await using deaf = await uploadServer((method, _, request, response) => {
    if (method === 'PUT') {
      deaf.blobs.set(sha256(small), small);
      request.resume().on('end', () => response.destroy());
    }
    return method === 'PUT';
  });
  assert.deepEqual(await uploadBlob(testRepository(deaf.host), giftOf(small)), { how: 'uploaded' });
});

test('where all at once is too much, in chunks that get smaller', async () => {
  const content = randomBytes(20_000_000);
  await using server = await uploadServer((_, __, request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= 5_000_000) return false;
    request.resume();
    response.writeHead(413).end();
    return true;
  });
  const gift = giftOf(content);
  await uploadBlob(testRepository(server.host), gift);
  assert.ok(server.blobs.get(gift.digest)?.equals(content));
});

test('mounts from another repository; where that has not got it, uploads into what was begun', async () => {
  await using server = await uploadServer((_, url, __, response) => {
    const mounts = url.includes('from=team%2Fhas');
    if (mounts) response.writeHead(201).end();
    return mounts;
  });
  const repository = testRepository(server.host, { access: 'push', mountFrom: ['no', 'team/has'] });
  const gift = giftOf(large, { mountFrom: ['no', 'app', 'team/has'] });
  assert.deepEqual(await uploadBlob(repository, gift), { how: 'mounted', from: 'team/has' });
  assert.match(server.log.join('\n'), /POST \S+from=no\nDELETE \S+u0\nPOST \S+from=team%2Fhas$/);
  server.log.length = 0;
  assert.deepEqual(await uploadBlob(repository, giftOf(small, { mountFrom: ['no'] })), { how: 'uploaded' });
  assert.deepEqual(
    server.log.slice(1).map((line) => line.split(' ')[0]),
    ['POST', 'PUT'],
  );
});

test('what the registry refuses, and what the source throws, is final', async () => {
  await using server = await uploadServer();
  const wrong = { ...giftOf(small), digest: sha256('other') };
  await assert.rejects(uploadBlob(testRepository(server.host), wrong), failsWith('invalid', /DIGEST_INVALID/));
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield large.subarray(0, 2_000_000);
    throw new OnggiError('not-found', 'the file is gone');
  };
  const before = server.log.length;
  await assert.rejects(
    uploadBlob(testRepository(server.host), giftOf(large, { open: broken })),
    failsWith('not-found', /the file is gone/),
  );
  assert.ok(server.log.length - before <= 3);
  const short = giftOf(large, { size: large.length + 1 });
  await assert.rejects(uploadBlob(testRepository(server.host), short), failsWith('corrupt', /bytes are there/));
});

test('a registry that takes nothing is given up', async () => {
  await using server = await uploadServer((method, _, request) => {
    if (method === 'PATCH') request.pause();
    return method === 'PATCH';
  });
  const huge = giftOf(randomBytes(30_000_000));
  await assert.rejects(
    uploadBlob(testRepository(server.host), huge),
    failsWith('unavailable', /no (bytes taken|answer)/),
  );
});

test('a place that lowers the guard is refused, one on the same host is asked by https', () => {
  const secure = new URL('https://r.example/v2/');
  const no = () => false;
  assert.equal(uploadLocation('http://r.example/u?s=1', secure, no, 'x').href, 'https://r.example/u?s=1');
  assert.equal(uploadLocation('/u', secure, no, 'x').href, 'https://r.example/u');
  assert.equal(uploadLocation('https://store.example/u', secure, no, 'x').host, 'store.example');
  for (const location of ['http://evil.example/u', 'ftp://r.example/', 'https://u:p@r.example/']) {
    assert.throws(() => uploadLocation(location, secure, no, 'x'), failsWith('denied'));
  }
  assert.throws(() => uploadLocation(null, secure, no, 'x'), failsWith('corrupt'));
  assert.throws(() => uploadLocation('http://[', secure, no, 'x'), failsWith('corrupt'));
});

const ranges: readonly (readonly [string | null, number | null])[] = [
  ['0-1023', 1024],
  ['bytes=0-9', 10],
  ['0-0', 0],
  [null, null],
  ['5-10', null],
  ['0--1', null],
  ['0-99999999999999999', null],
];
for (const [range, received] of ranges) {
  test(`range "${range}" is ${received} bytes`, () => assert.equal(bytesReceived(range), received));
}
