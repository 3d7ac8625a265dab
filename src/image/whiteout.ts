/** How a name that is gone is marked in an unpacked layer. */
import { OnggiError } from '../errors.ts';
import type { Directory } from '../kernel/directory.ts';
import { makeNode, setEntryMode } from '../kernel/directory-entry.ts';
import type { EntryFacts } from '../kernel/entry-facts.ts';

/**
 * A file system that is no ground for overlays may have no such device, overlayfs itself above all. No layer has sockets,
 * and nobody else gives one such a mode.
 */
const strangeMode = 0o5001;

/** As overlayfs has it (overlayfs.rst, "whiteouts"); where the file system refuses that, a mark that only we know. */
export function makeWhiteout(parent: Directory, name: string | Buffer): void {
  try {
    makeNode(parent, name, 'character', 0, [0, 0]);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'denied') throw error;
    makeNode(parent, name, 'socket', 0, [0, 0]);
    // Whatever the umask.
    setEntryMode(parent, name, strangeMode);
  }
}

export function isWhiteoutNode({ kind, major, minor, mode }: EntryFacts): boolean {
  return kind === 'character' ? major === 0 && minor === 0 : kind === 'socket' && mode === strangeMode;
}
