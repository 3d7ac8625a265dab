/** What a container or a command in one gets of this process beside its options. */

export type Inherited = {
  /** Open descriptors of this process; they become 3, 4 and so on. */
  readonly descriptors: readonly number[];
  /** "NAME=value": what the command is told of them (LISTEN_FDS), for this once. */
  readonly env: readonly string[];
};
