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

export type Changes = Disposable & {
  /** Waits for what has changed since the last call, or for the end. */
  next(): Promise<'changed' | 'over'>;
  /** Ends the waiting for good. */
  finish(): void;
};

/** Changes of the paths to wait for, one after another, until `finish` or the signal. @throws as `watchPaths` */
export function watchChanges(paths: readonly string[], signal?: AbortSignal): Changes {
  let wake: (() => void) | undefined;
  let changed = false;
  let over = signal?.aborted === true;
  const watch = watchPaths(paths, () => {
    changed = true;
    wake?.();
  });
  const finish = (): void => {
    over = true;
    wake?.();
  };
  signal?.addEventListener('abort', finish);
  return {
    async next() {
      if (!changed && !over) await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
      changed = false;
      return over ? 'over' : 'changed';
    },
    finish,
    [Symbol.dispose]() {
      watch[Symbol.dispose]();
      signal?.removeEventListener('abort', finish);
    },
  };
}
