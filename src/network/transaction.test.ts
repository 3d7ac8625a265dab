import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetlinkSocket } from '../kernel/netlink-socket.ts';
import { doneType, errorType, flags, type Message } from './netlink-message.ts';
import { exchange, transact } from './transaction.ts';

function reply(type: number, sequence: number, payload: Buffer, replyFlags = 0): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + payload.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(replyFlags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, payload]);
}

function verdict(sequence: number, errno: number): Buffer {
  const payload = Buffer.alloc(20);
  payload.writeInt32LE(-errno, 0);
  return reply(errorType, sequence, payload);
}

/** A kernel that says one of these at each question. */
function standIn(...answers: Uint8Array[][]): NetlinkSocket & { asked: number } {
  return {
    asked: 0,
    transact() {
      return answers[this.asked++] ?? [];
    },
  };
}

function message(what: string, messageFlags: number = flags.ack): Message {
  return { type: 16, flags: messageFlags, header: new Uint8Array(), attributes: [], what };
}

test('refusals name their messages, whatever their order', () => {
  const socket = standIn([Buffer.concat([verdict(3, 17), verdict(1, 0)]), verdict(2, 2)]);
  const { replies, refused } = exchange(socket, [message('one'), message('two'), message('three')]);
  assert.deepEqual(replies, []);
  assert.deepEqual(
    refused.map(({ message: { what }, errno, error }) => [what, errno, error.code]),
    [
      ['three', 'EEXIST', 'exists'],
      ['two', 'ENOENT', 'not-found'],
    ],
  );
  assert.throws(() => transact(standIn([verdict(1, 1)]), [message('make a link')]), {
    code: 'denied',
    message: 'make a link: EPERM',
  });
});

test('what is said of nobody is passed over', () => {
  const { refused } = exchange(standIn([verdict(9, 17)]), [message('one')]);
  assert.deepEqual(refused, []);
});

const done = reply(doneType, 1, Buffer.alloc(4));
const entry = (text: string, replyFlags = 2): Buffer => reply(16, 1, Buffer.from(text), replyFlags);

test('a listing that was interrupted is asked for again', () => {
  const socket = standIn([entry('old1', 2 | 0x10), done], [entry('new1'), entry('new2'), done]);
  const replies = transact(socket, [message('list', flags.dump)]);
  assert.deepEqual(
    replies.map(({ payload }) => payload.toString()),
    ['new1', 'new2'],
  );
  assert.equal(socket.asked, 2);
});

test('a listing that never holds still is given up', () => {
  const restless = standIn(...Array.from({ length: 100 }, () => [entry('x', 0x12), done]));
  assert.throws(() => transact(restless, [message('list', flags.dump)]), { code: 'unavailable' });
  assert.ok(restless.asked < 100);
});

test('a change is never sent twice', () => {
  const socket = standIn([entry('x', 0x10), verdict(1, 0)]);
  transact(socket, [message('make a link')]);
  assert.equal(socket.asked, 1);
});
