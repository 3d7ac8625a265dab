/** Pause and resume: the freezer of v1 (cgroup-v1/freezer-subsystem.rst) and cgroup.freeze of v2. */
import { OnggiError } from '../../errors.ts';
import { type Cgroup, isUnified, legacyDirectory } from './cgroup.ts';
import { readControl, readControlIfThere, writeControl } from './control-file.ts';
import { until } from './wait.ts';

/**
 * Stops all processes, as `onggi pause` does; idempotent. When they don't all stop in time they are let go on again.
 * @throws OnggiError `not-found`, `unavailable` when they don't all stop in time, `unsupported` without a freezer
 */
export async function freezeCgroup(cgroup: Cgroup): Promise<void> {
  const freezer = freezerOf(cgroup);
  if (await until(() => setFrozen(freezer, 1))) return;
  setFrozen(freezer, 0);
  throw new OnggiError('unavailable', `freeze the cgroup "${freezer.directory}": not all of its processes stopped`);
}

/** Lets them go on; idempotent. @throws OnggiError `not-found`, `unavailable` */
export async function thawCgroup(cgroup: Cgroup): Promise<void> {
  const freezer = freezerOf(cgroup);
  if (await until(() => setFrozen(freezer, 0))) return;
  const hint = 'A cgroup above it is frozen: thaw that one.';
  throw new OnggiError('unavailable', `thaw the cgroup "${freezer.directory}": its processes stay stopped`, { hint });
}

/** The file whose text begins with "1" or "F" while they are stopped; null where nothing can stop them. */
export function freezerPath(cgroup: Cgroup): string | null {
  if (cgroup.unified !== null) return `${cgroup.unified}/cgroup.freeze`;
  const legacy = legacyDirectory(cgroup, 'freezer');
  return legacy === undefined ? null : `${legacy}/freezer.state`;
}

/** Whether its processes are stopped (state "paused" of the runtime's `state`); false when it is not there. */
export function isFrozen(cgroup: Cgroup): boolean {
  const legacy = legacyDirectory(cgroup, 'freezer');
  if (legacy !== undefined && readControlIfThere(`${legacy}/freezer.state`)?.startsWith('FR') === true) return true;
  return cgroup.unified !== null && readControlIfThere(`${cgroup.unified}/cgroup.freeze`)?.trim() === '1';
}

/** What to write where, and what is read where once it has happened; thawed first, frozen second. */
type Freezer = {
  readonly directory: string;
  readonly control: string;
  readonly values: readonly [string, string];
  readonly state: string;
  readonly shows: readonly [string, string];
};

/**
 * Written in each round: a v1 freezer that met a process in the middle of something stays FREEZING until it is asked
 * again. @returns whether it has happened
 */
function setFrozen(freezer: Freezer, index: 0 | 1): boolean {
  const doing = `${index === 1 ? 'freeze' : 'thaw'} the cgroup "${freezer.directory}"`;
  writeControl(freezer.control, freezer.values[index], doing);
  return readControl(freezer.state, doing).includes(freezer.shows[index]);
}

/** One freezer is enough: with both in force the processes would need two thaws. A v1 one that is set counts first. */
function freezerOf(cgroup: Cgroup): Freezer {
  const legacy = legacyDirectory(cgroup, 'freezer');
  const { unified } = cgroup;
  const frozenByLegacy =
    legacy !== undefined && readControlIfThere(`${legacy}/freezer.state`)?.startsWith('FR') === true;
  if (unified !== null && !frozenByLegacy && readControlIfThere(`${unified}/cgroup.freeze`) !== undefined) {
    const [control, state] = [`${unified}/cgroup.freeze`, `${unified}/cgroup.events`];
    return { directory: unified, control, values: ['0', '1'], state, shows: ['frozen 0', 'frozen 1'] };
  }
  const directory = legacy ?? (isUnified(cgroup) ? unified : undefined);
  if (directory === undefined || directory === null) {
    throw new OnggiError('unsupported', 'pause a container: this machine has no cgroup freezer');
  }
  if (legacy === undefined) throw new OnggiError('not-found', `the cgroup "${directory}" is not there`);
  const file = `${legacy}/freezer.state`;
  return { directory: legacy, control: file, values: ['THAWED', 'FROZEN'], state: file, shows: ['THAWED', 'FROZEN'] };
}
