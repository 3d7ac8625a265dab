/** Facts of a file at a path that a user has named. */
import { type Stats, statSync } from 'node:fs';
import { errnoOf, fromSystemError } from '../errors.ts';

/**
 * stat(2): links are followed. Undefined when there is nothing, also because the path leads through a file, for which
 * `throwIfNoEntry` of node:fs throws.
 * @throws OnggiError `denied` and others
 */
export function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw fromSystemError(error, `look at "${path}"`);
  }
}
