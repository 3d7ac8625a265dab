/** Telling when the kernel kills a process of a container for lack of memory. */
import { existsSync } from 'node:fs';
import { OnggiError } from '../../errors.ts';
import { watchPaths } from '../../kernel/watch.ts';
import { type Cgroup, controllerDirectory, isUnified } from './cgroup.ts';
import { readControlIfThere } from './control-file.ts';
import { killsIn, oomFile } from './oom-kills.ts';

/** v1 tells by an eventfd only, which JavaScript can't make; there the counter is read this often. Milliseconds. */
const legacyPause = 200;
/** On v2 inotify tells at once; this is for whatever it misses. */
const unifiedPause = 1000;

/**
 * Calls `told` for every look at which the kernel has killed more than at the one before, the kills before the first
 * look not counted. Returns when the cgroup is gone or empty, or when `signal` is aborted.
 *
 * @throws OnggiError `unsupported` without a memory controller, `not-found` when the cgroup is not there
 */
export async function watchOom(cgroup: Cgroup, told: (kills: number) => void, signal: AbortSignal): Promise<void> {
  const directory = controllerDirectory(cgroup, 'memory');
  if (directory === undefined) {
    throw new OnggiError('unsupported', 'tell of lack of memory: this machine has no memory cgroups');
  }
  if (!existsSync(directory)) throw new OnggiError('not-found', `the cgroup "${directory}" is not there`);
  const unified = isUnified(cgroup);
  const file = oomFile(directory, unified);
  let known = killsIn(readControlIfThere(file)) ?? 0;
  const look = (): boolean => {
    const kills = killsIn(readControlIfThere(file));
    if (kills !== undefined && kills > known) told(kills - known);
    known = kills ?? known;
    return kills !== undefined && !isEmpty(directory, unified);
  };
  await repeat(look, unified ? [file, `${directory}/cgroup.events`] : [], unified ? unifiedPause : legacyPause, signal);
}

function isEmpty(directory: string, unified: boolean): boolean {
  // Its children count on v2; on v1 the container may have put everybody into groups of its own: those are still there.
  if (unified) return /^populated 0$/m.test(readControlIfThere(`${directory}/cgroup.events`) ?? 'populated 0');
  return !existsSync(directory);
}

/** Calls `look` now, whenever one of the files changes, and every `pause` milliseconds, until it returns false. */
function repeat(look: () => boolean, files: readonly string[], pause: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const watch = watchIfThere(files, step);
    const timer = setInterval(step, pause);
    function end(): void {
      clearInterval(timer);
      watch?.[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      resolve();
    }
    function step(): void {
      try {
        if (!look()) end();
      } catch (error) {
        end();
        reject(error);
      }
    }
    if (signal.aborted) return end();
    signal.addEventListener('abort', end);
    step();
  });
}

/** A cgroup that goes meanwhile is seen by the next look. */
function watchIfThere(files: readonly string[], step: () => void): Disposable | undefined {
  try {
    return files.length === 0 ? undefined : watchPaths(files, step);
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}
