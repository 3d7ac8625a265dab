import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type LogFile, openLogFiles } from './log-file.ts';
import { parseLine } from './log-lines.ts';

let [directory, path] = ['', ''];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onggi-log-'));
  path = join(directory, 'log');
});
afterEach(() => rmSync(directory, { recursive: true }));

const line = (text: string, stream = 'stdout') =>
  `${JSON.stringify({ log: `${text}\n`, stream, time: '2026-11-21T12:00:00.000000001Z' })}\n`;
const lines = (...texts: string[]) => texts.map((text) => line(text)).join('');

/** Opened by path; closed at the end of the scope. */
function open(after?: bigint) {
  const files = openLogFiles(path, after);
  return {
    files,
    [Symbol.dispose]: () => {
      for (const file of files) file[Symbol.dispose]();
    },
  };
}

function texts(file: LogFile | undefined): string[] {
  return [...(file?.entries() ?? [])].map(({ text }) => text.trimEnd());
}

test('a line is an entry, or nothing', () => {
  const time = '2026-11-21T12:00:00.000000001Z';
  assert.deepEqual(parseLine(line('é "x"\t', 'stderr').trimEnd()), { stream: 'stderr', time, text: 'é "x"\t\n' });
  assert.equal(parseLine(line('x', 'moon').trimEnd())?.stream, 'stdout');
  for (const bad of [
    '',
    '{',
    '[]',
    'null',
    '5',
    '{}',
    '{"log":1,"time":"x"}',
    '{"log":"x"}',
    '\0\0\0',
    '{"log":"cut',
  ]) {
    assert.equal(parseLine(bad), undefined, JSON.stringify(bad));
  }
});

test('no log, an empty log, a log without its last newline', () => {
  using none = open();
  assert.deepEqual(none.files, []);
  writeFileSync(path, '');
  using empty = open();
  assert.deepEqual(texts(empty.files[0]), []);
  appendFileSync(path, line('whole'));
  appendFileSync(path, line('later').slice(0, 20));
  assert.deepEqual(texts(empty.files[0]), ['whole']);
  assert.deepEqual(texts(empty.files[0]), [], 'once');
  appendFileSync(path, line('later').slice(20) + line('last'));
  assert.deepEqual(texts(empty.files[0]), ['later', 'last']);
});

test('what is no entry is passed over, wherever blocks end', () => {
  const long = 'y'.repeat(100_000);
  writeFileSync(path, `${lines('a')}garbage\n\n${lines(long)}\0\0\n${lines('é'.repeat(40_000), 'end')}`);
  using opened = open();
  assert.deepEqual(texts(opened.files[0]), ['a', long, 'é'.repeat(40_000), 'end']);
});

test('the last lines, from any of them', () => {
  const all = Array.from({ length: 3000 }, (_, index) => `${'x'.repeat(index % 80)} line ${index}`);
  writeFileSync(path, lines(...all) + line('unfinished').slice(0, 10));
  using opened = open();
  const [file] = opened.files;
  for (const count of [0, 1, 2, 999, 2999, 3000]) {
    assert.equal(file?.seekTail(count), count);
    assert.deepEqual(texts(file), all.slice(3000 - count), `${count}`);
  }
  assert.equal(file?.seekTail(5000), 3000, 'no more than there are');
  assert.equal(texts(file).length, 3000);
});

test('rotated files, oldest first; those after one that is known', () => {
  for (const [name, text] of [
    ['log.2', 'one'],
    ['log.1', 'two'],
    ['log', 'three'],
  ] as const) {
    writeFileSync(join(directory, name), lines(text));
  }
  using all = open();
  assert.deepEqual(all.files.map(texts), [['one'], ['two'], ['three']]);
  using later = open(all.files[0]?.inode);
  assert.deepEqual(later.files.map(texts), [['two'], ['three']]);
  using none = open(all.files[2]?.inode);
  assert.deepEqual(none.files, []);
  using unknown = open(1n);
  assert.equal(unknown.files.length, 3);
});

test('in the midst of a rotation a number is missing, and an open file is still that file', () => {
  writeFileSync(path, lines('old'));
  using before = open();
  // native/log/log.c: log -> log.1, and only then a new log.
  renameSync(path, `${path}.1`);
  using between = open();
  assert.deepEqual(between.files.map(texts), [['old']]);
  appendFileSync(`${path}.1`, lines('its last'));
  renameSync(`${path}.1`, `${path}.2`);
  writeFileSync(path, lines('new'));
  assert.deepEqual(texts(before.files[0]), ['old', 'its last']);
  using after = open(before.files[0]?.inode);
  assert.deepEqual(after.files.map(texts), [['new']]);
});

test('a single file that was emptied is read from its beginning', () => {
  writeFileSync(path, lines('one', 'two', 'three'));
  using opened = open();
  assert.equal(texts(opened.files[0]).length, 3);
  truncateSync(path, 0);
  appendFileSync(path, lines('new'));
  assert.deepEqual(texts(opened.files[0]), ['new']);
});

test('a log that can’t be opened is an error, not an empty log', () => {
  path = join(directory, 'a'.repeat(300));
  assert.throws(() => openLogFiles(path), { code: 'invalid', message: /^open log "/ });
});

test('compressed files are read; one that got the inode of a compressed one is another', () => {
  writeFileSync(path, lines('new'));
  const inode = statSync(path, { bigint: true }).ino;
  // What native/log/log-compress.c writes: the subfield "OG" has the inode that the file had.
  const compressed = (text: string): Buffer => {
    const plain = gzipSync(text);
    const extra = Buffer.from([12, 0, 0x4f, 0x47, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    extra.writeBigUInt64LE(inode, 6);
    return Buffer.concat([plain.subarray(0, 3), Buffer.from([4]), plain.subarray(4, 10), extra, plain.subarray(10)]);
  };
  writeFileSync(`${path}.1.gz`, compressed(lines('old')));
  {
    using other = open();
    assert.deepEqual(other.files.map(texts), [['old'], ['new']]);
  }
  // In the midst of being compressed it has both names.
  writeFileSync(`${path}.1.gz`, compressed(lines('new')));
  {
    using same = open();
    assert.deepEqual(same.files.map(texts), [['new']]);
  }
  writeFileSync(`${path}.1.gz`, 'damaged');
  const [old, last] = openLogFiles(path);
  // The last lines are had without those before them.
  assert.equal(last?.seekTail(1), 1);
  assert.throws(() => old?.seekTail(1), /decompress log/);
  old?.[Symbol.dispose]();
  last?.[Symbol.dispose]();
});
