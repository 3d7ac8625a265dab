/** Checkpoints of containers. */

export type CheckpointPlace = {
  /** Absolute path of the directory that holds them; absent: with the container. */
  readonly directory?: string;
};

export type CheckpointOptions = CheckpointPlace & {
  /** The container goes on after it; otherwise it has ended. */
  readonly leaveRunning?: boolean;
};

/** Which one a container is to go on from. */
export type CheckpointRef = CheckpointPlace & { readonly name: string };
