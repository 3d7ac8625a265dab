/**
 * The directory of a `dir:` that is written to: one that holds an image already holds the new one alone afterwards, and
 * one that holds something else is left as it is, as containers/image does it.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';

/** Says that a directory is one of images, and of which shape. */
export const versionFile = 'version';

/** Blobs, manifests of an index, signatures; what a copy was at when it was killed. */
const own = /^([0-9a-f]{64}|[0-9a-f]{128})(\.manifest\.json|\.signature-\d+|\.\d+-\d+\.tmp)?$|^signature-\d+$/;

/** @throws OnggiError `exists` for a directory with other things in it */
export function checkImageDirectory(path: string, name: string): void {
  if (isImageDirectory(path)) return;
  const foreign = namesIn(path).find((entry) => !own.test(entry));
  if (foreign === undefined) return;
  throw new OnggiError('exists', `${name}: "${foreign.slice(0, 100)}" is in it, so it is no directory of an image`, {
    hint: 'Name a new directory, or empty this one.',
  });
}

/** Removes what a former image has left: its signatures would say something about this one. */
export function removeFormerImage(path: string, keep: ReadonlySet<string>): void {
  for (const entry of namesIn(path)) {
    // What another copy is at goes with it.
    if (!own.test(entry) || entry.endsWith('.tmp') || keep.has(entry)) continue;
    try {
      rmSync(join(path, entry), { force: true });
    } catch (error) {
      throw fromSystemError(error, `remove "${join(path, entry)}"`);
    }
  }
}

function isImageDirectory(path: string): boolean {
  try {
    return readFileSync(join(path, versionFile), 'latin1').startsWith('Directory Transport Version: ');
  } catch {
    return false;
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    // A file in its place is said when something is written below it.
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw fromSystemError(error, `read directory "${path}"`);
  }
}
