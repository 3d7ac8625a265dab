/** `logs` of a container whose output goes to the journal: by journalctl(1), which knows its files. Acts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { OnggiError } from '../../errors.ts';
import type { LogChunk, LogEntry, LogQuery } from '../types.ts';
import { exportReader, type JournalEntry, type JournalLine, journalLine } from './journal-export.ts';

/** Where journals lie (systemd-journald.service(8)). */
const places = ['/run/systemd/journal/socket', '/run/log/journal', '/var/log/journal'];

/** Milliseconds between an entry's own time and the one at which the journal has it, by which both are sorted. */
const slack = 60_000;

/**
 * @param ended when there will be no more; absent: read what is there
 * @throws OnggiError `unsupported` where there is no journal, `not-found` without journalctl
 */
export async function* readJournal(
  id: string,
  query: LogQuery,
  ended: Promise<void> | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogEntry, void, undefined> {
  for await (const { bytes, ...line } of journalLines(id, query, ended, signal)) {
    yield { ...line, text: bytes.toString('utf8') };
  }
}

/** The same as bytes. */
export async function* readJournalBytes(
  id: string,
  query: LogQuery,
  ended: Promise<void> | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly LogChunk[], void, undefined> {
  for await (const { stream, time, bytes } of journalLines(id, query, ended, signal)) {
    yield [{ stream, bytes: query.timestamps === true ? Buffer.concat([Buffer.from(`${time} `), bytes]) : bytes }];
  }
}

async function* journalLines(
  id: string,
  query: LogQuery,
  ended: Promise<void> | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<JournalLine, void, undefined> {
  if (!places.some((path) => existsSync(path))) {
    throw new OnggiError('unsupported', 'read the journal: this machine has none', {
      hint: 'The output went to /run/systemd/journal/socket, and nobody was there to take it.',
    });
  }
  await synchronize();
  let cursor: string | undefined;
  const seen = function* (entries: Iterable<JournalEntry>): Generator<JournalLine, void, undefined> {
    for (const entry of entries) {
      cursor = entry.get('__CURSOR')?.toString('latin1') ?? cursor;
      const line = journalLine(entry);
      if (line !== undefined && isWithin(line, query)) yield line;
    }
  };
  const asked = matches(id);
  if (ended === undefined) return yield* lastOf(query, seen, entriesOf([...asked, ...range(query)], signal));
  const stop = new AbortController();
  const over = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  // What was written last may not have come to the journal yet when the container has ended.
  void ended.then(synchronize).finally(() => stop.abort());
  const following = [...asked, ...range(query), '--follow', ...(query.tail === undefined ? ['--no-tail'] : [])];
  for await (const entries of entriesOf(following, over)) yield* seen(entries);
  if (signal?.aborted === true) return;
  const rest = cursor === undefined ? range(query) : [`--after-cursor=${cursor}`];
  for await (const entries of entriesOf([...asked, ...rest], signal)) yield* seen(entries);
}

/** Only what our own user has sent: anybody may write to the journal, under any name. */
function matches(id: string): string[] {
  return [`CONTAINER_ID_FULL=${id}`, `_UID=${process.geteuid?.() ?? 0}`, '--quiet', '--no-pager', '--output=export'];
}

/** Coarsely; what is exact is left to `isWithin`. */
function range({ since, until, tail }: LogQuery): string[] {
  const at = (milliseconds: number): string => `@${Math.floor(milliseconds / 1000)}`;
  return [
    ...(since === undefined ? [] : [`--since=${at(since - slack)}`]),
    ...(until === undefined ? [] : [`--until=${at(until + slack)}`]),
    ...(tail === undefined || until !== undefined ? [] : [`--lines=${tail}`]),
  ];
}

function isWithin({ time }: JournalLine, { since, until }: LogQuery): boolean {
  const at = Date.parse(time);
  return (since === undefined || at >= since) && (until === undefined || at <= until);
}

/** With an end in time journalctl can't count from it. */
async function* lastOf(
  { tail, until }: LogQuery,
  seen: (entries: Iterable<JournalEntry>) => Iterable<JournalLine>,
  pieces: AsyncIterable<JournalEntry[]>,
): AsyncGenerator<JournalLine, void, undefined> {
  const kept: JournalLine[] = [];
  for await (const entries of pieces) {
    for (const line of seen(entries)) {
      if (tail === undefined || until === undefined) {
        yield line;
        continue;
      }
      kept.push(line);
      if (kept.length > tail) kept.shift();
    }
  }
  yield* kept;
}

/** Entries until journalctl ends, or is told to. */
async function* entriesOf(
  args: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<JournalEntry[], void, undefined> {
  if (signal?.aborted === true) return;
  const child = spawn('journalctl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => void child.kill('SIGKILL');
  signal?.addEventListener('abort', end);
  try {
    const closed = once(child, 'close');
    // Told below; what comes before is read from the streams.
    closed.catch(() => {});
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 1000);
    });
    const read = exportReader();
    for await (const piece of child.stdout) yield read(piece as Uint8Array);
    await ending(child, closed, complaint, signal);
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}

/** @throws OnggiError when it has failed */
async function ending(
  child: ChildProcess,
  closed: Promise<unknown[]>,
  complaint: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await closed;
  } catch (error) {
    throw new OnggiError('not-found', 'read the journal: "journalctl" is not installed, or can not be executed', {
      cause: error,
      hint: 'Install systemd, or use a log driver that writes files.',
    });
  }
  // One when nothing matches, as grep(1).
  if (signal?.aborted === true || child.exitCode === 0 || complaint.trim() === '') return;
  throw new OnggiError('unavailable', `read the journal: ${complaint.trim().split('\n')[0]}`);
}

/** Has journald write what was sent to it; without, the last lines may come a moment later. */
async function synchronize(): Promise<void> {
  const child = spawn('journalctl', ['--sync'], { stdio: 'ignore' });
  await once(child, 'close').catch(() => {});
}
