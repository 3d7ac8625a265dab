/** Gives files the label of a container. Acts. */
import { errnoOf, OnggiError } from '../../errors.ts';
import { type Directory, openEntryDirectory } from '../../kernel/directory.ts';
import { listEntries, setEntryAttribute } from '../../kernel/directory-entry.ts';
import { entryFacts, readAttribute } from '../../kernel/entry-facts.ts';

import { openRealPlace, type RealPlace } from '../volume/real-source.ts';

const attribute = 'security.selinux';
/** Each level is a descriptor that is held. */
const depthMax = 500;

/** A file or directory that gets a label. */
export type Relabelling = RealPlace & {
  readonly label: string;
  /** Not when its topmost directory has the label already: that one gets it last. */
  readonly unlessDone?: boolean;
};

/** @throws OnggiError `denied`; file systems without labels are left as they are, as with Docker */
export function relabel({ label, unlessDone = false, ...place }: Relabelling): void {
  using parent = openRealPlace(place);
  const value = Buffer.from(`${label}\0`);
  const entry = Buffer.from(place.name);
  if (unlessDone && readAttribute(parent, entry, attribute)?.equals(value) === true) return;
  try {
    relabelEntry(parent, entry, value, 0);
  } catch (error) {
    if (errnoOf(error instanceof OnggiError ? error.cause : error) !== 'EOPNOTSUPP') throw error;
  }
}

/** Links themselves, not what they lead to. Others may change the tree meanwhile: what has gone is passed over. */
function relabelEntry(parent: Directory, name: Buffer, value: Buffer, depth: number): void {
  if (depth > depthMax) {
    throw new OnggiError('exhausted', `relabelling: there are directories more than ${depthMax} deep`, {
      hint: 'Leave "z" out, and use chcon -R on the host.',
    });
  }
  try {
    const facts = entryFacts(parent, name);
    if (facts === undefined) return;
    if (facts.kind === 'directory') {
      using directory = openEntryDirectory(parent, name);
      for (const entry of listEntries(directory)) relabelEntry(directory, entry, value, depth + 1);
    }
    setEntryAttribute(parent, name, attribute, value);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}
