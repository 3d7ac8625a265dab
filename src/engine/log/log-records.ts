/**
 * Entries of Docker's driver "local": u32 length, LogEntry of protobuf, the length again, both with the highest byte
 * first (moby, daemon/logger/local and api/types/plugins/logdriver/entry.proto).
 */
import { fstatSync, readSync } from 'node:fs';
import type { LogEntry } from '../types.ts';
import type { EntryReader } from './log-lines.ts';

/** An entry is at most 16 kB of text; what claims to be much more is no entry. */
const longestRecord = 1 << 20;
const blockSize = 1 << 18;

export function recordReader(fd: number): EntryReader {
  let position = 0;
  return {
    position: () => position,
    *entries() {
      if (fstatSync(fd).size < position) position = 0;
      const block = Buffer.allocUnsafe(blockSize + longestRecord);
      for (;;) {
        const length = readSync(fd, block, 0, block.length, position);
        let used = 0;
        for (let size = recordSize(block, used, length); size > 0; size = recordSize(block, used, length)) {
          const entry = parseRecord(block, used + 4, used + size - 4);
          used += size;
          position += size;
          if (entry !== undefined) yield entry;
        }
        if (used === 0) return;
      }
    },
    seekTail(count) {
      const { offset, records } = lastRecords(fd, count);
      position = offset;
      return records;
    },
  };
}

/** The whole record at a place, its lengths included; 0 when it is not all there, or damaged. */
function recordSize(block: Buffer, at: number, end: number): number {
  if (end - at < 8) return 0;
  const size = block.readUInt32BE(at) + 8;
  return size <= longestRecord && size <= end - at && block.readUInt32BE(at + size - 4) === size - 8 ? size : 0;
}

function lastRecords(fd: number, count: number): { offset: number; records: number } {
  const word = Buffer.alloc(4);
  let offset = fstatSync(fd).size;
  let records = 0;
  while (records < count && offset >= 8) {
    readSync(fd, word, 0, 4, offset - 4);
    const start = offset - word.readUInt32BE(0) - 8;
    if (start < 0 || offset - start > longestRecord) break;
    offset = start;
    records++;
  }
  return { offset, records };
}

const decoder = new TextDecoder();

/**
 * The LogEntry in a part of `bytes`; undefined for what is none. Fields that are not known are passed over. Its time is
 * made when it is asked for: most logs are shown without.
 */
export function parseRecord(bytes: Uint8Array, from = 0, to = bytes.length): LogEntry | undefined {
  let stream: LogEntry['stream'] = 'stdout';
  let [low, middle, high, text, partial] = [0, 0, 0, '', false];
  for (let at = from; at < to; ) {
    if (!readVarint(bytes, at, to)) return undefined;
    const [field, kind] = [read.low >>> 3, read.low & 7];
    if (!readVarint(bytes, read.end, to)) return undefined;
    at = read.end;
    if (kind === 0) {
      if (field === 2) ({ low, middle, high } = read);
      if (field === 4) partial = read.low + read.middle + read.high > 0;
    } else if (kind === 2) {
      const end = at + read.low;
      if (end > to || read.middle + read.high > 0) return undefined;
      if (field === 1) stream = decoder.decode(bytes.subarray(at, end)) === 'stderr' ? 'stderr' : 'stdout';
      if (field === 3) text = decoder.decode(bytes.subarray(at, end));
      at = end;
    } else {
      return undefined;
    }
  }
  // Negative, as int64 has it.
  if (high > 0x7f) return undefined;
  return {
    stream,
    get time() {
      return timeText((BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low));
    },
    text: partial ? text : `${text}\n`,
  };
}

/** RFC 3339 of nanoseconds since the epoch. */
function timeText(time: bigint): string {
  const nanoseconds = String(time % 1_000_000_000n).padStart(9, '0');
  return new Date(Number(time / 1_000_000n)).toISOString().replace(/\.\d+Z$/, `.${nanoseconds}Z`);
}

/** What `readVarint` has read last: 28 bits, 28 and the 8 highest, so that none takes a bigint; and where it ended. */
const read = { low: 0, middle: 0, high: 0, end: 0 };

/** Base 128, the lowest seven bits first, at most ten bytes. @returns whether there is a whole one */
function readVarint(bytes: Uint8Array, from: number, to: number): boolean {
  read.low = read.middle = read.high = 0;
  for (let count = 0; count < 10 && from + count < to; count++) {
    const byte = bytes[from + count] ?? 0;
    const bits = byte & 0x7f;
    if (count < 4) read.low |= bits << (7 * count);
    else if (count < 8) read.middle |= bits << (7 * (count - 4));
    else read.high |= (bits << (7 * (count - 8))) & 0xff;
    if (byte < 0x80) {
      read.end = from + count + 1;
      return true;
    }
  }
  return false;
}
