/**
 * A row of the table of `run`'s flags: a good case whose effect is seen from inside the container or in the kernel
 * (../run-flags.test.ts), and a bad one that is refused before anything is made (../run-flags-refused.test.ts).
 *
 * To add a flag, add a row to the file of its concept in this folder, or a new file to `rows` in table.ts:
 *
 *   { flag: 'cpu-shares', words: ['-c', '512'], inside: 'cat /sys/fs/cgroup/cpu/cpu.shares', shows: /^512$/,
 *     bad: [['-c', 'x'], /invalid argument "x" for "-c, --cpu-shares" flag/] }
 *
 * Rows with the same `container` ("plain" if absent) are looked at in one container: it is started with the words of all
 * of them, so a row costs nothing but one shell line. Give it a container of its own (another word, `containers` in
 * table.ts) only where its words contradict others. What neither shell nor kernel shows from there has a `tried`, a
 * function that does it all by itself: keep those few, each takes a tenth of a second.
 */
import type { Need } from '../../harness/requires.ts';
import type { World } from '../../harness/system-test.ts';

/** The words before the image, and what the refusal says. The exit status is 125. `$DIR` is a directory of the test. */
export type Bad = readonly [words: readonly string[], says: RegExp];

export type Container = { readonly id: string; readonly pid: number; readonly directory: string };

type Common = {
  /** Long name. */
  readonly flag: string;
  readonly needs?: readonly Need[];
  readonly bad: Bad;
};

/** Seen in a container that it shares with others. */
export type Seen = Common & {
  readonly container?: string;
  readonly words: readonly string[];
  /** A shell line, whose output, standard error included, has to match. */
  readonly inside?: string;
  readonly shows?: RegExp;
  /** Looks from the outside, while it runs. */
  readonly outside?: (world: World, container: Container) => Promise<void>;
};

export type Tried = Common & { readonly tried: (world: World, directory: string) => Promise<void> };

/** Of Docker's, and refused whatever its value: by name, or in Docker's own words. */
export type RefusedFlag = { readonly flag: string; readonly refused: readonly string[]; readonly says?: RegExp };

export type Row = Seen | Tried | RefusedFlag;

/** What pflag says of a switch that is given a word, and of a flag without its value. */
export function badSwitch(flag: string): Bad {
  return [[`--${flag}=maybe`], new RegExp(`invalid argument "maybe" for ".*--${flag}" flag: 'maybe' is neither`)];
}

/** A file of the container's own cgroup, by its name in version 1 (with the controller) or else in version 2. */
export function cgroupFile(legacy: string, unified: string): string {
  return `cd /sys/fs/cgroup; cat ${legacy} 2>/dev/null || cat ${unified}`;
}
