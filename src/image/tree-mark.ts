/** The file that says of a container's tree that it is whole, and what else is known of it. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import type { Time } from '../kernel/directory-entry.ts';
import { entryFacts } from '../kernel/entry-facts.ts';

/** @property whole a file that is made when the tree is whole; its change time tells later changes from the copying */
export type TreePlace = { readonly tree: string; readonly whole: string };

/** Whether it is a whole tree, and no layer of an overlay. */
export function isTree({ whole }: TreePlace): boolean {
  return existsSync(whole);
}

/** What the file says of one whose files have other owners than those of the image. */
export const shifted = 'owners are ids of the machine\n';

/** Whether the files of a tree have other owners than those of the image (`SnapshotRequest.owner`). */
export function isShifted({ whole }: TreePlace): boolean {
  try {
    return readFileSync(whole, 'utf8') === shifted;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fromSystemError(error, `read "${whole}"`);
  }
}

/** When a tree was whole. @throws OnggiError `not-found` when the copy was cut off */
export function wholeSince(whole: string): Time {
  using parent = openDirectory(dirname(whole));
  const facts = entryFacts(parent, basename(whole));
  if (facts === undefined)
    throw new OnggiError('not-found', `"${whole}" is missing: the copy of the image was cut off`);
  return facts.changed;
}
