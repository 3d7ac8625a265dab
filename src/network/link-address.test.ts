import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listAddresses, parseAddresses, restoreAddress } from './link-address.ts';
import { attribute, encodeMessages, type Message, parseMessages, u32 } from './netlink-message.ts';

/** As the kernel tells of an address: struct ifaddrmsg, then attributes. */
function told(flags: number, scope: number, attributes: Message['attributes']): Message {
  const header = Buffer.from([10, 64, flags & 0xff, scope, 7, 0, 0, 0]);
  return { type: 20, flags: 0, header, attributes, what: '' };
}

const local = attribute(2, Uint8Array.of(10, 0, 0, 1));

test('what is told of an address is asked for again, on another link', () => {
  // Its lifetime (6) and its label (3) are not.
  const others = [attribute(6, new Uint8Array(16)), attribute(3, Buffer.from('eth0\0'))];
  const messages = [told(0x80, 0, [local, attribute(8, u32(0x280)), ...others])];
  const [found] = parseAddresses(parseMessages(encodeMessages(messages).bytes));
  assert.ok(found);
  assert.deepEqual([found.index, found.permanent, found.global], [7, true, true]);
  const { header, attributes } = restoreAddress(found, 99);
  assert.deepEqual([...header], [10, 64, 0, 0, 99, 0, 0, 0]);
  assert.deepEqual(
    attributes.map(({ type, value }) => [type, [...(value as Uint8Array)]]),
    [
      [2, [10, 0, 0, 1]],
      [8, [0, 2, 0, 0]],
    ],
  );
});

test('who does not tell flags of 32 bits tells those of 8; other replies are passed over', () => {
  const messages = [told(0x80, 253, [local]), told(0, 0, [local]), listAddresses()];
  const found = parseAddresses(parseMessages(encodeMessages(messages).bytes));
  assert.deepEqual(
    found.map(({ permanent, global }) => [permanent, global]),
    [
      [true, false],
      [false, true],
    ],
  );
});
