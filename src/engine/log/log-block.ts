/**
 * Log files in large blocks: what `logs` prints, without an object for each entry. The addon decodes what the shim
 * wrote; what is written otherwise is parsed line by line.
 */
import { fstatSync, readSync } from 'node:fs';
import { addon } from '../../kernel/addon.ts';
import type { LogChunk, LogEntry, LogQuery } from '../types.ts';

/** Bytes of a file that are decoded at a time. Twice as much is slower: it falls out of the processor's caches. */
const blockSize = 256 << 10;
/** A line that is longer is none of ours, and passed over. */
const longestLine = 16 << 20;
const mostRuns = 4096;
const errorRun = 0x8000_0000;
/** enum log_stop of native/addon/addon_log_decode.h */
const stops = { full: 1, foreign: 2 } as const;

export type BlockReader = {
  /** All complete lines from `position`, which it moves. Chunks are good until the next are asked for. */
  blocks(query: LogQuery): Generator<readonly LogChunk[], void, undefined>;
  position: number;
};

/** @param parse a line that the addon does not know: an entry, or undefined for what is none */
export function blockReader(fd: number, parse: (line: string) => LogEntry | undefined): BlockReader {
  let source = Buffer.allocUnsafeSlow(blockSize);
  let target = Buffer.allocUnsafeSlow(blockSize);
  const runs = new Uint32Array(mostRuns);
  const runBytes = new Uint8Array(runs.buffer);
  const reader: BlockReader = {
    position: 0,
    *blocks(query) {
      const { times, since, until } = selectionOf(query);
      // A log of a single file is rotated by emptying it.
      if (fstatSync(fd).size < reader.position) reader.position = 0;
      for (;;) {
        const length = readSync(fd, source, 0, source.length, reader.position);
        let used = 0;
        while (used < length) {
          const rest = source.subarray(used, length);
          const result = addon().decodeLog(rest, target, runBytes, times, since, until);
          const [taken = 0, count = 0, stop = 0] = new Uint32Array(result.buffer, result.byteOffset, 3);
          used += taken;
          reader.position += taken;
          if (count > 0) yield chunksOf(target, runs.subarray(0, count));
          if (stop === stops.full && taken > 0) continue;
          if (stop !== stops.foreign) break;
          const end = source.subarray(0, length).indexOf(0x0a, used);
          if (end < 0) break;
          const chunk = chunkOf(parse(source.toString('utf8', used, end)), query);
          reader.position += end + 1 - used;
          used = end + 1;
          if (chunk !== undefined) yield [chunk];
        }
        if (used > 0) continue;
        if (length < source.length) return;
        if (length >= longestLine) reader.position += length;
        else [source, target] = [Buffer.allocUnsafeSlow(length * 2), Buffer.allocUnsafeSlow(length * 2)];
      }
    },
  };
  return reader;
}

function* lengths(runs: Uint32Array): Generator<{ readonly stream: LogChunk['stream']; readonly length: number }> {
  for (const run of runs) {
    yield run >= errorRun ? { stream: 'stderr', length: run - errorRun } : { stream: 'stdout', length: run };
  }
}

function chunksOf(target: Buffer, runs: Uint32Array): LogChunk[] {
  let at = 0;
  return Array.from(lengths(runs), ({ stream, length }) => {
    at += length;
    return { stream, bytes: target.subarray(at - length, at) };
  });
}

function chunkOf(entry: LogEntry | undefined, query: LogQuery): LogChunk | undefined {
  if (entry === undefined || !isSelected(entry, query)) return undefined;
  const { stream, time, text } = entry;
  return { stream, bytes: Buffer.from(query.timestamps === true ? `${time} ${text}` : text) };
}

/** Whether an entry is of the time that is asked for. */
export function isSelected({ time }: LogEntry, { since, until }: LogQuery): boolean {
  if (since === undefined && until === undefined) return true;
  const at = Date.parse(time);
  return (since === undefined || at >= since) && (until === undefined || at <= until);
}

function selectionOf({ timestamps, since, until }: LogQuery): {
  readonly times: boolean;
  readonly since: string;
  readonly until: string;
} {
  return {
    times: timestamps === true,
    since: since === undefined ? '' : boundary(Math.ceil(since), '000000Z'),
    // To the last nanosecond of that millisecond.
    until: until === undefined ? '' : boundary(Math.floor(until), '999999Z'),
  };
}

/** Times that the format can't express are beyond all entries, on the side where they lie. */
function boundary(ms: number, rest: string): string {
  const last = 253_402_300_799_999;
  return new Date(Math.min(Math.max(ms, -62_167_219_200_000), last)).toISOString().replace('Z', rest);
}
