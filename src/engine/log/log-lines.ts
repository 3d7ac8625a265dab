/** Entries that are lines of a file: Docker's json-file, and k8s-file (the Container Runtime Interface). */
import { fstatSync, readSync } from 'node:fs';
import type { LogEntry } from '../types.ts';

const blockSize = 1 << 16;

/** The entries of an open file, from a place in it. */
export type EntryReader = {
  /** All complete entries from `position`, which it moves. */
  entries(): Generator<LogEntry, void, undefined>;
  /** Goes to the last `count` complete entries, or to the start. @returns how many of them there are */
  seekTail(count: number): number;
  position(): number;
};

export function lineReader(fd: number, parse: (line: string) => LogEntry | undefined): EntryReader {
  let position = 0;
  let rest = '';
  let decoder = new TextDecoder();
  const block = Buffer.allocUnsafe(blockSize);
  const seek = (to: number): void => {
    [position, rest, decoder] = [to, '', new TextDecoder()];
  };
  return {
    position: () => position,
    *entries() {
      // A log of a single file is rotated by emptying it.
      if (fstatSync(fd).size < position) seek(0);
      for (;;) {
        const length = readSync(fd, block, 0, blockSize, position);
        if (length === 0) return;
        position += length;
        rest += decoder.decode(block.subarray(0, length), { stream: true });
        const lines = rest.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const entry = parse(line);
          if (entry !== undefined) yield entry;
        }
      }
    },
    seekTail(count) {
      const { offset, lines } = lastLines(fd, count);
      seek(offset);
      return lines;
    },
  };
}

/** Offset of the last `count` complete lines of a file, and how many there were (at most `count`). */
function lastLines(fd: number, count: number): { offset: number; lines: number } {
  const end = fstatSync(fd).size;
  if (count <= 0) return { offset: end, lines: 0 };
  const block = Buffer.allocUnsafe(blockSize);
  let newlines = 0;
  for (let stop = end; stop > 0; ) {
    const start = Math.max(0, stop - blockSize);
    const length = readSync(fd, block, 0, stop - start, start);
    for (let i = length - 1; i >= 0; i--) {
      // The newline that ends line n from the end begins line n-1: one more than asked marks the start.
      if (block[i] === 0x0a && ++newlines > count) return { offset: start + i + 1, lines: count };
    }
    stop = start;
  }
  return { offset: 0, lines: newlines };
}

/** A line that is not an entry (cut by a full disk or a power cut) is passed over: the rest of the log still counts. */
export function parseLine(line: string): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return undefined;
    const { log, stream, time, attrs } = value as Record<string, unknown>;
    if (typeof log !== 'string' || typeof time !== 'string') return undefined;
    const attributes = attrs === undefined ? {} : { attributes: textsOf(attrs) };
    return { stream: stream === 'stderr' ? 'stderr' : 'stdout', time, text: log, ...attributes };
  } catch {
    return undefined;
  }
}

function textsOf(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** `TIME stdout F text`, or P for a part of a line (CRI, kubernetes/cri-api). The time becomes one of UTC as in the others. */
export function parseK8sLine(line: string): LogEntry | undefined {
  const space = line.indexOf(' ');
  const [, fraction = '', zone = ''] =
    /^\.(\d{1,9})(Z|[+-]\d\d:\d\d)$/.exec(line.slice(secondEnd, Math.max(0, space))) ?? [];
  const second = zone === '' ? undefined : utcSecond(line.slice(0, secondEnd), zone);
  const stream = line.startsWith('stdout ', space + 1) ? 'stdout' : 'stderr';
  if (second === undefined || (stream === 'stderr' && !line.startsWith('stderr ', space + 1))) return undefined;
  const part = line[space + 8];
  if (part !== 'F' && part !== 'P') return undefined;
  const text = line.slice(line[space + 9] === ' ' ? space + 10 : space + 9);
  return { stream, time: `${second}.${fraction.padEnd(9, '0')}Z`, text: part === 'F' ? `${text}\n` : text };
}

const secondEnd = '2026-01-02T03:04:05'.length;

/** Thousands of lines have the same one. */
let lastSecond: { readonly local: string; readonly zone: string; readonly utc: string | undefined } = {
  local: '',
  zone: '',
  utc: undefined,
};

/** A second of local time as one of UTC; undefined for what is none. */
function utcSecond(local: string, zone: string): string | undefined {
  if (lastSecond.local === local && lastSecond.zone === zone) return lastSecond.utc;
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(local) ? Date.parse(`${local}${zone}`) : Number.NaN;
  const utc = Number.isNaN(at) ? undefined : new Date(at).toISOString().slice(0, secondEnd);
  lastSecond = { local, zone, utc };
  return utc;
}
