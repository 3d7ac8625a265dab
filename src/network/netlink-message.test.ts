import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attribute,
  bigEndian16,
  bigEndian32,
  encodeMessages,
  type Message,
  parseAttributeList,
  parseAttributes,
  parseError,
  parseMessages,
  parseText,
  text,
  u8,
  u16,
  u32,
} from './netlink-message.ts';

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (hexadecimal: string): Buffer => Buffer.from(hexadecimal.replaceAll(' ', ''), 'hex');

test('numbers and strings', () => {
  assert.equal(hex(u8(255)), 'ff');
  assert.equal(hex(u16(0x1234)), '3412');
  assert.equal(hex(u32(0x12345678)), '78563412');
  assert.equal(hex(bigEndian16(0x1234)), '1234');
  assert.equal(hex(bigEndian32(0x12345678)), '12345678');
  assert.equal(hex(bigEndian32(-300)), 'fffffed4');
  assert.equal(hex(text('lo')), '6c6f00');
});

const sample: Message = {
  type: 0x10,
  flags: 0x604,
  header: bytes('0102 030405'),
  attributes: [
    attribute(3, text('lo')),
    attribute(18, [attribute(1, u8(7)), attribute(2, { header: bytes('aabb'), attributes: [attribute(19, 'pid')] })]),
  ],
  what: 'sample',
};

test('a message is padded and nested as the kernel reads it', () => {
  const { bytes: encoded, pidAt } = encodeMessages([sample]);
  const expected = [
    '3c000000 1000 0506 01000000 00000000', // length, type, flags with NLM_F_REQUEST, sequence, port
    '0102030405 000000', // the family's structure, padded to 4
    '0700 0300 6c6f00 00', // a string: its length counts the NUL, not the padding
    '1c00 1280', // nested: NLA_F_NESTED
    '0500 0100 07 000000',
    '1000 0280 aabb 0000', // a structure before the attributes
    '0800 1300 00000000', // the place of the pid
  ];
  assert.equal(hex(encoded), expected.join('').replaceAll(' ', ''));
  assert.deepEqual(pidAt, [56]);
});

test('messages of one request are numbered, and their places counted from its beginning', () => {
  const { bytes: encoded, pidAt } = encodeMessages([sample, { ...sample, attributes: [] }, sample]);
  assert.deepEqual(pidAt, [56, 60 + 24 + 56]);
  const parsed = parseMessages(encoded);
  assert.deepEqual(
    parsed.map(({ type, sequence }) => [type, sequence]),
    [
      [0x10, 1],
      [0x10, 2],
      [0x10, 3],
    ],
  );
});

test('what is encoded is parsed', () => {
  const [message] = parseMessages(encodeMessages([sample]).bytes);
  assert.ok(message);
  const found = parseAttributes(message.payload, 8);
  assert.equal(parseText(found.get(3) ?? Buffer.alloc(0)), 'lo');
  const inner = parseAttributeList(found.get(18) ?? Buffer.alloc(0));
  assert.deepEqual(
    inner.map(([type]) => type),
    [1, 2],
  );
});

test('an error tells errno and the words of the kernel', () => {
  const request = '00000000 0000 0000 00000000 00000000';
  assert.deepEqual(parseError(bytes(`00000000 ${request}`)), { errno: 0, text: '' });
  assert.deepEqual(parseError(bytes(`efffffff ${request}`)), { errno: 17, text: '' });
  const words = '0800 0100 6e6f2100';
  assert.deepEqual(parseError(bytes(`efffffff ${request} ${words}`)), { errno: 17, text: 'no!' });
});

for (const [what, wrong] of [
  ['a cut header', '10000000 1000'],
  ['a length below the header', '0f000000 1000 0000 00000000 00000000'],
  ['a length beyond the end', '14000000 1000 0000 00000000 00000000'],
] as const) {
  test(`${what} is refused`, () => assert.throws(() => parseMessages(bytes(wrong)), code('corrupt')));
}

test('attributes that leave their message are refused', () => {
  assert.throws(() => parseAttributes(bytes('0900 0100 00000000')), code('corrupt'));
  assert.throws(() => parseAttributes(bytes('0300 0100')), code('corrupt'));
  assert.throws(() => parseError(bytes('00')), code('corrupt'));
});

test('an attribute that its length field cannot tell is refused', () => {
  const message = { ...sample, attributes: [attribute(1, new Uint8Array(65_532))] };
  assert.throws(() => encodeMessages([message]), code('internal'));
});
