/** Being told when files change (inotify(7)). Not `fs.watch`: under Bun it drops what follows within a millisecond. */
import { fromSystemError } from '../errors.ts';
import { addon } from './addon.ts';

/**
 * Calls `changed` after each change of one of the paths, for a directory of what lies in it; changes that come together
 * are told once. Nothing that happens after the return is missed. Keeps the program alive until it is disposed of.
 *
 * @throws OnggiError `not-found` when a path is not there
 */
export function watchPaths(paths: readonly string[], changed: () => void): Disposable {
  let over = false;
  const tell = (): void => {
    if (!over) changed();
  };
  let watch: number;
  try {
    watch = addon().watch(paths, tell);
  } catch (error) {
    throw fromSystemError(error, `watch ${paths.map((path) => `"${path}"`).join(', ')}`);
  }
  return {
    [Symbol.dispose]() {
      if (over) return;
      over = true;
      addon().close(watch);
    },
  };
}
