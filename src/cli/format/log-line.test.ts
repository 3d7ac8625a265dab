import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogEntry } from '../../engine/types.ts';
import { mergeLogs } from '../merge-logs.ts';
import { logPrinter } from './log-line.ts';

const entry = (time: string, text: string, more: Partial<LogEntry> = {}): LogEntry => ({
  stream: 'stdout',
  time,
  text,
  ...more,
});
const plain = { timestamps: false, details: false, color: false };

test('lines of several containers, told apart', () => {
  const print = logPrinter(['web', 'db'], plain);
  assert.equal(print(0, entry('1', 'a\n')), 'web a\n');
  // A line in two pieces is one line, unless another one comes between them.
  assert.equal(print(0, entry('2', 'long ')) + print(0, entry('3', 'line\n')), 'web long line\n');
  assert.equal(print(0, entry('4', 'cut')) + print(1, entry('5', 'b\n')), 'web cut\ndb b\n');
  assert.equal(logPrinter([null], { ...plain, timestamps: true })(0, entry('T', 'x\n')), 'T x\n');
});

test('details as Docker writes them', () => {
  const print = logPrinter([null], { ...plain, details: true, timestamps: true });
  assert.equal(print(0, entry('T', 'x\n', { attributes: { b: 'c d', a: '1,2' } })), 'T a=1%2C2,b=c+d x\n');
  assert.equal(print(0, entry('T', 'x\n')), 'T  x\n');
});

test('a color for each container, ended with the line', () => {
  const print = logPrinter(['a', 'b'], { ...plain, color: true });
  assert.equal(print(0, entry('1', 'x\n')), '\x1b[36ma x\x1b[0m\n');
  assert.equal(print(1, entry('1', 'y\n')), '\x1b[33mb y\x1b[0m\n');
});

async function* log(...entries: LogEntry[]): AsyncGenerator<LogEntry> {
  yield* entries;
}

test('logs at rest are merged by time; live ones as they come, and those that wait are not waited for', async () => {
  const texts: string[] = [];
  const logs = [log(entry('1', 'a'), entry('4', 'd')), log(), log(entry('2', 'b'), entry('3', 'c'), entry('5', 'e'))];
  for await (const { source, entry } of mergeLogs(logs, false)) texts.push(`${entry.text}${source}`);
  assert.deepEqual(texts, ['a0', 'b2', 'c2', 'd0', 'e2']);
  const waiting: AsyncIterable<LogEntry> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
  const seen: string[] = [];
  for await (const { entry: seenEntry } of mergeLogs([waiting, log(entry('9', 'late'), entry('1', 'early'))], true)) {
    seen.push(seenEntry.text);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ['late', 'early']);
});
