/** Starting the shim (native/shim/main.c): plan in, nothing out but what went wrong. */
import { openSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { native, shimPath } from './addon.ts';
import { type Descriptor, ownDescriptor } from './descriptor.ts';
import type { Guard } from './lock.ts';
import { readHead, scratchFile, sealedFile } from './memory-file.ts';

export type ShimStart = {
  /** Container or exec id: the shim's argument, to be seen in `ps`. */
  readonly id: string;
  /** Encoded plan. */
  readonly plan: Uint8Array;
  /** The shim holds this lock too, until it ends. */
  readonly lock?: Guard;
  /** Descriptors of this process for the first one of the plan, as that says (`ShimOptions.handed`). */
  readonly handed?: readonly number[];
};

/** The text that a failed shim leaves is one line. */
const longestComplaint = 4096;

export type StartingShim = {
  /**
   * Returns when its socket listens and it executes the plan; what fails then is told to whoever connects.
   * @throws OnggiError `internal` with the shim's words when it refuses
   */
  ready(): void;
};

/**
 * Starts a shim, which detaches itself. It needs some milliseconds to get ready; there is time to do something else
 * before `ready`, which must be called, once.
 *
 * @throws OnggiError `not-found` when the shim is not installed
 */
export function startShim({ id, plan, lock, handed = [] }: ShimStart): StartingShim {
  const path = shimPath();
  using executable = native(`prepare shim "${path}"`, (calls) => ownDescriptor(calls.sealedExecutable(path)));
  using plans = sealedFile('plan', plan);
  using nothing = openNull();
  using opened = new DisposableStack();
  const complaint = opened.use(scratchFile('complaint'));
  // Descriptors 0 to 4 of native/shim/main.c, and what follows.
  const own = lock?.fd ?? (handed.length > 0 ? nothing.fd : undefined);
  const fds = [nothing.fd, nothing.fd, complaint.fd, plans.fd, ...(own === undefined ? [] : [own]), ...handed];
  const pid = native(`start shim "${path}"`, (calls) =>
    calls.spawn(executable.fd, ['onggi-shim', id], shimEnvironment(process.env), fds),
  );
  const kept = opened.move();
  return {
    ready() {
      using _ = kept;
      const status = native(`start shim "${path}"`, (calls) => calls.waitProcess(pid));
      if (status === 0) return;
      const words = readHead(complaint, longestComplaint).toString('utf8').trim();
      throw new OnggiError('internal', `start shim "${id}": ${words === '' ? `wait status ${status}` : words}`);
    },
  };
}

/**
 * What the command that the shim runs at the end needs of our environment. Nothing else outlives us: the environment
 * of a user may hold secrets, and that of a shim is readable for as long as its container runs.
 */
export function shimEnvironment(environment: Readonly<Record<string, string | undefined>>): string[] {
  const names = Object.keys(environment).filter((name) => name === 'PATH' || name.startsWith('ONGGI_'));
  return names.sort().map((name) => `${name}=${environment[name]}`);
}

function openNull(): Descriptor {
  try {
    return ownDescriptor(openSync('/dev/null', 'r+'));
  } catch (error) {
    throw fromSystemError(error, 'open "/dev/null"');
  }
}
