/** The directory of the machine behind the source of a bind, of which all files are about to be changed. Acts. */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import { type Directory, openDirectory } from '../../kernel/directory.ts';
import { openRealDirectory } from '../../kernel/entry-facts.ts';
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

/** What is about to be changed: an entry of a directory whose path has no link in it. */
export type RealPlace = { readonly directory: string; readonly name: string };

/** @param path absolute, without links, as `realSource` gives it */
export function realPlace(path: string): RealPlace {
  return { directory: posix.dirname(path), name: posix.basename(path) };
}

/** Of a file of the store, whose own path may have links. */
export function storePlace(path: string): RealPlace {
  return { directory: resolved(posix.dirname(path)), name: posix.basename(path) };
}

/**
 * The directory of a place. Whoever can write to one above it may have made a link of it since it was looked at, to have
 * the files of another one changed: that is not followed. @throws OnggiError `conflict`
 */
export function openRealPlace({ directory }: RealPlace): Directory {
  using top = openDirectory('/');
  const found = openRealDirectory(top, directory.replace(/^\/+/, ''));
  if (found !== undefined) return found;
  throw new OnggiError('conflict', `"${directory}": it was a directory a moment ago, and is none now`);
}

function resolved(source: string): string {
  try {
    return realpathSync(source);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return posix.resolve(source);
    throw fromSystemError(error, `look at "${source}"`);
  }
}
