/** A directory of the host as the root file system, in the place of an image; Podman's `--rootfs`. */
export type RootDirectory = {
  /** Absolute. */
  readonly path: string;
  /** What is written goes into a layer of the container's own, over the directory. */
  readonly overlay: boolean;
  /** With a user namespace: files have the ids of the container on the disk, and the mount maps them. */
  readonly mapped: boolean;
};
