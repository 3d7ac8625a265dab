/** What a container takes on the disk by itself (`ps --size`, `system df`). */
import { OnggiError } from '../../errors.ts';
import { ownSize } from '../../image/own-tree.ts';
import { lowerDirectories } from '../../image/snapshot.ts';
import { isTree, wholeSince } from '../../image/tree-mark.ts';
import { treeSize } from '../../image/tree-size.ts';
import { openDirectory } from '../../kernel/directory.ts';
import { inUserNamespace } from '../../kernel/user-namespace.ts';
import type { Digest } from '../../oci/digest.ts';
import { layerPath } from '../../store/layout.ts';
import type { Store } from '../../store/store.ts';
import { filesOf } from './container.ts';

/** Bytes of its writable layer, or of what is other in its tree than in the image; 0 of one that has just been removed. */
export function containerSize(store: Store, { id, imageId }: { id: string; imageId: Digest | null }): number {
  const files = filesOf(store, id);
  if (imageId === null || !isTree(files)) return treeSize(files.upper);
  try {
    using held = new DisposableStack();
    const root = held.use(openDirectory(files.tree));
    const names = lowerDirectories(store, imageId);
    const layers = names.map((name) => held.use(openDirectory(layerPath(store.layout, name))));
    const attributes = inUserNamespace() ? 'user' : 'trusted';
    const whole = { layers, since: wholeSince(files.whole), timeless: () => false };
    return ownSize(root, { attributes, whole });
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return 0;
    throw error;
  }
}
