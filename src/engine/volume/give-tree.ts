/** Gives a file, or a directory with all that is in it, to somebody. Acts. */
import { OnggiError } from '../../errors.ts';
import { type Directory, openEntryDirectory } from '../../kernel/directory.ts';
import { listEntries, setEntryOwner } from '../../kernel/directory-entry.ts';
import { entryFacts } from '../../kernel/entry-facts.ts';
import type { Owner } from '../copy/owner.ts';

/** Each level is a descriptor that is held. */
const depthMax = 500;

/**
 * Links themselves, not what they lead to. Others may change the tree meanwhile: what has gone is passed over.
 * @throws OnggiError `denied` for a file that is not ours to give
 */
export function give(parent: Directory, name: Buffer, owner: Owner, deep: boolean, depth = 0): void {
  if (depth > depthMax) {
    throw new OnggiError('exhausted', `"U" of a mount: it has directories more than ${depthMax} deep`, {
      hint: 'Leave "U" out, and use chown -R on the host.',
    });
  }
  try {
    const facts = entryFacts(parent, name);
    if (facts === undefined) return;
    if (facts.uid !== owner.uid || facts.gid !== owner.gid) setEntryOwner(parent, name, owner.uid, owner.gid);
    if (facts.kind !== 'directory' || !deep) return;
    using directory = openEntryDirectory(parent, name);
    for (const entry of listEntries(directory)) give(directory, entry, owner, deep, depth + 1);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}
