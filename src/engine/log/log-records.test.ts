import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseK8sLine } from './log-lines.ts';
import { parseRecord, recordReader } from './log-records.ts';

/** A record of Docker's driver "local" of 2026-08-23T09:23:26.123679745Z. */
function record(text: string, stream = 'stdout', partial = false): Buffer {
  const line = Buffer.from(text);
  assert.ok(line.length < 128);
  const time = [0x81, 0x80, 0xb9, 0xd1, 0xdd, 0x9b, 0x99, 0xe7, 0x18];
  const fields = [0x0a, stream.length, ...Buffer.from(stream), 0x10, ...time, 0x1a, line.length, ...line];
  const body = Buffer.from([...fields, ...(partial ? [0x20, 1] : []), 0x7a, 1, 0]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  return Buffer.concat([size, body, size]);
}

test('records of the driver local; fields that are not known are passed over', () => {
  const entry = parseRecord(record('x', 'stderr').subarray(4, -4));
  assert.deepEqual([entry?.stream, entry?.text], ['stderr', 'x\n']);
  assert.match(entry?.time ?? '', /^20\d\d-.*Z$/);
  assert.equal(parseRecord(record('x', 'stdout', true).subarray(4, -4))?.text, 'x');
  assert.equal(entry?.time, '2026-08-23T09:23:26.123679745Z');
  // The largest time, and -1.
  const latest = parseRecord(Uint8Array.from([0x10, ...Array.from({ length: 8 }, () => 0xff), 0x7f]));
  assert.equal(latest?.time, '2262-04-11T23:47:16.854775807Z');
  const negative = [0x10, ...Array.from({ length: 9 }, () => 0xff), 1];
  for (const bad of [[0x0a], [0x0a, 9, 1], [0x0b], [0x80], Array.from({ length: 20 }, () => 0x80), negative]) {
    assert.equal(parseRecord(Uint8Array.from(bad)), undefined);
  }
});

test('a file of records: all, the last, a torn end', () => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-log-'));
  const path = join(directory, 'log');
  writeFileSync(path, Buffer.concat(['a', 'b', 'c'].map((text) => record(text))));
  const fd = openSync(path, 'r');
  try {
    const reader = recordReader(fd);
    const texts = () => [...reader.entries()].map(({ text }) => text.trim());
    assert.deepEqual(texts(), ['a', 'b', 'c']);
    assert.equal(reader.seekTail(2), 2);
    assert.deepEqual(texts(), ['b', 'c']);
    assert.equal(reader.seekTail(9), 3);
    assert.equal(reader.seekTail(0), 0);
    assert.deepEqual(texts(), []);
    writeFileSync(path, Buffer.concat([record('a'), record('torn').subarray(0, 20)]));
    assert.equal(reader.seekTail(9), 0);
    writeFileSync(path, Buffer.from('ffffffff0102030405060708', 'hex'));
    assert.deepEqual([...recordReader(fd).entries()], []);
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
});

test('lines of the Container Runtime Interface', () => {
  const time = '2026-01-02T03:04:05.123456789Z';
  const parsed = parseK8sLine('2026-01-02T03:04:05.123456789+00:00 stdout F a b');
  assert.deepEqual(parsed, { stream: 'stdout', time, text: 'a b\n' });
  assert.deepEqual(parseK8sLine('2026-01-02T04:04:05.123456789+01:00 stderr P x'), {
    stream: 'stderr',
    time,
    text: 'x',
  });
  assert.equal(parseK8sLine('2026-01-02T03:04:05.123456789+00:00 stdout F ')?.text, '\n');
  for (const bad of ['', 'x', '2026-01-02 stdout F x', '2026-13-02T03:04:05.1Z stdout F x', `${time} moon F x`]) {
    assert.equal(parseK8sLine(bad), undefined, bad);
  }
});
