/** Descriptors of directories that are likely to be needed again, by path; the longest unused one is closed first. */
import type { Directory } from '../kernel/directory.ts';
import type { EntryPath } from './entry-path.ts';

export type DirectoryCache = Disposable & {
  get(path: EntryPath): Directory | undefined;
  /** Takes over the descriptor. */
  keep(path: EntryPath, directory: Directory): Directory;
  /** Nothing that is open counts any more; but it stays open until `closeRetired`, for it may be in use. */
  retireAll(): void;
  closeRetired(): void;
};

export function directoryCache(limit: number): DirectoryCache {
  const open = new Map<EntryPath, Directory>();
  const retired: Directory[] = [];
  const closeRetired = (): void => {
    for (const held of retired.splice(0)) held[Symbol.dispose]();
  };
  const retireAll = (): void => {
    retired.push(...open.values());
    open.clear();
  };
  return {
    get(path) {
      const held = open.get(path);
      if (held === undefined) return undefined;
      // A map keeps the order of insertion: this one goes back to the end.
      open.delete(path);
      open.set(path, held);
      return held;
    },
    keep(path, directory) {
      for (const [oldest, held] of open) {
        if (open.size < limit) break;
        open.delete(oldest);
        held[Symbol.dispose]();
      }
      open.set(path, directory);
      return directory;
    },
    retireAll,
    closeRetired,
    [Symbol.dispose]() {
      retireAll();
      closeRetired();
    },
  };
}
