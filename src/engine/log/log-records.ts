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
          const entry = parseRecord(block.subarray(used + 4, used + size - 4));
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

/** Undefined for what is no LogEntry; fields that are not known are passed over. */
export function parseRecord(bytes: Uint8Array): LogEntry | undefined {
  let [stream, time, text, partial] = ['stdout', 0n, '', false];
  for (let at = 0; at < bytes.length; ) {
    const key = varint(bytes, at);
    if (key === undefined) return undefined;
    const value = varint(bytes, key.end);
    if (value === undefined) return undefined;
    const [field, kind] = [Number(key.value >> 3n), Number(key.value & 7n)];
    if (kind === 0) {
      if (field === 2) time = BigInt.asIntN(64, value.value);
      if (field === 4) partial = value.value !== 0n;
      at = value.end;
    } else if (kind === 2) {
      const end = value.end + Number(value.value);
      if (end > bytes.length) return undefined;
      const content = new TextDecoder().decode(bytes.subarray(value.end, end));
      if (field === 1) stream = content;
      if (field === 3) text = content;
      at = end;
    } else {
      return undefined;
    }
  }
  const at = new Date(Number(time / 1_000_000n));
  if (Number.isNaN(at.getTime()) || time < 0n) return undefined;
  const nanoseconds = String(time % 1_000_000_000n).padStart(9, '0');
  return {
    stream: stream === 'stderr' ? 'stderr' : 'stdout',
    time: at.toISOString().replace(/\.\d+Z$/, `.${nanoseconds}Z`),
    text: partial ? text : `${text}\n`,
  };
}

/** Base 128, the lowest seven bits first, at most ten bytes. */
function varint(bytes: Uint8Array, from: number): { readonly value: bigint; readonly end: number } | undefined {
  let value = 0n;
  for (let at = from; at < from + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - from));
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: at + 1 };
  }
  return undefined;
}
