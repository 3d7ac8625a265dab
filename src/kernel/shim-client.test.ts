import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectShim, type ShimEvent } from './shim-client.ts';

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;

const created = Buffer.from('2000000010000000010000002a0000000500000000000000', 'hex');
const running = Buffer.from('2000000010000000020000002a0000000500000000000000', 'hex');
const exit = Buffer.concat([Buffer.from('2300000020000000', 'hex'), Buffer.alloc(32)]);

function stdout(bytes: Uint8Array): Buffer {
  const header = Buffer.from('2100000000000000', 'hex');
  header.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

let scratch = '';
let server: Server | undefined;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'onggi-shim-'));
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(scratch, { recursive: true });
});

/** A stand-in for the shim: `serve` has the connection once the client's HELLO is there. */
async function standIn(path: string, serve: (socket: Socket, hello: Buffer) => void): Promise<void> {
  const made = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (hello: Buffer) => serve(socket, hello));
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(path, resolve));
}

async function all(events: AsyncIterable<ShimEvent>): Promise<string[]> {
  const words: string[] = [];
  for await (const event of events) words.push(event.type === 'status' ? event.state : event.type);
  return words;
}

test('a life is told in order; start is sent when created', async () => {
  const path = join(scratch, 's');
  const received: Buffer[] = [];
  await standIn(path, (socket, hello) => {
    received.push(hello);
    socket.write(created);
    socket.on('data', (bytes) => {
      received.push(bytes as Buffer);
      if (bytes[0] === 6) socket.write(Buffer.concat([running, stdout(Buffer.from('hi')), exit]));
    });
  });
  using client = await connectShim(path, { stdout: true, reconciles: true });
  assert.throws(() => client.start(), code('conflict'));
  const first = await client.events.next();
  assert.deepEqual(first.value, { type: 'status', state: 'created', pid: 42, startTime: 5n });
  client.start();
  assert.deepEqual(await all(client.events), ['running', 'output', 'exit']);
  assert.throws(() => client.start(), code('conflict'));
  assert.equal(Buffer.concat(received).toString('hex'), '010a0000000000000600000000000000');
});

test('reading to the end does not close: that is a message of its own', async () => {
  const path = join(scratch, 's');
  let gone = false;
  await standIn(path, (socket) => {
    socket.on('close', () => {
      gone = true;
    });
    socket.write(Buffer.concat([running, exit]));
  });
  const client = await connectShim(path, {});
  assert.deepEqual(await all(client.events), ['running', 'exit']);
  await sleep(30);
  assert.equal(gone, false);
  client.close();
  client.close();
  for (let tries = 0; !gone && tries < 100; tries++) await sleep(5);
  assert.equal(gone, true);
});

test('output that nobody reads stops the writer', async () => {
  const path = join(scratch, 's');
  const total = 64 * 1024 * 1024;
  let sent = 0;
  await standIn(path, (socket) => {
    socket.write(running);
    const frame = stdout(Buffer.alloc(65536, 120));
    const pump = (): void => {
      while (sent < total) {
        sent += 65536;
        if (!socket.write(frame)) {
          socket.once('drain', pump);
          return;
        }
      }
      socket.write(exit);
    };
    pump();
  });
  using client = await connectShim(path, { stdout: true });
  await client.events.next();
  await sleep(150);
  assert.ok(sent < 8 * 1024 * 1024, `${sent} bytes were sent unread`);
  let received = 0;
  for await (const event of client.events) if (event.type === 'output') received += event.bytes.length;
  assert.equal(received, total);
});

test('input is split into frames, on a connection of its own, and waits for the reader', async () => {
  const path = join(scratch, 's');
  const lengths: number[] = [];
  let main: Socket | undefined;
  await standIn(path, (socket, hello) => {
    const wantsInputOnly = hello[1] === 1;
    if (!wantsInputOnly) {
      main = socket;
      socket.write(running);
      return;
    }
    let bytes: Buffer = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt32LE(4)) {
        if (bytes[0] === 2) lengths.push(bytes.readUInt32LE(4));
        if (bytes[0] === 3) main?.write(exit);
        bytes = bytes.subarray(8 + bytes.readUInt32LE(4));
      }
    };
    socket.on('data', take);
    // What came in the same read as the HELLO is input already.
    take(hello.subarray(8));
  });
  using client = await connectShim(path, { stdin: true, stdout: true });
  await client.write(new Uint8Array(150_000));
  client.closeStdin();
  assert.deepEqual(await all(client.events), ['running', 'exit']);
  assert.deepEqual(lengths, [65536, 65536, 18928]);
});

test('a shim that goes away is told, unless we have left', async () => {
  const path = join(scratch, 's');
  await standIn(path, (socket) => socket.end(running));
  using client = await connectShim(path, {});
  await assert.rejects(all(client.events), code('unavailable'));
  const other = await connectShim(path, {});
  other.close();
  assert.deepEqual(await all(other.events), []);
  await assert.rejects(other.write(new Uint8Array(1)), code('unavailable'));
  other.resize(1, 2);
});

test('a frame out of order or unknown ends the reading', async () => {
  const path = join(scratch, 's');
  await standIn(path, (socket) => socket.write(exit));
  using client = await connectShim(path, {});
  await assert.rejects(all(client.events), code('corrupt'));
});

test('a socket with a path longer than sun_path is reached', async () => {
  const long = join(scratch, 'd'.repeat(60), 'e'.repeat(60));
  mkdirSync(long, { recursive: true });
  process.chdir(long);
  await standIn('s', (socket) => socket.write(Buffer.concat([running, exit])));
  process.chdir('/');
  using client = await connectShim(join(long, 's'), {});
  assert.deepEqual(await all(client.events), ['running', 'exit']);
  await assert.rejects(connectShim(join(long, 'none'), {}), code('not-found'));
  await assert.rejects(connectShim(join(long, 'no', 's'), {}), code('not-found'));
});

test('nobody there, or given up', async () => {
  const path = join(scratch, 's');
  await assert.rejects(connectShim(path, {}), code('not-found'));
  await assert.rejects(connectShim(path, {}, AbortSignal.abort()), code('cancelled'));
});
