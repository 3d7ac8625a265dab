import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate as pause } from 'node:timers/promises';
import type { LogEntry, LogQuery } from '../types.ts';
import { readLogs } from './logs.ts';

let [directory, path] = ['', ''];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onggi-logs-'));
  path = join(directory, 'log');
});
afterEach(() => rmSync(directory, { recursive: true }));

const start = Date.parse('2026-11-21T12:00:00Z');
/** Lines one second apart; the text of each is its number. */
const lines = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => {
    const time = new Date(start + (first + index) * 1000).toISOString().replace('Z', '000000Z');
    return `${JSON.stringify({ log: `${first + index}\n`, stream: 'stdout', time })}\n`;
  }).join('');

async function read(query: LogQuery, ended?: Promise<void>, signal?: AbortSignal): Promise<string> {
  const texts: string[] = [];
  for await (const { text } of readLogs(path, query, ended, signal)) texts.push(text.trimEnd());
  return texts.join(' ');
}

/** Takes entries as they come; `next` waits for one. */
function follow(query: LogQuery, ended: Promise<void>, signal?: AbortSignal) {
  const entries = readLogs(path, query, ended, signal);
  const next = async () => (await entries.next()).value?.text.trimEnd();
  return { next, entries: entries as AsyncGenerator<LogEntry, void, undefined> };
}

test('all, the last, those of a time, over rotated files', async () => {
  assert.equal(await read({}), '', 'no log yet');
  writeFileSync(`${path}.2`, lines(0, 3));
  writeFileSync(`${path}.1`, lines(4, 6));
  writeFileSync(path, lines(7, 9));
  for (const [query, found] of [
    [{}, '0 1 2 3 4 5 6 7 8 9'],
    [{ tail: 0 }, ''],
    [{ tail: 2 }, '8 9'],
    [{ tail: 3 }, '7 8 9'],
    [{ tail: 5 }, '5 6 7 8 9'],
    [{ tail: 8 }, '2 3 4 5 6 7 8 9'],
    [{ tail: 99 }, '0 1 2 3 4 5 6 7 8 9'],
    [{ since: start + 6000 }, '6 7 8 9'],
    [{ until: start + 2000 }, '0 1 2'],
    [{ since: start + 2000, until: start + 4999 }, '2 3 4'],
    [{ since: start + 8000, tail: 5 }, '8 9'],
    [{ since: start + 60_000 }, ''],
  ] as const) {
    assert.equal(await read(query), found, JSON.stringify(query));
  }
});

test('following waits for what comes, over rotation, to the end', async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  writeFileSync(path, lines(0, 1));
  const { next } = follow({ follow: true, tail: 1 }, ended);
  assert.equal(await next(), '1');
  const waiting = next();
  appendFileSync(path, lines(2, 2));
  assert.equal(await waiting, '2');
  appendFileSync(path, lines(3, 3));
  renameSync(path, `${path}.1`);
  writeFileSync(path, lines(4, 4));
  assert.deepEqual([await next(), await next()], ['3', '4']);
  // What came before the end is told, though no change is noticed after it.
  appendFileSync(path, lines(5, 5));
  end();
  assert.deepEqual([await next(), await next()], ['5', undefined]);
});

test('following what has ended ends; a log that is made later is found', async () => {
  writeFileSync(path, lines(0, 2));
  assert.equal(await read({ follow: true }, Promise.resolve()), '0 1 2');
  rmSync(path);
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const { next } = follow({ follow: true }, ended);
  const first = next();
  writeFileSync(path, lines(7, 7));
  assert.equal(await first, '7');
  end();
  assert.equal(await next(), undefined);
});

test('giving up, by signal or by leaving, closes all that was open', async () => {
  const open = (what: string) => descriptors().filter((target) => target.startsWith(what)).length;
  writeFileSync(`${path}.1`, lines(0, 1));
  writeFileSync(path, lines(2, 3));
  const never = new Promise<void>(() => {});
  const controller = new AbortController();
  const { next } = follow({ follow: true }, never, controller.signal);
  for (const expected of ['0', '1', '2', '3']) assert.equal(await next(), expected);
  const waiting = next();
  controller.abort();
  assert.equal(await waiting, undefined);
  const { next: other, entries } = follow({ follow: true }, never);
  assert.equal(await other(), '0');
  await entries.return();
  for await (const _ of readLogs(path, {}, undefined)) break;
  assert.equal(open(directory), 0);
  // The watches are closed by threads of their own.
  while (open('anon_inode:inotify') > 0) await pause();
});

/** What this process has open. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return 'closed meanwhile';
    }
  });
}
