import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { appendEvents, openEventFiles } from './event-log.ts';
import { type Layout, layoutOf, oldEventLog } from './layout.ts';

function place(): Disposable & { readonly layout: Layout } {
  const root = mkdtempSync(join(tmpdir(), 'onggi-events-'));
  const layout = layoutOf(root);
  mkdirSync(layout.locks, { recursive: true });
  return { layout, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

function linesOf(layout: Layout): string[] {
  const files = openEventFiles(layout);
  try {
    return files.flatMap((file) => [...file.lines()]);
  } finally {
    for (const file of files) file[Symbol.dispose]();
  }
}

test('lines of several processes never mix', async () => {
  using here = place();
  const program = `
    const { appendEvents } = await import(${JSON.stringify(import.meta.resolve('./event-log.ts'))});
    const { layoutOf } = await import(${JSON.stringify(import.meta.resolve('./layout.ts'))});
    const [root, name] = process.argv.slice(1);
    const layout = layoutOf(root);
    for (let i = 0; i < 300; i++) appendEvents(layout, name.repeat(200 + i) + '\\n');
  `;
  const writers = ['a', 'b', 'c'].map((name) =>
    spawn(process.execPath, ['--input-type=module', '-e', program, here.layout.root, name], { stdio: 'inherit' }),
  );
  const statuses = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0]));
  assert.deepEqual(statuses, [0, 0, 0]);
  const lines = linesOf(here.layout);
  assert.equal(lines.length, 900);
  for (const line of lines) assert.match(line, /^(?:a+|b+|c+)$/);
});

test('a long log is put aside once, and a reader goes on in the next file', () => {
  using here = place();
  const { layout } = here;
  appendEvents(layout, 'first\n');
  const open = openEventFiles(layout);
  assert.deepEqual([...(open[0]?.lines() ?? [])], ['first']);
  const line = `${'x'.repeat(65_535)}\n`;
  let written = 1;
  for (; statSync(oldEventLog(layout), { throwIfNoEntry: false }) === undefined; written++) appendEvents(layout, line);
  appendEvents(layout, 'last\n');
  assert.ok(statSync(oldEventLog(layout)).size < (4 << 20) + (1 << 17));
  assert.equal(readFileSync(layout.eventLog, 'utf8'), 'last\n');
  assert.equal([...(open[0]?.lines() ?? [])].length, written - 1);
  const next = openEventFiles(layout, open[0]?.inode);
  assert.deepEqual(
    next.flatMap((file) => [...file.lines()]),
    ['last'],
  );
  for (const file of [...open, ...next]) file[Symbol.dispose]();
  assert.equal(linesOf(layout).length, written + 1);
});

test('what is cut off is left for the next look; a place that takes nothing costs nothing', () => {
  using here = place();
  const { layout } = here;
  appendEvents(layout, 'one\ntw');
  const [file] = openEventFiles(layout);
  assert.ok(file !== undefined);
  assert.deepEqual([...file.lines()], ['one']);
  appendEvents(layout, 'o\n');
  assert.deepEqual([...file.lines()], ['two']);
  appendEvents(layout, 'three\n');
  file.skip();
  assert.deepEqual([...file.lines()], []);
  file[Symbol.dispose]();
  // A file where the directory should be: no command fails for its news.
  appendEvents({ ...layout, events: layout.eventLog, eventLog: `${layout.eventLog}/log` }, 'lost\n');
  assert.deepEqual(linesOf(layout), ['one', 'two', 'three']);
});
