/** Starting the shim (native/shim/main.c): plan in, nothing out but what went wrong. */
import { OnggiError } from '../errors.ts';
import { addon, native, shimPath } from './addon.ts';
import { Descriptors, openNull } from './descriptor.ts';
import type { Guard } from './lock.ts';
import { readHead, scratchMemory } from './memory-file.ts';
import { givePlan } from './plan-pipe.ts';

export type ShimStart = {
  /** Container or exec id: the shim's argument, to be seen in `ps`. */
  readonly id: string;
  /** The shim holds this lock too, until it ends. */
  readonly lock?: Guard;
  /** Descriptors of this process for the first one of the plan, as that says (`ShimOptions.handed`). */
  readonly handed?: readonly number[];
};

/** The text that a failed shim leaves is one line. */
const longestComplaint = 4096;

/** A shim that waits for its plan. Disposing of it before it has one ends it. */
export type StartingShim = Disposable & {
  /**
   * Returns when its socket listens and it executes the plan; what fails then is told to whoever connects. Once.
   * @throws OnggiError `internal` with the shim's words when it refuses, and whatever starting it failed with
   */
  execute(plan: Uint8Array): void;
};

/**
 * Starts a shim, which detaches itself, in a thread and returns at once: while it is being executed, the caller works
 * out its plan. The descriptors may be closed then.
 *
 * @throws OnggiError `not-found` when the shim is not installed
 */
export function startShim({ id, lock, handed = [] }: ShimStart): StartingShim {
  const path = shimPath();
  const what = `start shim "${path}"`;
  using passed = new Descriptors();
  using kept = new Descriptors();
  const [planEnd, planInput] = native('make a pipe', (calls) => calls.pipe());
  passed.own(planEnd);
  kept.own(planInput);
  const complaint = kept.own(scratchMemory('complaint'));
  const nothing = passed.own(openNull());
  // Descriptors 0 to 4 of native/shim/main.c, and what follows.
  const own = lock?.fd ?? (handed.length > 0 ? nothing : undefined);
  const fds = [nothing, nothing, complaint, planEnd, ...(own === undefined ? [] : [own]), ...handed];
  const env = shimEnvironment(process.env);
  const ahead = native(what, (calls) => calls.spawnAhead(path, false, ['onggi-shim', id], env, '', fds));
  const held = kept.move();
  const spawned = (): number => native(what, (calls) => calls.spawned(ahead));
  let given = false;
  return {
    execute(plan) {
      given = true;
      using _ = held;
      const pid = spawned();
      givePlan(planInput, plan);
      held.close(planInput);
      const status = native(what, (calls) => calls.waitProcess(pid));
      if (status === 0) return;
      const words = readHead({ fd: complaint }, longestComplaint).toString('utf8').trim();
      throw new OnggiError('internal', `start shim "${id}": ${words === '' ? `wait status ${status}` : words}`);
    },
    [Symbol.dispose]() {
      if (given) return;
      given = true;
      held[Symbol.dispose]();
      try {
        // Without a plan it ends.
        addon().waitProcess(spawned());
      } catch {
        // It was not started: what the caller has failed with comes first.
      }
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
