/** What has changed in a container: its writable directory beside the layers below, path by path (`docker diff`). */
import type { Directory } from '../kernel/directory.ts';
import { type EntryPath, shownPath } from './entry-path.ts';
import type { DiffOptions } from './layer-diff.ts';
import { viewOf } from './layer-tree.ts';
import { walkOwn } from './own-tree.ts';

export type Change = {
  readonly kind: 'added' | 'changed' | 'deleted';
  /** Absolute. */
  readonly path: string;
};

/**
 * Sorted by path. A directory in which something was made or removed has changed, as it has for Docker.
 * @param upper the writable directory of an overlay, or a whole tree (`whole`); it may be written to meanwhile
 * @param lower roots of the layers below, topmost first
 */
export function listChanges(upper: Directory, lower: readonly Directory[], options: DiffOptions): Change[] {
  const changes: Change[] = [];
  const prefix = options.below === undefined || options.below === '' ? '/' : `/${options.below}/`;
  const note = (kind: Change['kind'], path: EntryPath): void => {
    changes.push({ kind, path: `${prefix}${shownPath(path)}` });
  };
  const below = viewOf(lower, options.attributes);
  const above = viewOf([upper], options.attributes);
  for (const { path, facts, whiteout, opaque } of walkOwn(upper, options)) {
    const hidden = below.find(path);
    // A whiteout of what is not below hides nothing: it came and went.
    if (!whiteout) note(hidden === undefined ? 'added' : 'changed', path);
    else if (hidden !== undefined) note('deleted', path);
    if (!opaque || facts.kind !== 'directory' || hidden?.kind !== 'directory') continue;
    const own = new Set(above.children(path));
    for (const child of below.children(path)) if (!own.has(child)) note('deleted', child);
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}
