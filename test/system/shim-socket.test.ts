import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeFrames, encodeFrame, nothing } from '../../src/kernel/frame.ts';
import { requires } from '../harness/requires.ts';
import { eventually, follow, inPlace, type Place, statusField } from './shim-container.ts';

const needs = requires('root');

const hello = encodeFrame({ type: 'hello', interest: { stdout: true } });

function frame(type: number, length: number, payload = Buffer.alloc(0), reserved = 0): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(type, 0);
  header.writeUInt16LE(reserved, 2);
  header.writeUInt32LE(length, 4);
  return Buffer.concat([header, payload]);
}

function dial(place: Place): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(place.path, 'c.sock'));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** Whether the shim closes the connection after these bytes. */
async function refuses(place: Place, bytes: Uint8Array): Promise<boolean> {
  const socket = await dial(place);
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  socket.on('data', () => {});
  socket.write(bytes);
  const result = await eventually(() => closed, 500);
  socket.destroy();
  return result;
}

test('frames that are not due end the connection, and nothing else', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'sleep'], shim: { startRequired: false } }));
    const bad: readonly [string, Uint8Array][] = [
      ['before HELLO', encodeFrame({ type: 'start' })],
      ['a second HELLO', Buffer.concat([hello, hello])],
      ['an unknown type', Buffer.concat([hello, frame(99, 0)])],
      ['a type of the shim', Buffer.concat([hello, frame(32, 16, Buffer.alloc(16))])],
      ['too long', Buffer.concat([hello, frame(2, 65537)])],
      ['longer than its type', Buffer.concat([hello, frame(4, 5, Buffer.alloc(5))])],
      ['reserved bits', Buffer.concat([hello, frame(3, 0, Buffer.alloc(0), 1)])],
      ['signal 0', Buffer.concat([hello, frame(5, 4, Buffer.alloc(4))])],
      ['signal 65', Buffer.concat([hello, frame(5, 4, Buffer.from([65, 0, 0, 0]))])],
      ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ];
    for (const [what, bytes] of bad) assert.equal(await refuses(place, bytes), true, what);
    assert.equal(await refuses(place, Buffer.concat([hello, frame(2, 10, Buffer.from('0123456789'))])), false);
    const client = await place.connect();
    const told = await follow(client, (event) => {
      if (event.type === 'output') client.killAll();
    });
    assert.equal(told.exit.signal, 9);
  });
});

test('a second start is refused', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'sleep'] }));
    const client = await place.connect();
    const told = await follow(client, async (event) => {
      if (event.type !== 'output') return;
      assert.equal(await refuses(place, Buffer.concat([hello, encodeFrame({ type: 'start' })])), true);
      client.killAll();
    });
    assert.equal(told.exit.exitCode, 137);
  });
});

test('frames in pieces of one byte are frames', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['cat'], shim: { stdin: true } }));
    const socket = await dial(place);
    const received: Buffer[] = [];
    socket.on('data', (bytes) => received.push(bytes as Buffer));
    const all = Buffer.concat([
      encodeFrame({ type: 'hello', interest: { stdout: true, stdin: true } }),
      encodeFrame({ type: 'start' }),
      encodeFrame({ type: 'stdin', bytes: Buffer.from('piecemeal') }),
      encodeFrame({ type: 'stdin-eof' }),
    ]);
    for (const byte of all) {
      socket.write(Buffer.from([byte]));
      await sleep(1);
    }
    const said = (): string =>
      decodeFrames(nothing, Buffer.concat(received))
        .events.flatMap((event) => (event.type === 'output' ? [Buffer.from(event.bytes).toString()] : []))
        .join('');
    assert.ok(await eventually(() => said() === 'piecemeal'));
    assert.ok(await eventually(() => !place.locked()));
    assert.equal(place.record().exitCode, 0);
  });
});

test('what a client sent before it closed still counts', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'sleep'], shim: { startRequired: false } }));
    const client = await place.connect();
    let init = 0;
    const told = await follow(client, async (event) => {
      if (event.type === 'status') init = event.pid;
      if (event.type !== 'output') return;
      const shim = Number(statusField(init, 'PPid'));
      assert.ok(shim > 1);
      // Stopped, so that it finds the greeting, the signal and the end all at once, and can't answer any more.
      process.kill(shim, 'SIGSTOP');
      const socket = await dial(place);
      const gone = new Promise((resolve) => socket.once('close', resolve));
      socket.write(Buffer.concat([hello, frame(5, 4, Buffer.from([9, 0, 0, 0]))]), () => socket.destroy());
      await gone;
      process.kill(shim, 'SIGCONT');
    });
    assert.equal(told.exit.signal, 9);
  });
});

test('another user is turned away, whatever the file modes say', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['true'] }));
    const socket = join(place.path, 'c.sock');
    chmodSync(place.path, 0o711);
    chmodSync(socket, 0o666);
    const script = `require('node:net').connect(${JSON.stringify(socket)}).on('data', () => process.exit(1))
      .on('error', () => process.exit(2)).on('close', () => process.exit(0)).write(Buffer.from('0106000000000000', 'hex'))`;
    const result = spawnSync('setpriv', ['--reuid=1000', '--clear-groups', 'node', '-e', script], { encoding: 'utf8' });
    assert.ok([0, 2].includes(result.status ?? -1), `${result.status} ${result.stderr}`);
    assert.equal((await follow(await place.connect())).exit.exitCode, 0);
  });
});

test('the socket is only for its owner, and for sixteen at once', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['onggi-probe', 'sleep'] }));
    assert.equal(statSync(join(place.path, 'c.sock')).mode & 0o777, 0o600);
    const client = await place.connect();
    const told = await follow(client, async (event) => {
      if (event.type !== 'output') return;
      const sockets = await Promise.all(Array.from({ length: 40 }, () => dial(place)));
      let closed = 0;
      for (const socket of sockets) {
        socket.on('data', () => {});
        socket.on('close', () => closed++);
        socket.write(hello);
      }
      await eventually(() => closed === 25, 2000);
      assert.equal(closed, 25);
      for (const socket of sockets) socket.destroy();
      await sleep(20);
      client.killAll();
    });
    assert.equal(told.exit.exitCode, 137);
  });
});

test('a client that never says a word keeps nobody waiting for long', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['true'] }));
    const silent = await dial(place);
    const told = await follow(await place.connect());
    assert.equal(told.exit.exitCode, 0);
    silent.destroy();
  });
});

test('who comes late is told what happened', needs, async () => {
  await inPlace(async (place) => {
    place.launch(place.plan({ argv: ['nosuch'] }));
    await sleep(300);
    const told = await follow(await place.connect());
    assert.equal(told.fail().errno, 2);
    assert.equal(told.exit.exitCode, 127);
  });
});
