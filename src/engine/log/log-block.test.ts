import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { LogQuery } from '../types.ts';
import { type LogFile, openLogFiles } from './log-file.ts';

let [directory, path] = ['', ''];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onggi-log-'));
  path = join(directory, 'log');
});
afterEach(() => rmSync(directory, { recursive: true }));

const at = (ms: number) => `2026-11-21T12:00:00.${String(ms).padStart(3, '0')}000001Z`;
const line = (log: string, stream = 'stdout', time = at(0), more = {}) =>
  `${JSON.stringify({ log, stream, ...more, time })}\n`;

/** What is printed, one piece for each run of a stream. */
function printed(file: LogFile, query: LogQuery = {}): string[] {
  const pieces: string[] = [];
  let last = '';
  for (const chunks of file.blocks(query)) {
    for (const { stream, bytes } of chunks) {
      if (stream !== last) pieces.push(`${stream}: `);
      pieces.push(`${pieces.pop()}${Buffer.from(bytes).toString()}`);
      last = stream;
    }
  }
  return pieces;
}

function opened(): LogFile & Disposable {
  const [file] = openLogFiles(path);
  assert.ok(file);
  return file;
}

test('what was written, in its order, with every escape', () => {
  const odd = 'a"b\\c/\t\r\b\f\u0001\u001f\u007f é € \u2028 😀\n';
  writeFileSync(path, line('one\n') + line(odd) + line('err\n', 'stderr') + line('two\n') + line('no newline'));
  using file = opened();
  assert.deepEqual(printed(file), [`stdout: one\n${odd}`, 'stderr: err\n', 'stdout: two\nno newline']);
  assert.deepEqual(printed(file), [], 'once');
  appendFileSync(path, line('more\n').slice(0, 40));
  assert.deepEqual(printed(file), []);
  appendFileSync(path, line('more\n').slice(40));
  assert.deepEqual(printed(file), ['stdout: more\n']);
});

test('the same entries as those that are parsed one by one, whoever wrote them', () => {
  const odd = [
    line('attributes\n', 'stdout', at(1), { attrs: { tag: 'a}"{', 'x"': '\\' } }),
    '{"time":"2026-11-21T12:00:00Z","stream":"stderr","log":"another order\\n"}\n',
    '{"log":"no fraction\\n","stream":"stdout","time":"2026-11-21T12:00:00Z"}\n',
    '{"log":"surrogates \\ud83d\\ude00\\n","stream":"stdout","time":"2026-11-21T12:00:00.000000001Z"}\n',
    '{"log":"\\u00e9\\/\\b","stream":"stdout","time":"2026-11-21T12:00:00.000000001Z"}\n',
    '{"log":"cut off\n',
    '\0\0\0\n',
    '\n',
    '{"log":"bad \\q","stream":"stdout","time":"2026-11-21T12:00:00.000000001Z"}\n',
    '{"log":"tab \t","stream":"stdout","time":"2026-11-21T12:00:00.000000001Z"}\n',
    '{"log":"moon\\n","stream":"moon","time":"2026-11-21T12:00:00.000000001Z"}\n',
    '{"log":"more\\n","stream":"stdout","time":"2026-11-21T12:00:00.000000001Z","x":1}\n',
  ];
  // Again and again, so that blocks end everywhere.
  writeFileSync(path, Array.from({ length: 3000 }, (_, n) => odd[n % odd.length] + line(`${n}\n`)).join(''));
  using one = opened();
  using other = opened();
  const entries = [...other.entries()];
  assert.equal(
    printed(one)
      .join('')
      .replaceAll(/std(out|err): /g, ''),
    entries.map(({ text }) => text).join(''),
  );
  using timed = opened();
  const stamped = printed(timed, { timestamps: true })
    .join('')
    .replaceAll(/std(out|err): /g, '');
  assert.equal(stamped, entries.map(({ time, text }) => `${time} ${text}`).join(''));
});

test('times are compared to the millisecond, at both ends', () => {
  writeFileSync(path, [0, 1, 2, 3].map((ms) => line(`${ms}`, 'stdout', at(ms))).join(''));
  const start = Date.parse('2026-11-21T12:00:00Z');
  for (const [query, found] of [
    [{ since: start + 1 }, '123'],
    [{ until: start + 2 }, '012'],
    [{ since: start + 0.5, until: start + 2.5 }, '12'],
    [{ since: 1e15 }, undefined],
    [{ since: -1e15, until: 1e15 }, '0123'],
  ] as const) {
    using file = opened();
    assert.deepEqual(printed(file, query), found === undefined ? [] : [`stdout: ${found}`], JSON.stringify(query));
  }
});

test('a line of megabytes is read; one without end is passed over', () => {
  const long = 'x'.repeat(3 << 20);
  writeFileSync(path, `${line(`${long}\n`)}${line('next\n')}${'y'.repeat(17 << 20)}\n${line('last\n')}`);
  using file = opened();
  const [text = ''] = printed(file);
  assert.equal(text.length, 'stdout: '.length + long.length + '\nnext\nlast\n'.length);
  assert.ok(text.endsWith('x\nnext\nlast\n'));
});

test('streams that alternate stay in their order, however many', () => {
  writeFileSync(
    path,
    Array.from({ length: 20_000 }, (_, n) => line(`${n}\n`, n % 2 === 0 ? 'stdout' : 'stderr')).join(''),
  );
  using file = opened();
  const pieces = printed(file);
  assert.equal(pieces.length, 20_000);
  assert.deepEqual([pieces[0], pieces[19_999]], ['stdout: 0\n', 'stderr: 19999\n']);
});
