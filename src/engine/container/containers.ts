/** The operations on containers, each loaded when it is first called. */
import type { Change } from '../../image/layer-changes.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Context } from '../context.ts';
import type { CheckedHealth } from '../health/run.ts';
import type { ProcessList } from '../process/top.ts';
import type { Pruned, PruneSystemOptions } from '../system/prune.ts';
import type {
  CheckpointOptions,
  CheckpointPlace,
  CheckpointRef,
  CloneOptions,
  ContainerId,
  ContainerOptions,
  ContainerSample,
  ContainerSummary,
  Copied,
  CopyOptions,
  CopySource,
  CopyTarget,
  ExecOptions,
  Inherited,
  LogChunk,
  LogEntry,
  LogQuery,
  MountedContainer,
  Session,
  TableShape,
  Why,
} from '../types.ts';
import { checkIds } from '../user-namespace.ts';
import type { UpdateOptions } from './update.ts';

/** `size` reads the directories of all of them. */
export type ListQuery = { readonly all?: boolean; readonly size?: boolean };

/** `before` in milliseconds since the epoch. */
export type PruneSelection = Pick<PruneSystemOptions, 'before' | 'labels'>;

export type { UpdateOptions };

/** A `ref` is a full id, a name or an unambiguous beginning of an id. All throw OnggiError `not-found` for unknown ones. */
export type Containers = {
  /** Makes a container without starting it. @throws `not-found` (image), `exists` (name), `invalid` */
  create(options: ContainerOptions): Promise<ContainerSummary>;
  /** What `create` would refuse, but for the name; makes nothing. @throws as `create` */
  check(options: ContainerOptions): Promise<void>;
  /** Starts a container and lets go of it; one that runs already stays as it is. */
  start(ref: string, options?: StartOptions): Promise<void>;
  /**
   * Makes all of it, namespaces, mounts and network, but does not start its command: `start` does that then.
   * @throws `conflict` when it runs, or is initialized already
   */
  initialize(ref: string): Promise<void>;
  /** Attaches first, then starts: no output is lost. @throws `conflict` when it runs already */
  startAttached(ref: string, options?: RunOptions): Promise<Session>;
  /** `create` and `startAttached`; a container with `autoRemove` is gone when `session.exit` resolves. */
  run(options: ContainerOptions, run?: RunOptions): Promise<{ readonly id: ContainerId; readonly session: Session }>;
  /** Newest first; those that run, or all. */
  list(query?: ListQuery): Promise<ContainerSummary[]>;
  /**
   * The table of those that run, newest first; undefined where one of them has more to show than its row tells, a health
   * check for example. With hundreds a fifth of the time of `list`.
   */
  table(shape: TableShape): Promise<string | undefined>;
  get(ref: string): Promise<ContainerSummary>;
  /** In the shape of the Docker Engine API. `size` reads all of its writable layer. */
  inspect(ref: string, options?: { readonly size?: boolean }): Promise<Record<string, unknown>>;
  logs(ref: string, query?: LogQuery, signal?: AbortSignal): AsyncIterable<LogEntry>;
  /** The same as bytes, many at a time and ten times as fast. Chunks are good until the next are asked for. */
  logBytes(ref: string, query?: LogQuery, signal?: AbortSignal): AsyncIterable<readonly LogChunk[]>;
  /** @throws `conflict` when the container does not run; `command-not-found`, `not-executable` */
  exec(ref: string, options: ExecOptions): Promise<Session>;
  /** As `exec`, but resolves when the command has been started, with nothing attached. */
  execDetached(ref: string, options: ExecOptions): Promise<void>;
  /** @throws `conflict` when the container does not run */
  attach(ref: string, options?: AttachOptions): Promise<Session>;
  /** Stop signal, then SIGKILL after the timeout (seconds, default 10). Does nothing to one that has ended. */
  stop(ref: string, options?: StopOptions): Promise<void>;
  /** `stop`, if it runs, and `start`. One with `autoRemove` is kept meanwhile. */
  restart(ref: string, options?: StopOptions): Promise<void>;
  /** In any state. @throws `exists` when the name is taken, `invalid` when it is none */
  rename(ref: string, name: string): Promise<void>;
  /** Freezes its processes. @throws `conflict` when it does not run or is paused */
  pause(ref: string): Promise<void>;
  /** Lets them go on. @throws `conflict` when it is not paused */
  unpause(ref: string): Promise<void>;
  /** Other limits and another restart policy; what is not named stays. @throws `invalid`, `unsupported`, `conflict` */
  update(ref: string, change: UpdateOptions): Promise<void>;
  /**
   * Its processes, as ps(1) of the machine shows them or by the names of columns.
   * @param words options of ps, -ef if there are none; or columns: pid, user, args, ...
   * @throws `conflict` when it does not run
   */
  top(ref: string, words?: readonly string[]): Promise<ProcessList>;
  /** What it uses now; all zero for one that does not run. */
  stats(ref: string): Promise<ContainerSample>;
  /** Removes those that don't run and match. @returns what was removed */
  prune(selection?: PruneSelection): Promise<Pruned[]>;
  /** Signal by name or number, default SIGKILL. @throws `conflict` when it does not run */
  kill(ref: string, signal?: string): Promise<void>;
  /**
   * @returns the names of those that went before it, with `depend`
   * @throws `conflict` when it runs and `force` is not set, and when others require it and `depend` is not set
   */
  remove(ref: string, options?: RemoveOptions): Promise<string[]>;
  /** A health check now. @throws `conflict` when it does not run, or has none */
  checkHealth(ref: string): Promise<CheckedHealth>;
  /** Forgets a link, "CONTAINER/ALIAS". @throws `invalid`, `not-found` */
  unlink(path: string): Promise<void>;
  /** Resolves with the exit status, at once for one that has ended. */
  wait(ref: string): Promise<number>;
  /** What ended it. */
  why(ref: string): Promise<Why>;
  /** What has changed in its file system, by path. */
  diff(ref: string): Promise<Change[]>;
  /** The tar of its file system, without what is mounted in it. A piece is good until the next one is asked for. */
  export(ref: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Makes an image of it. @param name null for an image without a name
   * @throws `invalid` (name, change), `unsupported` (too many layers)
   */
  commit(ref: string, name: string | null, options?: CommitOptions): Promise<{ readonly id: Digest }>;
  /** Puts its root file system on a path of the host. Idempotent. @returns the path */
  mount(ref: string): Promise<string>;
  /** @throws `conflict` when it is not mounted; or in use, and `force` is not set */
  unmount(ref: string, options?: { readonly force?: boolean }): Promise<void>;
  /** Those that are mounted in this mount namespace. */
  mounted(): Promise<MountedContainer[]>;
  /** A new container by the options of another one. @throws `not-found`, `exists` */
  clone(ref: string, options?: CloneOptions): Promise<ContainerSummary>;
  /** Files and directories between containers, running or not, this machine and archives. */
  copy(from: CopySource, to: CopyTarget, options?: CopyOptions): Promise<Copied>;
  /**
   * All of its processes as files, by criu(8). It has ended then, unless it is left running; when it fails, it runs on.
   * @throws `conflict` when it does not run; `exists`, `unsupported`, `not-found` without criu
   */
  checkpoint(ref: string, name: string, options?: CheckpointOptions): Promise<void>;
  /** Names of its checkpoints, sorted. */
  checkpoints(ref: string, place?: CheckpointPlace): Promise<string[]>;
  /** @throws `not-found` */
  removeCheckpoint(ref: string, name: string, place?: CheckpointPlace): Promise<void>;
  /** The kernel steps that would make this container, in words. Needs no root and changes nothing. */
  explain(options: ContainerOptions): Promise<string>;
};

export type RemoveOptions = {
  /** Kills what runs. */
  readonly force?: boolean;
  /** Anonymous volumes, too. */
  readonly volumes?: boolean;
  /** Those that require it, too, before it (`--requires`). */
  readonly depend?: boolean;
};

/** `timeout` in seconds, -1 to wait for ever; `signal` by name or number. */
export type StopOptions = { readonly timeout?: number; readonly signal?: string };

export type CommitOptions = {
  readonly author?: string;
  readonly message?: string;
  /** Dockerfile instructions that set the configuration: CMD, ENTRYPOINT, ENV, ... */
  readonly changes?: readonly string[];
  /** false: the container goes on while it is read; what it writes meanwhile may be half there. */
  readonly pause?: boolean;
  readonly signal?: AbortSignal;
};

/** `checkpoint`: where it goes on from, instead of at its beginning; `inherit`: what it gets for this run alone. */
export type StartOptions = {
  readonly checkpoint?: CheckpointRef | undefined;
  readonly inherit?: Inherited | undefined;
};

export type AttachOptions = { readonly stdin?: boolean };

/** `follow`: one with the log driver passthrough, which has the stdio of this process, is followed to its end. */
export type RunOptions = AttachOptions & StartOptions & { readonly follow?: boolean };

export function makeContainers(context: Context): Containers {
  return {
    create: async (options) => (await import('./create.ts')).createContainer(context, options),
    check: async (options) => (await import('./create.ts')).checkNew(context, options),
    start: async (ref, options) => (await import('./start.ts')).startDetached(context, ref, options),
    initialize: async (ref) => (await import('./initialize.ts')).initialize(context, ref),
    startAttached: async (ref, options) => (await import('./start.ts')).startAttached(context, ref, options ?? {}),
    run: async (options, run) => (await import('./start.ts')).runContainer(context, options, run),
    list: async (query) => (await import('./list.ts')).listContainers(context, query ?? {}),
    table: async (shape) => (await import('../listing/table.ts')).upContainersTable(context, shape),
    get: async (ref) => (await import('./query.ts')).getContainer(context, ref),
    inspect: async (ref, options) => (await import('./query.ts')).inspect(context, ref, options ?? {}),
    async *logs(ref, query, signal) {
      const { containerLogs } = await import('./query.ts');
      yield* containerLogs(context, ref, query ?? {}, signal);
    },
    async *logBytes(ref, query, signal) {
      const { containerLogBytes } = await import('./query.ts');
      yield* containerLogBytes(context, ref, query ?? {}, signal);
    },
    exec: async (ref, options) => (await import('./exec.ts')).exec(context, ref, options),
    execDetached: async (ref, options) => (await import('./exec.ts')).execDetached(context, ref, options),
    attach: async (ref, options) => (await import('./end.ts')).attach(context, ref, options ?? {}),
    stop: async (ref, options) => (await import('./end.ts')).stop(context, ref, options ?? {}),
    restart: async (ref, options) => (await import('./restart.ts')).restart(context, ref, options ?? {}),
    rename: async (ref, name) => (await import('./rename.ts')).rename(context, ref, name),
    pause: async (ref) => (await import('./pause.ts')).pause(context, ref),
    unpause: async (ref) => (await import('./pause.ts')).unpause(context, ref),
    update: async (ref, change) => (await import('./update.ts')).update(context, ref, change),
    top: async (ref, words) => (await import('../process/top.ts')).top(context, ref, words ?? []),
    stats: async (ref) => (await import('../process/stats.ts')).stats(context, ref),
    prune: async (selection) => (await import('../system/prune.ts')).pruneContainers(context, selection ?? {}),
    kill: async (ref, signal) => (await import('./end.ts')).kill(context, ref, signal ?? 'SIGKILL'),
    remove: async (ref, options) => (await import('./end.ts')).remove(context, ref, options ?? {}),
    unlink: async (path) => (await import('./unlink.ts')).unlink(context, path),
    wait: async (ref) => (await import('./end.ts')).wait(context, ref),
    checkHealth: async (ref) => (await import('../health/run.ts')).checkHealthNow(context, ref),
    why: async (ref) => (await import('./query.ts')).why(context, ref),
    diff: async (ref) => (await import('./changes.ts')).diff(context, ref),
    async *export(ref, signal) {
      const { exportTree } = await import('./changes.ts');
      yield* exportTree(context, ref, signal);
    },
    async commit(ref, name, options) {
      checkIds('commit a container');
      return await (await import('./changes.ts')).commit(context, ref, name, options ?? {});
    },
    mount: async (ref) => (await import('../mount/container-mount.ts')).mountContainer(context, ref),
    unmount: async (ref, options) =>
      (await import('../mount/container-mount.ts')).unmountContainer(context, ref, options?.force === true),
    mounted: async () => (await import('../mount/container-mount.ts')).mountedContainers(context),
    clone: async (ref, options) => (await import('./clone.ts')).cloneContainer(context, ref, options ?? {}),
    copy: async (from, to, options) => (await import('../copy/copy.ts')).copy(context, from, to, options ?? {}),
    checkpoint: async (ref, name, options) =>
      (await import('../checkpoint/checkpoint.ts')).createCheckpoint(context, ref, name, options ?? {}),
    checkpoints: async (ref, place) =>
      (await import('../checkpoint/checkpoint.ts')).listCheckpoints(context, ref, place ?? {}),
    removeCheckpoint: async (ref, name, place) =>
      (await import('../checkpoint/checkpoint.ts')).removeCheckpoint(context, ref, name, place ?? {}),
    explain: async (options) => (await import('./explain.ts')).explain(context, options),
  };
}
