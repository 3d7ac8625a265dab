/** How the caller of an operation wants containers to be kept. */
export type Runtime = {
  /** Absolute; each container has a directory there. */
  readonly root: string;
  /** cgroupsPath is "slice:prefix:name", and systemd makes the cgroups. */
  readonly systemdCgroup: boolean;
  /** Path of criu(8); absent: the first of that name in PATH. */
  readonly criu?: string;
  /** Told what was gone without. */
  readonly warn: (message: string) => void;
  /** Told what is about to be done; `text` is called only when somebody listens. */
  readonly debug: (text: () => string) => void;
};
