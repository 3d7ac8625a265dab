/**
 * Advisory locks on files (flock(2)): between processes, and between tasks of one process too, because each guard has
 * an open file description of its own. The kernel lets a lock go when its holder ends, however it ends.
 *
 * A lock is waited for in a thread, never by blocking the event loop and never by polling.
 */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { errnoName } from '../oci/errno.ts';
import { addon, native } from './addon.ts';

export type LockMode = 'exclusive' | 'shared';

declare const brand: unique symbol;
/**
 * Proof that a lock is held; functions that must run under it take one. Disposing of it lets the lock go, once.
 * A child process that receives `fd` holds the same lock: it stays held until both have closed theirs.
 */
export type Guard = Disposable & {
  readonly path: string;
  readonly mode: LockMode;
  readonly fd: number;
  readonly [brand]: 'guard';
};

/**
 * Waits for the lock on `path`; the file is made if it is missing (0600) and stays.
 *
 * @param signal gives up waiting
 * @throws OnggiError `cancelled`; `not-found` when the directory is missing
 */
export async function lock(path: string, mode: LockMode, signal?: AbortSignal): Promise<Guard> {
  for (;;) {
    throwIfAborted(path, signal);
    const fd = openLockFile(path);
    try {
      const held = native(`lock "${path}"`, (calls) => calls.flock(fd, mode, false));
      if (!held) await waitForLock(path, fd, mode, signal);
      if (isStill(path, fd)) return guardOf(path, mode, fd);
    } catch (error) {
      addon().close(fd);
      throw error;
    }
    addon().close(fd);
  }
}

/** The lock on `path` if nobody holds it in the way of `mode`; else undefined. */
export function tryLock(path: string, mode: LockMode): Guard | undefined {
  for (;;) {
    const fd = openLockFile(path);
    let held = false;
    try {
      held = native(`lock "${path}"`, (calls) => calls.flock(fd, mode, false));
      if (held && isStill(path, fd)) return guardOf(path, mode, fd);
    } catch (error) {
      addon().close(fd);
      throw error;
    }
    addon().close(fd);
    if (!held) return undefined;
  }
}

/**
 * Whether somebody holds `path` exclusively now. A missing file is not locked, and is not made.
 * Looks by taking a shared lock for a moment, so those who look don't see each other.
 */
export function isLocked(path: string): boolean {
  // Few ask, and node:fs takes a millisecond.
  const { closeSync, constants, openSync } = process.getBuiltinModule('node:fs');
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fromSystemError(error, `look at lock "${path}"`);
  }
  try {
    return !native(`look at lock "${path}"`, (calls) => calls.flock(fd, 'shared', false));
  } finally {
    closeSync(fd);
  }
}

function openLockFile(path: string): number {
  try {
    return addon().openLock(path);
  } catch (error) {
    throw fromSystemError(error, `open lock "${path}"`);
  }
}

/** False when the file was removed while we waited: then whoever comes next locks another file of that name. */
function isStill(path: string, fd: number): boolean {
  return native(`look at lock "${path}"`, (calls) => calls.isNamed(fd, path));
}

function guardOf(path: string, mode: LockMode, fd: number): Guard {
  let held = true;
  const guard = {
    path,
    mode,
    fd,
    [Symbol.dispose]() {
      if (!held) return;
      held = false;
      addon().close(fd);
    },
  };
  return guard as unknown as Guard;
}

function throwIfAborted(path: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new OnggiError('cancelled', `lock "${path}": given up`, { cause: signal.reason });
}

/** Longer than any wait; the timer only keeps the event loop alive, which the addon's thread does not. */
const farAway = 0x7fffffff;

function waitForLock(path: string, fd: number, mode: LockMode, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const alive = setInterval(() => {}, farAway);
    const settle = (act: () => void): void => {
      clearInterval(alive);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = (): void =>
      settle(() => reject(new OnggiError('cancelled', `lock "${path}": given up`, { cause: signal?.reason })));
    const onLocked = (errno: number): void =>
      settle(() => {
        if (errno === 0) resolve();
        else reject(new OnggiError('internal', `lock "${path}": ${errnoName(errno)}`));
      });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      addon().flockWait(fd, mode, onLocked);
    } catch (error) {
      settle(() => reject(fromSystemError(error, `lock "${path}"`)));
    }
  });
}
