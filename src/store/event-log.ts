/**
 * The log of what happens in a store: a file to which every process appends whole lines, and the one before it. A write
 * with O_APPEND is one step under the lock of the inode (write(2)), so lines of several writers never mix; a line that a
 * full disk or a power cut has torn is passed over by its readers. Nothing here is needed to find out what is true.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError } from '../errors.ts';
import { tryLock } from '../kernel/lock.ts';
import { type Layout, oldEventLog } from './layout.ts';

/** Bytes after which a file is put aside; two of them are all that there is. */
const longestFile = 4 << 20;

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

/**
 * Adds lines, each with its newline. What can't be written (a full or read-only disk) is lost: no container may fail for
 * a piece of news.
 */
export function appendEvents(layout: Layout, lines: string): void {
  try {
    const fd = openForAppend(layout);
    let full: boolean;
    try {
      writeSync(fd, lines);
      full = fstatSync(fd).size > longestFile;
    } finally {
      closeSync(fd);
    }
    if (full) rotate(layout);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

function openForAppend(layout: Layout): number {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
  try {
    return openSync(layout.eventLog, flags, 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeEventDirectory(layout);
    return openSync(layout.eventLog, flags, 0o600);
  }
}

/** For those who want to watch it before anything has happened. */
export function makeEventDirectory({ events }: Layout): void {
  mkdirSync(events, { recursive: true, mode: 0o700 });
}

/** Under a lock, and only if it still is too long: of two who find that, the second must not put the new file aside. */
function rotate(layout: Layout): void {
  using guard = tryLock(join(layout.locks, 'events'), 'exclusive');
  if (guard === undefined) return;
  const size = statSync(layout.eventLog, { throwIfNoEntry: false })?.size ?? 0;
  if (size > longestFile) renameSync(layout.eventLog, oldEventLog(layout));
  rmSync(guard.path, { force: true });
}

export type EventFile = Disposable & {
  readonly inode: bigint;
  /** All whole lines from where the last call ended, without their newlines. */
  lines(): Generator<string, void, undefined>;
  /** Passes over what is there. */
  skip(): void;
};

/** The files, oldest first: those that come after the one with the inode `after`, or all. */
export function openEventFiles(layout: Layout, after?: bigint): EventFile[] {
  const files: EventFile[] = [];
  // From the newest to the oldest, against the direction in which they move.
  for (const path of [layout.eventLog, oldEventLog(layout)]) {
    const file = openEventFile(path);
    if (file === undefined) continue;
    const known = file.inode === after;
    if (known || files.some(({ inode }) => inode === file.inode)) file[Symbol.dispose]();
    if (known) break;
    if (!files.some(({ inode }) => inode === file.inode)) files.unshift(file);
  }
  return files;
}

const blockSize = 1 << 16;
/** Bytes of a line that can't be one: what is read of a damaged file is bounded. */
const longestLine = 1 << 20;

function openEventFile(path: string): EventFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `open event log "${path}"`);
  }
  let position = 0;
  let rest = Buffer.alloc(0);
  const block = Buffer.allocUnsafe(blockSize);
  return {
    inode: fstatSync(fd, { bigint: true }).ino,
    *lines() {
      for (;;) {
        const length = readSync(fd, block, 0, blockSize, position);
        if (length === 0) return;
        position += length;
        const end = block.subarray(0, length).lastIndexOf(0x0a);
        if (end < 0) {
          rest = rest.length > longestLine ? Buffer.alloc(0) : Buffer.concat([rest, block.subarray(0, length)]);
          continue;
        }
        const whole = Buffer.concat([rest, block.subarray(0, end)]).toString();
        rest = Buffer.from(block.subarray(end + 1, length));
        yield* whole.split('\n');
      }
    },
    skip() {
      position = fstatSync(fd).size;
      rest = Buffer.alloc(0);
    },
    [Symbol.dispose]() {
      closeSync(fd);
    },
  };
}
