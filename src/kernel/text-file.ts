/**
 * Small files read whole, by the addon: a short command that gets by without `node:fs` and `node:path` takes a
 * millisecond less. Acts.
 */
import { errnoOf, fromSystemError } from '../errors.ts';
import { addon } from './addon.ts';

/** Codes that mean: there is no such file, or no such thing that it would tell of. */
export type Absence = readonly string[];
export const missing: Absence = ['ENOENT', 'ENOTDIR'];

/**
 * UTF-8; at most 64 MiB. Undefined when there is no such file, or when the open or read fails with one of `absent`.
 * @throws OnggiError that says what was `tried`
 */
export function readTextIfThere(path: string, absent: Absence = missing, tried = `read "${path}"`): string | undefined {
  try {
    return addon().readTextIfThere(path);
  } catch (error) {
    if (absent.includes(errnoOf(error) ?? '')) return undefined;
    throw fromSystemError(error, tried);
  }
}

/** @throws OnggiError that says what was `tried` */
export function readText(path: string, tried = `read "${path}"`): string {
  try {
    return addon().readText(path);
  } catch (error) {
    throw fromSystemError(error, tried);
  }
}

/** The kind of a file (S_IFMT bits of its mode), its permissions and its owner; undefined when it is not there. */
export type Ownership = { readonly kind: number; readonly mode: number; readonly uid: number; readonly gid: number };

export const directoryKind = 0o040000;
const atCurrentDirectory = -100;

/** Of the entry itself: no link is followed. @throws OnggiError */
export function ownershipOf(path: string): Ownership | undefined {
  let facts: Uint8Array;
  try {
    facts = addon().entryFacts(atCurrentDirectory, path);
  } catch (error) {
    if (missing.includes(errnoOf(error) ?? '')) return undefined;
    throw fromSystemError(error, `look at "${path}"`);
  }
  // In the order of make_facts() in native/addon/addon_entry.c.
  const [mode = 0, uid = -1, gid = -1] = new Float64Array(facts.buffer, facts.byteOffset, 3);
  return { kind: mode & 0o170000, mode: mode & 0o7777, uid, gid };
}
