/** The directory of the machine behind the source of a bind, of which all files are about to be changed. Acts. */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix } from 'node:path';
import { errnoOf, fromSystemError } from '../../errors.ts';
import { checkNotSystem } from './system-path.ts';

/**
 * Without links; it may not be there yet.
 * @param deed "chowning". @throws OnggiError `denied` for a directory of the system, and the user's home
 */
export function realSource(source: string, deed: string): string {
  const path = resolved(source);
  checkNotSystem(path, homedir(), deed);
  return path;
}

function resolved(source: string): string {
  try {
    return realpathSync(source);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return posix.resolve(source);
    throw fromSystemError(error, `look at "${source}"`);
  }
}
