/**
 * Turns a layer's tar archive into a directory that serves as a lower layer of overlayfs: whiteouts become character
 * devices 0/0, opaque directories get an attribute (Documentation/filesystems/overlayfs.rst). The archive is hostile. It
 * is parsed here, in memory-safe code that opens nothing; what is to be made goes as records to a process of its own, which
 * makes it and can do nothing else (native/unpack/unpack.h). Layers are so unpacked side by side on all processors.
 */
import { constants } from 'node:os';
import { fromSystemError, OnggiError } from '../errors.ts';
import { openEntryDirectory } from '../kernel/directory.ts';
import { packetSize, startUnpacker, type UnpackerProcess } from '../kernel/unpacker.ts';
import { attributeFate, type EntryPath, parseEntryPath, rootPath, whiteoutOf } from './entry-path.ts';
import type { Place } from './place.ts';
import { readTar } from './tar.ts';
import { defaultTarLimits, type TarEntry, type TarLimits } from './tar-entry.ts';
import { type RecordWriter, readAnswer, recordWriter, type UnpackAnswer } from './unpack-record.ts';

export type UnpackOptions = {
  /** What errors call it: 'layer "sha256:..."'. */
  readonly what: string;
  /** There is no layer below, so whiteouts hide nothing. */
  readonly lowest: boolean;
  /** `user` where overlayfs is mounted with `userxattr`, by a user without privileges. */
  readonly overlayAttributes: 'trusted' | 'user';
  readonly limits: TarLimits;
};

export const defaultUnpackOptions: Omit<UnpackOptions, 'what' | 'lowest'> = {
  overlayAttributes: 'trusted',
  limits: defaultTarLimits,
};

export type Unpacked = {
  /** Bytes of the regular files. */
  readonly size: number;
  readonly entries: number;
  /** Directories without an entry of their own: to be given the metadata that they have in the layers below. */
  readonly implicit: readonly EntryPath[];
  /** The archive hides all that the layers below have. */
  readonly opaque: boolean;
  /** Whether the archive had its end mark. */
  readonly ended: boolean;
};

/** Disposing of it ends its process; what was unpacked stays. */
export type Unpacker = Disposable & {
  /**
   * Resolves when there is room for more. The bytes are used when it does.
   * @throws OnggiError that names the layer and the entry: `corrupt`, `unsupported`, `exhausted`, `denied`
   */
  write(chunk: Buffer): Promise<void>;
  finish(): Promise<Unpacked>;
};

type State = {
  readonly options: UnpackOptions;
  readonly records: RecordWriter;
  entry: TarEntry | undefined;
  /** Content that comes is of a file that is being made. */
  file: boolean;
  /** Bytes of the regular files. */
  size: number;
  /** The root hides all that is below. */
  opaque: boolean;
};

/** Unpacks into `layer`, an empty directory that belongs to the caller. */
export function createUnpacker(layer: Place, options: UnpackOptions): Unpacker {
  using directory = openEntryDirectory(layer.parent, layer.name);
  const process = startUnpacker(directory);
  const packets = packetQueue(process);
  const records = recordWriter(packets.put);
  const state: State = { options, records, entry: undefined, file: false, size: 0, opaque: false };
  const reader = readTar(
    {
      entry: (entry) => begin(state, entry),
      content: (bytes) => {
        if (state.file) records.data(bytes);
      },
      hole: (bytes) => {
        if (state.file) records.hole(bytes);
      },
      end: () => {
        if (state.file) records.end();
        state.file = false;
      },
    },
    options.limits,
  );
  records.start(Math.min(options.limits.entries, 2 ** 32 - 1), options.overlayAttributes === 'trusted');
  const heard = async (): Promise<UnpackAnswer | undefined> => readAnswer(await process.answer());
  /** What the process found comes first: it was at an entry that came before. */
  const orEarlier = async <T>(work: () => T): Promise<T> => {
    try {
      return work();
    } catch (error) {
      await packets.flush();
      const answer = await heard();
      if (answer !== undefined && !answer.done && answer.verdict !== 'cut-off') throw failureOf(options.what, answer);
      throw inEntry(options.what, state.entry?.name, fromSystemError(error, 'unpack'), error);
    }
  };
  return {
    async write(chunk) {
      await orEarlier(() => reader.write(chunk));
      if (!(await packets.room())) throw failureOf(options.what, await heard());
    },
    async finish() {
      const ended = await orEarlier(() => reader.finish());
      records.finish();
      await packets.flush();
      const answer = await heard();
      if (answer === undefined || !answer.done) throw failureOf(options.what, answer);
      return { size: state.size, entries: answer.entries, implicit: answer.implicit, opaque: state.opaque, ended };
    },
    [Symbol.dispose]: () => process[Symbol.dispose](),
  };
}

function begin(state: State, entry: TarEntry): void {
  const { records, options } = state;
  state.entry = entry;
  const path = parseEntryPath(entry.name);
  const whiteout = whiteoutOf(path);
  if (whiteout !== undefined) {
    // A whiteout's own type and content say nothing; content that follows is dropped, for no file is open.
    if (options.lowest || whiteout.kind === 'aufs') records.nothing(entry.name);
    else if (whiteout.kind === 'whiteout') records.hidden('whiteout', entry.name, whiteout.path);
    else if (whiteout.directory !== rootPath) records.hidden('opaque', entry.name, whiteout.directory);
    else {
      // overlayfs merges the roots whatever they say, so the layer's owner must hide names one by one.
      state.opaque = true;
      records.nothing(entry.name);
    }
    return;
  }
  state.size += entry.size;
  if (path === rootPath && entry.type !== 'directory') {
    throw new OnggiError('corrupt', `the root of the layer as a ${entry.type}`);
  }
  const link = entry.type === 'hardlink' ? Buffer.from(parseEntryPath(entry.linkName), 'latin1') : entry.linkName;
  records.entry(entry, path, link, entry.type === 'hardlink' ? [] : attributesOf(entry));
  state.file = entry.type === 'file';
}

const noAttributes: readonly (readonly [string, Buffer])[] = [];

/** Those that are set. @throws OnggiError `corrupt` for those of overlayfs itself */
function attributesOf({ attributes }: TarEntry): readonly (readonly [string, Buffer])[] {
  if (attributes.size === 0) return noAttributes;
  return [...attributes].filter(([name]) => {
    const fate = attributeFate(name);
    if (fate === 'refuse') throw new OnggiError('corrupt', `attribute "${name}" belongs to overlayfs`);
    return fate === 'set';
  });
}

/** Packets that wait to be sent; with as many the reader waits. */
const mostWaiting = 8;

type PacketQueue = {
  readonly put: (bytes: Uint8Array) => void;
  /** Waits until few packets are left. @returns false when nobody takes them any more */
  readonly room: () => Promise<boolean>;
  /** Sends all there is. */
  readonly flush: () => Promise<boolean>;
};

/** Puts records together into packets, which are sent while the next ones are made. */
function packetQueue(process: UnpackerProcess): PacketQueue {
  const free: Buffer[] = [];
  const waiting: Uint8Array[] = [];
  let packet: Buffer = Buffer.allocUnsafeSlow(packetSize);
  let used = 0;
  let taken = true;
  let failure: { readonly error: unknown } | undefined;
  let sending: Promise<void> | undefined;
  const wakers: (() => void)[] = [];
  const send = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        if (taken) taken = await process.send(next);
      } catch (error) {
        failure = { error };
        taken = false;
      }
      free.push(Buffer.from(next.buffer, 0, packetSize));
      if (waiting.length < mostWaiting) for (const wake of wakers.splice(0)) wake();
    }
    sending = undefined;
  };
  const isTaken = (): boolean => {
    if (failure !== undefined) throw failure.error;
    return taken;
  };
  const close = (): void => {
    waiting.push(packet.subarray(0, used));
    packet = free.pop() ?? Buffer.allocUnsafeSlow(packetSize);
    used = 0;
    sending ??= send();
  };
  return {
    put(bytes) {
      for (let rest = bytes; rest.length > 0; ) {
        const piece = rest.length <= packetSize - used ? rest : rest.subarray(0, packetSize - used);
        packet.set(piece, used);
        used += piece.length;
        rest = rest.subarray(piece.length);
        if (used === packetSize) close();
      }
    },
    async room() {
      if (taken && waiting.length >= mostWaiting) await new Promise<void>((resolve) => wakers.push(resolve));
      return isTaken();
    },
    async flush() {
      if (used > 0) close();
      await sending;
      return isTaken();
    },
  };
}

/** errno words that say the archive contradicts itself: a file as a parent, a loop of links, a name that is too long. */
const archiveErrnos = new Set([
  'ENOENT',
  'ENOTDIR',
  'EEXIST',
  'ELOOP',
  'EINVAL',
  'ENAMETOOLONG',
  'EISDIR',
  'EXDEV',
  'EMLINK',
]);

/** What the process has found, or its silence, as an error of the layer. */
function failureOf(what: string, answer: UnpackAnswer | undefined): OnggiError {
  if (answer === undefined || answer.done || answer.verdict === 'cut-off') {
    return new OnggiError('unavailable', `${what}: its unpacker was killed`, { hint: 'Try again.' });
  }
  const { verdict, name, text } = answer;
  const errno = errnoWord(answer.errno);
  const cause = Object.assign(new Error(`${errno}: ${answer.reason}`), { code: errno });
  switch (verdict) {
    case 'corrupt':
      return inEntry(what, name, new OnggiError('corrupt', text), undefined);
    case 'too-many':
      return inEntry(what, name, new OnggiError('exhausted', text), undefined);
    case 'foreign-owner':
      return inEntry(what, name, foreignOwner(text, cause), cause);
    case 'failed': {
      const known = fromSystemError(cause, text);
      return inEntry(what, name, archiveErrnos.has(errno) ? new OnggiError('corrupt', known.message) : known, cause);
    }
  }
}

function foreignOwner(owner: string, cause: Error): OnggiError {
  return new OnggiError('denied', `its owner ${owner} is no id that you may map`, {
    cause,
    hint: 'Get ranges of 65536 ids in /etc/subuid and /etc/subgid (usermod --add-subuids), and newuidmap (Debian: uidmap).',
  });
}

function errnoWord(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? 'EUNKNOWN';
}

function inEntry(what: string, name: Buffer | undefined, found: OnggiError, cause: unknown): OnggiError {
  const entry = name === undefined || name.length === 0 ? '' : ` entry "${name.toString().slice(0, 1000)}":`;
  return new OnggiError(found.code, `${what}:${entry} ${found.message}`, {
    ...(cause !== undefined && { cause }),
    ...(found.hint !== undefined && { hint: found.hint }),
  });
}
