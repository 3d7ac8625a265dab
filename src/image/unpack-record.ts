/**
 * What the unpacker is told and what it answers (native/unpack/unpack.h), as bytes. Little-endian; a string is its length, its
 * bytes and a NUL. Pure.
 */
import type { EntryPath } from './entry-path.ts';
import type { TarEntry, TarEntryType } from './tar-entry.ts';

const types = {
  start: 1,
  entry: 2,
  data: 3,
  hole: 4,
  end: 5,
  whiteout: 6,
  opaque: 7,
  nothing: 8,
  finish: 9,
} as const;

const kinds: Readonly<Record<TarEntryType, number>> = {
  file: 0,
  directory: 1,
  symlink: 2,
  hardlink: 3,
  character: 4,
  block: 5,
  fifo: 6,
};

/** Takes bytes that are only valid during the call. */
export type Put = (bytes: Uint8Array) => void;

export type RecordWriter = {
  start(mostEntries: number, trusted: boolean): void;
  /** @param attributes those that are to be set; @param link the target of a symbolic link, or the path of a hard link's */
  entry(entry: TarEntry, path: EntryPath, link: Buffer, attributes: readonly (readonly [string, Buffer])[]): void;
  data(bytes: Buffer): void;
  hole(bytes: number): void;
  end(): void;
  hidden(type: 'whiteout' | 'opaque', name: Buffer, path: EntryPath): void;
  nothing(name: Buffer): void;
  finish(): void;
};

/** Room for an entry without attributes, whatever its names: three paths. */
const initialRoom = 16 * 1024;

export function recordWriter(put: Put): RecordWriter {
  let buffer = Buffer.allocUnsafe(initialRoom);
  let at = 0;
  const u32 = (value: number): void => {
    at = buffer.writeUInt32LE(value, at);
  };
  const u64 = (value: number): void => {
    // Two halves: faster than a BigInt, and right for negative numbers.
    const high = Math.floor(value / 2 ** 32);
    u32(value - high * 2 ** 32);
    at = buffer.writeInt32LE(high, at);
  };
  const bytes = (value: Uint8Array): void => {
    u32(value.length);
    buffer.set(value, at);
    at += value.length;
  };
  const text = (value: Uint8Array): void => {
    bytes(value);
    buffer[at++] = 0;
  };
  const path = (value: EntryPath): void => {
    u32(value.length);
    at += buffer.write(value, at, 'latin1');
    buffer[at++] = 0;
  };
  const begin = (type: keyof typeof types, room = 0): void => {
    if (room + 256 > buffer.length) buffer = Buffer.allocUnsafe(room + 256);
    at = 4;
    u32(types[type]);
  };
  const done = (): void => {
    buffer.writeUInt32LE(at - 4, 0);
    put(buffer.subarray(0, at));
  };
  const simple = (type: 'end' | 'finish'): void => {
    begin(type);
    done();
  };
  return {
    start(mostEntries, trusted) {
      begin('start');
      u64(mostEntries);
      u32(trusted ? 1 : 0);
      done();
    },
    entry(entry, where, link, attributes) {
      const size = attributes.reduce((sum, [name, value]) => sum + 3 * name.length + value.length + 16, 0);
      begin('entry', entry.name.length + where.length + link.length + size);
      text(entry.name);
      path(where);
      for (const value of [kinds[entry.type], entry.mode, entry.uid, entry.gid]) u32(value);
      u64(entry.modified.seconds);
      u32(entry.modified.nanoseconds);
      u64(entry.size);
      u32(entry.major);
      u32(entry.minor);
      text(link);
      u32(attributes.length);
      for (const [name, value] of attributes) {
        text(Buffer.from(name));
        bytes(value);
      }
      done();
    },
    data(content) {
      begin('data');
      buffer.writeUInt32LE(4 + content.length, 0);
      put(buffer.subarray(0, at));
      put(content);
    },
    hole(length) {
      begin('hole');
      u64(length);
      done();
    },
    end: () => simple('end'),
    hidden(type, name, where) {
      begin(type, name.length + where.length);
      text(name);
      path(where);
      done();
    },
    nothing(name) {
      begin('nothing', name.length);
      text(name);
      done();
    },
    finish: () => simple('finish'),
  };
}

export type Verdict = 'failed' | 'corrupt' | 'too-many' | 'foreign-owner' | 'cut-off';

export type UnpackAnswer =
  | { readonly done: true; readonly entries: number; readonly implicit: readonly EntryPath[] }
  | {
      readonly done: false;
      readonly verdict: Verdict;
      /** A positive number. */
      readonly errno: number;
      /** Of the entry, as the archive has it; empty before the first one. */
      readonly name: Buffer;
      /** What was tried, or what is wrong. */
      readonly text: string;
      readonly reason: string;
    };

const verdicts: readonly (Verdict | undefined)[] = [
  undefined,
  'failed',
  'corrupt',
  'too-many',
  'foreign-owner',
  'cut-off',
];

/** Undefined when it is none: the process was killed before it had said all. */
export function readAnswer(bytes: Buffer): UnpackAnswer | undefined {
  let at = 0;
  const u32 = (): number => {
    at += 4;
    return bytes.readUInt32LE(at - 4);
  };
  const piece = (): Buffer => {
    const length = u32();
    if (length > bytes.length - at) throw new RangeError('an answer that is cut off');
    at += length;
    return bytes.subarray(at - length, at);
  };
  try {
    const number = u32();
    if (number === 0) {
      const entries = u32();
      const implicit: EntryPath[] = [];
      while (at < bytes.length) implicit.push(piece().toString('latin1') as EntryPath);
      return { done: true, entries, implicit };
    }
    const verdict = verdicts[number];
    if (verdict === undefined) return undefined;
    const errno = u32();
    const [name, text] = [piece(), piece().toString()];
    return { done: false, verdict, errno, name, text, reason: bytes.toString('utf8', at) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
