/** Who keeps the container, the parent of its init, and what it is told. */

/** What the shim itself is told. Paths are absolute host paths; empty means none. */
export type ShimOptions = {
  /** Container or exec id, for the process title and messages. */
  readonly id: string;
  /** Listening attach socket, at most 107 bytes. */
  readonly socket: string;
  readonly log: LogFile | LogTarget | null;
  /** Exit record, written beside itself, fsynced and renamed. */
  readonly exitFile: string;
  /** Not fsynced: of a container that is removed at its end, nothing is left to be known after a power cut. */
  readonly exitUnsynced?: boolean;
  /** Command run after the exit record is durable, unless a client has claimed the work and done it. */
  readonly reconcile: readonly string[];
  readonly terminal: boolean;
  /** Keep the container's stdin open for clients. */
  readonly stdin: boolean;
  /** Close stdin when the first client that wrote to it leaves (`docker run -i` without -d). */
  readonly stdinOnce: boolean;
  /** End the container if no client says "start" before the last one leaves: a killed `onggi run` leaves nothing. */
  readonly startRequired: boolean;
  /** Files to read at exit to tell an OOM kill. */
  readonly oom: OomSource | null;
  /**
   * Descriptors that it was started with for the first process (`ShimStart.handed`): stdio first, if that is among them, in
   * place of pipes and log; then those that become 3 and up.
   */
  readonly handed?: { readonly stdio: boolean; readonly preserve: number };
  /**
   * The event log, which is told what nobody else sees: the end of an exec; processes of a container that are killed for
   * want of memory, and its health. And the end of that line (engine/event/line.ts), for which there is a file `event`
   * beside the exit record when the container has got another name since.
   */
  readonly events?: { readonly log: string; readonly tail: string };
};

/** A log in files that the shim writes. */
export type LogFile = {
  readonly path: string;
  /** Bytes after which the file is rotated, 0 for never. */
  readonly maxSize: bigint;
  /** Number of files kept, the current one included. */
  readonly maxFiles: number;
  /** Compress those that are rotated. */
  readonly compress?: boolean;
  /** json-file if absent. */
  readonly driver?: 'json-file' | 'local' | 'k8s-file';
  /** What each entry of json-file carries: `,"attrs":{...}`. */
  readonly fields?: Uint8Array;
  /** Bytes of entries that may wait before more are dropped, 0 (if absent) to have the container wait instead. */
  readonly bufferSize?: bigint;
};

/** Where a log server is. A path for unix(7) sockets, a host otherwise. */
export type LogServer =
  | { readonly transport: 'udp' | 'tcp' | 'stream' | 'datagram'; readonly address: string; readonly port: number }
  | {
      readonly transport: 'tls';
      readonly address: string;
      readonly port: number;
      /** The program that is connected with it, and copies its standard input there. No word has a line feed. */
      readonly command: readonly string[];
    };

/** A log that goes to a server. What the parts mean for each driver stands in native/log/log-config.h. */
export type LogTarget = {
  readonly driver: 'journald' | 'syslog' | 'fluentd' | 'gelf';
  readonly server: LogServer;
  readonly bufferSize: bigint;
  readonly numbers: readonly [number, number];
  readonly head: Uint8Array;
  readonly fields: Uint8Array;
};

/** How the shim checks the health of its container (native/shim/health.h). Times in milliseconds, paths absolute. */
export type HealthCheck = {
  /** With the plan of a check in it; gets what comes of the checks. */
  readonly directory: string;
  /** File that says whether the container is paused (cgroup.freeze of v2, freezer.state of v1). */
  readonly freezer: string | null;
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
  /** What happens then. */
  readonly action: 'none' | 'kill' | 'run';
  /** Of `run`: program and arguments. */
  readonly command: readonly string[];
};

/** Another OCI runtime that makes the container and leaves it to the shim (native/shim/runtime.h). Absolute paths. */
export type ForeignRuntime = {
  readonly program: string;
  /** Directory of its state. */
  readonly state: string;
  readonly id: string;
  readonly pidFile: string;
  /** Its messages, in JSON. */
  readonly log: string;
  /** Socket over which it sends the terminal, at most 107 bytes; null without one. */
  readonly console: string | null;
  /** A cgroup that holds the container's processes and nothing else. */
  readonly group: string | null;
  /** That each of its commands may take. */
  readonly seconds: number;
};

/** criu, which restores the container and leaves it to its keeper (native/shim/criu.h). Absolute paths. */
export type Restoration = {
  readonly program: null;
  /** As of a `ForeignRuntime`. */
  readonly group: string | null;
  /** For criu: a criu_req (criu: images/rpc.proto). */
  readonly request: Uint8Array;
};

export type OomSource =
  /** memory.events and memory.events.local of the cgroup (cgroup-v2.rst, "memory.events"). */
  | { readonly version: 2; readonly directory: string }
  /** memory.oom_control, field oom_kill, and memory.failcnt. */
  | { readonly version: 1; readonly directory: string };

/** The parent of a container whose stdio and exit status are another program's business (`onggi-runtime`). */
export type LauncherOptions = {
  /** Container or exec id, for messages. */
  readonly id: string;
  /** There is a step `console`, whose terminal the launcher passes on or relays. */
  readonly terminal: boolean;
  /** Send the master of the terminal over descriptor 5 (SCM_RIGHTS) instead of relaying it to stdio. */
  readonly consoleSocket: boolean;
  /** Number of descriptors, from 6 up, that become 3 and up in the container. */
  readonly preserve: number;
  /** Stay as its parent until it ends; otherwise leave it alone once it waits for its start, or runs. */
  readonly stay: boolean;
  /** Absolute path of the fifo by which the init hears of its start; null with `stay` or without `wait-start`. */
  readonly startFifo: string | null;
};

/** The process that executes the plan and is the parent of the init. */
export type Keeper = ({ readonly kind: 'shim' } & ShimOptions) | ({ readonly kind: 'launcher' } & LauncherOptions);
