import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { sha256 } from '../oci/digest.ts';
import { downloadBlob, fetchBlob, receiveBlob } from './blob.ts';
import { type Answer, failsWith, impatient, type Request, serve, testRepository } from './testing.ts';

const content = randomBytes(300_000);
const blob = { digest: sha256(content), size: content.length };

/** Sends `bytes` with the headers of a body of `length` bytes, then breaks the connection if some are missing. */
function sendPart(response: ServerResponse, status: number, headers: object, bytes: Buffer, length: number): void {
  response.writeHead(status, { 'content-length': length, ...headers });
  if (bytes.length === length) response.end(bytes);
  // Bun calls back before all of it is on its way.
  else response.write(bytes, () => setTimeout(() => response.destroy(), 50));
}

/** Answers ranges, and breaks each connection after `piece` bytes. */
function breaking(piece: number): Answer {
  return ({ headers }, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
    const part = content.subarray(start, start + piece);
    sendPart(response, start === 0 ? 200 : 206, range, part, content.length - start);
  };
}

async function fetched(answer: Answer, ask: object = {}): Promise<{ bytes: Buffer; requests: readonly Request[] }> {
  await using server = await serve(answer);
  const bytes = await fetchBlob(testRepository(server.host), { ...blob, ...ask }, 1e6);
  return { bytes, requests: server.requests };
}

test('one request, not compressed on its way', async () => {
  const { bytes, requests } = await fetched((_, response) => response.end(content));
  assert.ok(bytes.equals(content));
  assert.equal(requests.length, 1);
  assert.equal(requests[0]?.path, `/v2/app/blobs/${blob.digest}`);
  assert.equal(requests[0]?.headers['accept-encoding'], 'identity');
});

test('goes on where the connection broke', async () => {
  const { bytes, requests } = await fetched(breaking(120_000));
  assert.ok(bytes.equals(content));
  assert.deepEqual(
    requests.map(({ headers }) => headers.range),
    [undefined, 'bytes=120000-', 'bytes=240000-'],
  );
});

test('a registry without ranges sends it all again, and the known part is dropped', async () => {
  let count = 0;
  const { bytes } = await fetched((_, response) => {
    count += 1;
    sendPart(response, 200, {}, count === 1 ? content.subarray(0, 100_000) : content, content.length);
  });
  assert.ok(bytes.equals(content));
  assert.equal(count, 2);
});

test('failures count anew after progress, not for ever without', async () => {
  const large = randomBytes(5_000_000);
  let requests = 0;
  const answer =
    (piece: number): Answer =>
    ({ headers }, response) => {
      requests += 1;
      const start = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);
      const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${large.length - 1}/${large.length}` };
      sendPart(response, start === 0 ? 200 : 206, range, large.subarray(start, start + piece), large.length - start);
    };
  const ask = { digest: sha256(large), size: large.length };
  await using good = await serve(answer(1_100_000));
  assert.ok((await fetchBlob(testRepository(good.host), ask, 1e7)).equals(large));
  assert.equal(requests, 5);
  await using bad = await serve(answer(10));
  requests = 0;
  await assert.rejects(fetchBlob(testRepository(bad.host), ask, 1e7), failsWith('unavailable', /connection lost/));
  assert.equal(requests, impatient.retry.attempts);
});

const lies: readonly (readonly [what: string, Answer, RegExp])[] = [
  ['other bytes', (_, response) => response.end(randomBytes(content.length)), /the bytes that came have digest/],
  ['a longer one, as its header says', (_, response) => response.end(Buffer.concat([content, content])), /are sent/],
  ['a shorter one, as its header says', (_, response) => response.end(content.subarray(1)), /are sent/],
  [
    'more bytes than announced',
    (_, response) => {
      response.write(content);
      response.end('x');
    },
    /over the 300000 bytes/,
  ],
  [
    'fewer bytes than announced, without a word',
    (_, response) => {
      response.write(content.subarray(1));
      response.end();
    },
    /cut off after|from \d+ of/,
  ],
  [
    'another part than was asked for',
    ({ headers }, response) => {
      if (headers.range === undefined) sendPart(response, 200, {}, content.subarray(0, 1000), content.length);
      else sendPart(response, 206, { 'content-range': 'bytes 0-299999/300000' }, content, content.length);
    },
    /asked for bytes from 1000 of 300000/,
  ],
];

for (const [what, answer, says] of lies) {
  test(`refuses ${what}`, async () => {
    await assert.rejects(fetched(answer), failsWith('corrupt', says));
  });
}

test('a large one is refused before it is asked for', async () => {
  await using server = await serve((_, response) => response.end());
  const ask = { ...blob, size: 1001 };
  await assert.rejects(fetchBlob(testRepository(server.host), ask, 1000), failsWith('corrupt', /over 1000 bytes/));
  assert.equal(server.requests.length, 0);
});

test('an empty blob needs no request, but the right digest', async () => {
  await using server = await serve((_, response) => response.end());
  const repository = testRepository(server.host);
  assert.equal((await fetchBlob(repository, { digest: sha256(''), size: 0 }, 10)).length, 0);
  await assert.rejects(fetchBlob(repository, { digest: blob.digest, size: 0 }, 10), failsWith('corrupt'));
});

test('a registry that stalls is asked again, then given up', async () => {
  let count = 0;
  const { bytes } = await fetched(({ headers }, response) => {
    count += 1;
    if (count > 1) breaking(content.length)({ method: '', path: '', headers, body: '' }, response);
    else response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
  });
  assert.ok(bytes.equals(content));
  const stalling: Answer = (_, response) =>
    void response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
  await assert.rejects(fetched(stalling), failsWith('unavailable', /no further bytes for 0\.3 s/));
});

test('a registry that trickles is asked again, then given up', async () => {
  const trickles: Answer = (_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    const timer = setInterval(() => response.write('x'), 5);
    response.on('close', () => clearInterval(timer));
  };
  await using server = await serve(trickles);
  const options = { ...impatient, limits: { answer: 10_000, stall: 10_000, commit: 10_000, slow: 40 } };
  const fetching = fetchBlob(testRepository(server.host, options), blob, content.length);
  await assert.rejects(fetching, failsWith('unavailable', /^blob "sha256:.*": "127.*": only \d+ bytes in/));
  assert.ok(server.requests.length > 1);
});

test('a reader that takes its time is no stall', async () => {
  await using server = await serve((_, response) => response.end(content));
  let size = 0;
  for await (const bytes of downloadBlob(testRepository(server.host), blob)) {
    size += bytes.length;
    if (size === bytes.length) await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.equal(size, content.length);
});

test('cancelling ends the stream, and so does leaving it', async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await serve((_, response) => {
    response.on('close', () => closed.resolve());
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 100_000));
  });
  const options = { ...impatient, limits: { answer: 60_000, stall: 60_000, commit: 60_000 } };
  const stop = new AbortController();
  const reading = async () => {
    for await (const _ of downloadBlob(testRepository(server.host, options), { ...blob, signal: stop.signal })) {
      setTimeout(() => stop.abort(), 20);
    }
  };
  await assert.rejects(reading(), failsWith('cancelled', /^blob "sha256:/));
  await closed.promise;

  const left = Promise.withResolvers<void>();
  await using other = await serve((_, response) => {
    response.on('close', () => left.resolve());
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 100_000));
  });
  for await (const _ of downloadBlob(testRepository(other.host, options), blob)) break;
  await left.promise;
});

/** Answers ranges as they are asked for. */
function ranged(bytes: Buffer, does: (start: number) => boolean = () => true): Answer {
  return ({ headers }, response) => {
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
    const start = Number(from);
    const end = to === '' ? bytes.length : Number(to) + 1;
    if (headers.range === undefined || !does(start)) return void response.end(bytes);
    const range = { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` };
    sendPart(response, 206, range, bytes.subarray(start, end), end - start);
  };
}

test('a large one comes in segments side by side, in order', async () => {
  const large = randomBytes(40 * 1024 * 1024 + 123);
  const ask = { digest: sha256(large), size: large.length };
  await using server = await serve(ranged(large));
  const options = { limits: { answer: 10_000, stall: 10_000, commit: 10_000 }, segments: 3 };
  assert.ok((await fetchBlob(testRepository(server.host, options), ask, 1e9)).equals(large));
  assert.equal(server.requests.length, 6);
  assert.ok(server.requests.every(({ headers }) => headers.range !== undefined));
  await using without = await serve(ranged(large, () => false));
  assert.ok((await fetchBlob(testRepository(without.host, options), ask, 1e9)).equals(large));
  assert.equal(without.requests.length, 2);
});

test('the rest of one whose beginning is known', async () => {
  for (const does of [true, false]) {
    await using server = await serve(ranged(content, () => does));
    const pieces: Uint8Array[] = [];
    for await (const piece of receiveBlob(testRepository(server.host), { ...blob, offset: 100_000 }))
      pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(content.subarray(100_000)));
    assert.equal(server.requests[0]?.headers.range, 'bytes=100000-');
  }
});
