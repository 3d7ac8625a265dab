import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeTypes, type DbusMessage, decodeMessage, encodeMessage } from './dbus-message.ts';

const call: DbusMessage = {
  type: 1,
  serial: 7,
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
  member: 'StartTransientUnit',
  destination: 'org.freedesktop.systemd1',
  signature: 'ssa(sv)a(sa(sv))',
  body: [
    'x.scope',
    'fail',
    [
      ['PIDs', { signature: 'au', value: [1, 2 ** 32 - 1] }],
      ['Delegate', { signature: 'b', value: true }],
      ['MemoryMax', { signature: 't', value: 2n ** 64n - 1n }],
      ['AllowedCPUs', { signature: 'ay', value: new Uint8Array([3]) }],
      ['DeviceAllow', { signature: 'a(ss)', value: [['/dev/char/1:3', 'rw']] }],
      ['KillSignal', { signature: 'i', value: -9 }],
    ],
    [],
  ],
};

test('what is written is read', () => {
  const bytes = encodeMessage(call);
  const { message, length } = decodeMessage(bytes) ?? assert.fail('more bytes wanted');
  assert.deepEqual(message, call);
  assert.equal(length, bytes.length);
});

test('the bytes of a small call', () => {
  const bytes = encodeMessage({ type: 1, serial: 1, path: '/', member: 'Hi', signature: 's', body: ['é'] });
  const expected = [
    ...[0x6c, 1, 0, 1, 7, 0, 0, 0, 1, 0, 0, 0, 39, 0, 0, 0],
    // Path "/", member "Hi", signature "s": each aligned to 8.
    ...[1, 1, 0x6f, 0, 1, 0, 0, 0, 0x2f, 0, 0, 0, 0, 0, 0, 0],
    ...[3, 1, 0x73, 0, 2, 0, 0, 0, 0x48, 0x69, 0, 0, 0, 0, 0, 0],
    ...[8, 1, 0x67, 0, 1, 0x73, 0, 0],
    ...[2, 0, 0, 0, 0xc3, 0xa9, 0],
  ];
  assert.deepEqual([...bytes], expected);
});

test('a message in pieces, and two at once', () => {
  const bytes = encodeMessage(call);
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeMessage(bytes.subarray(0, length)), undefined);
  const two = new Uint8Array([...bytes, ...bytes]);
  assert.equal(decodeMessage(two)?.length, bytes.length);
});

test('big-endian is read', () => {
  const bytes = [
    ...[0x42, 2, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 15],
    ...[5, 1, 0x75, 0, 0, 0, 0, 7, 8, 1, 0x67, 0, 1, 0x75, 0, 0],
    ...[0, 0, 1, 0],
  ];
  const { message } = decodeMessage(new Uint8Array(bytes)) ?? assert.fail('more bytes wanted');
  assert.deepEqual(message, { type: 2, serial: 9, replySerial: 7, signature: 'u', body: [256] });
});

test('signatures', () => {
  assert.deepEqual(completeTypes('ssa(sv)a{sa(su)}t'), ['s', 's', 'a(sv)', 'a{sa(su)}', 't']);
  for (const bad of ['a', '(s', 'z', '()', ')', `${'a'.repeat(40)}s`]) {
    assert.throws(() => completeTypes(bad), { code: 'invalid' }, bad);
  }
});

test('what does not fit is refused', () => {
  for (const body of [[1], [['a']], [], ['a', 'b'], ['a\0b']]) {
    assert.throws(() => encodeMessage({ type: 1, serial: 1, signature: 's', body }), { code: 'invalid' });
  }
});

test('bytes that are no message end in an error or in waiting, never otherwise', () => {
  const bytes = encodeMessage(call);
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  for (let round = 0; round < 3000; round++) {
    const broken = bytes.slice();
    for (let i = 0; i <= random(4); i++) broken[random(broken.length)] = random(256);
    try {
      decodeMessage(broken);
    } catch (error) {
      const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
      assert.ok(code === 'corrupt' || code === 'invalid', String(error));
    }
  }
});
