/**
 * Whose a cgroup is. Each cgroup of a container is marked, by an extended attribute, with the state directory of that
 * container. So one that was removed and made anew by somebody else, under the same name, is told from the
 * container's; and one whose record is lost is found. The kernel drops the mark with the cgroup. Acts: looks.
 */
import { errnoOf, fromSystemError } from '../errors.ts';
import { addon } from '../kernel/addon.ts';
import { exists, numberOf } from '../kernel/plain-file.ts';
import { ownershipOf } from '../kernel/text-file.ts';
import { type Cgroup, directoriesOf } from '../runtime/cgroup/cgroup.ts';
import type { Plan } from '../runtime/plan/steps.ts';
import type { ContainerPaths } from './paths.ts';
import type { StateRecord } from './state.ts';

/** The first is for root alone, where it is root of the machine; the other is kept by the unified hierarchy only. */
const attributes = ['trusted.onggi.container', 'user.onggi.container'] as const;
const atCurrentDirectory = -100;

/**
 * The path alone would not do: in another mount namespace it is another directory.
 * @returns undefined when there is no state directory
 */
export function markOf({ directory }: ContainerPaths): string | undefined {
  const number = numberOf(directory);
  return number === undefined ? undefined : `${number} ${directory}`;
}

/** The plan whose cgroups are marked as they are made. The state directory has to be there. */
export function withMarks(plan: Plan, paths: ContainerPaths): Plan {
  const mark = markOf(paths);
  if (mark === undefined) return plan;
  return { ...plan, prepare: plan.prepare.map((step) => (step.op === 'cgroup-create' ? { ...step, mark } : step)) };
}

/** The mark that a cgroup has; undefined without one, null when there is no such directory. */
export function readMark(directory: string): string | undefined | null {
  for (const attribute of attributes) {
    try {
      const found = addon().getxattrat(atCurrentDirectory, directory, attribute);
      if (found === undefined) continue;
      // Who may write to the directory may have set that one.
      if (attribute === attributes[1] && ownershipOf(directory)?.uid !== process.geteuid?.()) return undefined;
      return new TextDecoder().decode(found);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ENODEV') return null;
      throw fromSystemError(error, `read the mark of the cgroup "${directory}"`);
    }
  }
  return undefined;
}

/** What is to be recorded of the mark: nothing where there is none, which a kernel may not be able to keep. */
export function recordedMark(cgroup: Cgroup): Pick<StateRecord, 'mark'> {
  const [first] = directoriesOf(cgroup);
  const mark = first === undefined ? null : readMark(first);
  return typeof mark === 'string' ? { mark } : {};
}

/**
 * What of the recorded cgroups is the container's still. One that lost its mark was made anew: after a restart of the
 * machine, or when the container's had been removed by others. Nobody in it may be killed for the container.
 */
export function ownCgroup(record: Pick<StateRecord, 'cgroup' | 'mark'>, paths: ContainerPaths): Cgroup {
  // Nearly always all of them are gone by now.
  const there = new Set(directoriesOf(record.cgroup).filter(exists));
  if (there.size === 0) return record.cgroup;
  // That of now may be another: overlayfs forgets the numbers of directories.
  const mark = record.mark ?? markOf(paths);
  const own = (directory: string): boolean => {
    const found = there.has(directory) ? readMark(directory) : null;
    return found === undefined ? record.mark === undefined : found === null || found === mark;
  };
  const { unified, legacy } = record.cgroup;
  return {
    unified: unified !== null && own(unified) ? unified : null,
    legacy: legacy.filter(({ directory }) => own(directory)),
  };
}
