import type { Resources } from '../types.ts';

export type CloneOptions = {
  /** Absent: that of the original with "-clone" behind it; with `destroy` that of the original. */
  readonly name?: string;
  /** Absent: the same. */
  readonly image?: string;
  /** Instead of those of the original. */
  readonly resources?: Resources;
  /** The original is removed first. */
  readonly destroy?: boolean;
  /** Even if it runs. */
  readonly force?: boolean;
};
