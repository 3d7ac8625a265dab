/** Metadata and bytes of a file that is open, by its descriptor: no name is resolved again. Synchronous. */
import { ftruncateSync } from 'node:fs';
import { fromSystemError } from '../errors.ts';
import { native } from './addon.ts';
import type { Descriptor } from './descriptor.ts';
import type { Time } from './directory-entry.ts';

/** Writes all bytes at the offset of the descriptor. @throws OnggiError `exhausted` when the disk is full */
export function writeBytes(file: Descriptor, bytes: Uint8Array): void {
  native('write to a file', (addon) => addon.writeAll(file.fd, bytes));
}

/** Moves the offset of the descriptor forward: what is written next comes that much later. */
export function skipBytes(file: Descriptor, bytes: number): void {
  native('leave a hole in a file', (addon) => addon.skip(file.fd, bytes));
}

/** @throws OnggiError `exhausted` when no file may be so long */
export function setLength(file: Descriptor, bytes: number): void {
  try {
    ftruncateSync(file.fd, bytes);
  } catch (error) {
    throw fromSystemError(error, 'set the length of a file');
  }
}

/** Takes set-id bits and file capabilities away (chown(2)), so set mode and capabilities afterwards. */
export function setOwner(file: Descriptor, uid: number, gid: number): void {
  native('change owner of a file', (addon) => addon.fchown(file.fd, uid, gid));
}

export function setMode(file: Descriptor, mode: number): void {
  native('change mode of a file', (addon) => addon.fchmod(file.fd, mode));
}

export function setTimes(file: Descriptor, accessed: Time, modified: Time): void {
  native('set times of a file', (addon) =>
    addon.futimens(file.fd, accessed.seconds, accessed.nanoseconds, modified.seconds, modified.nanoseconds),
  );
}

/** Writes out everything that is dirty in the file system of the descriptor (syncfs(2)). */
export function syncFileSystem(file: Descriptor): void {
  native('sync a file system', (addon) => addon.syncfs(file.fd));
}

/**
 * Has the disk begin with bytes that were written and will be synced: else it idles until then, and whoever syncs waits for
 * all of them at once.
 */
export function startWriteback(fd: number, offset: number, bytes: number): void {
  native('write a file back', (addon) => addon.startWriteback(fd, offset, bytes));
}
