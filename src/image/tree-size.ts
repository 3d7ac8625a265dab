/** What a tree takes on the disk. */
import { OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { walkLayers } from './layer-tree.ts';

/**
 * Bytes that its files take on the disk: each once, holes take none, and neither do directories, as in Docker. 0 of what has just been removed.
 * @param path on the host; may be written to meanwhile
 */
export function treeSize(path: string): number {
  try {
    using root = openDirectory(path);
    const seen = new Set<string>();
    let bytes = 0;
    for (const { facts } of walkLayers([root], { attributes: 'trusted', showWhiteouts: true })) {
      const again = facts.links > 1 && facts.kind !== 'directory' && seen.has(facts.inode);
      if (!again && facts.kind !== 'directory') bytes += facts.disk;
      if (facts.links > 1) seen.add(facts.inode);
    }
    return bytes;
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return 0;
    throw error;
  }
}
