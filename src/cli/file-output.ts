/** Files that commands write for the user. Acts. */
import { closeSync, openSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';

/**
 * The whole or nothing: the bytes go into a new file beside `path`, which then takes its place.
 * @throws OnggiError `invalid` when something else than a regular file is there; the code of the errno; what `pieces` throws
 */
export async function writeToFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  if (!isFileOrNothing(path)) {
    throw new OnggiError('invalid', `write "${path}": not a regular file`, { hint: 'Redirect standard output to it.' });
  }
  const temporary = `${path}.onggi-${process.pid}`;
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      for await (const piece of pieces) writeAll(fd, piece);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw fromSystemError(error, `write "${path}"`);
  }
}

function isFileOrNothing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made; the error that is on its way says why.
  }
}
