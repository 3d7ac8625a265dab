import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientFrame, decodeFrames, encodeFrame, frameMax, nothing, type ShimEvent } from './frame.ts';

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

const golden: readonly (readonly [ClientFrame, string])[] = [
  [{ type: 'hello', interest: {} }, '01 00 0000 00000000'],
  [{ type: 'hello', interest: { stdin: true, stdout: true, stderr: true, reconciles: true } }, '01 0f 0000 00000000'],
  [{ type: 'hello', interest: { stderr: true } }, '01 04 0000 00000000'],
  [{ type: 'stdin', bytes: hex('0aff') }, '02 00 0000 02000000 0aff'],
  [{ type: 'stdin-eof' }, '03 00 0000 00000000'],
  [{ type: 'resize', rows: 24, columns: 258 }, '04 00 0000 04000000 1800 0201'],
  [{ type: 'signal', signal: 15 }, '05 00 0000 04000000 0f000000'],
  [{ type: 'start' }, '06 00 0000 00000000'],
  [{ type: 'kill-all' }, '07 00 0000 00000000'],
  [{ type: 'linger', milliseconds: 1000 }, '08 00 0000 04000000 e8030000'],
];

for (const [frame, bytes] of golden) {
  test(`${JSON.stringify(frame)} is ${bytes}`, () => {
    assert.deepEqual(Buffer.from(encodeFrame(frame)), hex(bytes));
  });
}

const events: readonly (readonly [string, ShimEvent])[] = [
  [
    '20 00 0000 10000000 01000000 2a000000 0500000000000080',
    { type: 'status', state: 'created', pid: 42, startTime: 0x8000000000000005n },
  ],
  ['21 00 0000 03000000 616263', { type: 'output', stream: 'stdout', bytes: Buffer.from('abc') }],
  ['22 00 0000 00000000', { type: 'output', stream: 'stderr', bytes: Buffer.from('') }],
  [
    '23 00 0000 20000000 89000000 09000000 15000000 64000000 e8030000 0f000000 0100000000000000',
    {
      type: 'exit',
      exitCode: 137,
      signal: 9,
      oom: 'cgroup',
      coreDumped: true,
      neverRan: false,
      released: true,
      sender: { pid: 100, uid: 1000, signal: 15 },
      finishedAt: 1n,
    },
  ],
  [
    '23 00 0000 20000000 7f000000 00000000 0a000000 00000000 00000000 00000000 0000000000000000',
    {
      type: 'exit',
      exitCode: 127,
      signal: 0,
      oom: 'host',
      coreDumped: false,
      neverRan: true,
      released: false,
      sender: null,
      finishedAt: 0n,
    },
  ],
  [
    '24 00 0000 0f000000 03000000 07000000 02000000 c3a926',
    { type: 'fail', phase: 'init', step: 7, errno: 2, text: 'é&' },
  ],
  ['25 00 0000 0c000000 04000000 09000000 10000000', { type: 'warn', phase: 'cleanup', step: 9, errno: 16, text: '' }],
];

for (const [bytes, event] of events) {
  test(`${bytes} is ${event.type}`, () => {
    const decoded = decodeFrames(nothing, hex(bytes));
    assert.deepEqual(decoded.events, [event]);
    assert.equal(decoded.rest.length, 0);
  });
}

test('frames may be cut anywhere', () => {
  const all = hex(events.map(([bytes]) => bytes).join(''));
  const expected = events.map(([, event]) => event);
  for (let size = 1; size <= all.length; size++) {
    let rest = nothing;
    const found: ShimEvent[] = [];
    for (let offset = 0; offset < all.length; offset += size) {
      const decoded = decodeFrames(rest, all.subarray(offset, offset + size));
      found.push(...decoded.events);
      rest = decoded.rest;
    }
    assert.deepEqual(found, expected);
    assert.equal(rest.length, 0);
  }
});

const refused: readonly (readonly [string, string])[] = [
  ['an unknown type', '63 00 0000 00000000'],
  ['a type of the client', '01 00 0000 00000000'],
  ['a payload above the limit', '21 00 0000 01000100'],
  ['a short status', '20 00 0000 04000000 01000000'],
  ['an unknown state', '20 00 0000 10000000 04000000 2a000000 0000000000000000'],
  ['a long exit', '23 00 0000 21000000 00000000 00000000 00000000 00000000 00000000 00000000 0000000000000000 00'],
  ['a short failure', '24 00 0000 08000000 03000000 07000000'],
  ['an unknown phase', '24 00 0000 0c000000 05000000 07000000 00000000'],
];

for (const [what, bytes] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(() => decodeFrames(nothing, hex(bytes)), code('corrupt'));
  });
}

test('a header is refused before its payload arrives', () => {
  assert.throws(() => decodeFrames(nothing, hex('21 00 0000 ffffffff')), code('corrupt'));
});

test('what does not fit a field is refused', () => {
  assert.throws(() => encodeFrame({ type: 'stdin', bytes: new Uint8Array(frameMax + 1) }), code('internal'));
  assert.equal(encodeFrame({ type: 'stdin', bytes: new Uint8Array(frameMax) }).length, frameMax + 8);
  assert.throws(() => encodeFrame({ type: 'resize', rows: 65536, columns: 1 }), RangeError);
  assert.throws(() => encodeFrame({ type: 'signal', signal: -1 }), RangeError);
});
