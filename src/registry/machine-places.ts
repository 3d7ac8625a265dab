/**
 * Places for requests to a registry that all processes of a user share: so many files, each locked (flock(2)) by who has
 * the place, so one that is killed gives its place back.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { errnoOf, OnggiError } from '../errors.ts';
import { type Guard, lock, tryLock } from '../kernel/lock.ts';
import type { Environment } from './proxy.ts';

/** Milliseconds after which one goes on without a place: who has them may have been stopped. */
const defaultPatience = 60_000;

/** Where the files are; null where there is no directory that goes with the session. */
export function placesDirectory(environment: Environment, root = process.getuid?.() === 0): string | null {
  if (root) return '/run/onggi/registries';
  const own = environment['XDG_RUNTIME_DIR'];
  return own === undefined || !isAbsolute(own) ? null : join(own, 'onggi/registries');
}

/**
 * Waits for one of `places` places.
 *
 * @param key what they are for: the host, and whether something is sent
 * @returns the place, to be disposed of; null where none can be had: the directory can't be written, or none came in time
 * @throws OnggiError `cancelled`
 */
export async function takePlace(
  directory: string,
  key: string,
  places: number,
  signal: AbortSignal | undefined,
  patience: number = defaultPatience,
): Promise<Disposable | null> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const paths = Array.from({ length: places }, (_, index) => join(directory, `${encodeURIComponent(key)}.${index}`));
    for (const path of paths) {
      const guard = tryLock(path, 'exclusive');
      if (guard !== undefined) return placeOf(guard);
    }
    const path = paths[Math.floor(Math.random() * places)] ?? '';
    const limit = AbortSignal.timeout(patience);
    return placeOf(await lock(path, 'exclusive', signal === undefined ? limit : AbortSignal.any([signal, limit])));
  } catch (error) {
    signal?.throwIfAborted();
    if (errnoOf(error) === undefined && !(error instanceof OnggiError)) throw error;
    return null;
  }
}

/** The file goes with the place: who waits for it sees that and makes a new one. */
function placeOf(guard: Guard): Disposable {
  return {
    [Symbol.dispose]() {
      rmSync(guard.path, { force: true });
      guard[Symbol.dispose]();
    },
  };
}
