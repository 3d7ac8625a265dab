/**
 * The vocabulary of plans: every kernel step that onggi knows, as plain data.
 *
 * A plan is a flat, ordered list. `encode.ts` turns it into the bytes that `native/plan/plan.h` describes, `explain.ts`
 * into words; both are total over this union, so a step that can't be encoded or explained does not compile.
 * Steps carry no policy: whoever compiles the plan has decided everything (DESIGN 2.3).
 *
 * Phases, in the order of their execution:
 *
 *   prepare   the keeper, on the host, before the container exists (cgroup directories and limits)
 *   spawn     the keeper clones the init with all namespaces at once, or joins those of a running container
 *   attach    the keeper, on the host, while the init waits (id maps, the host's end of a veth pair); its hooks only
 *             when the init has come to `runtime-hooks`
 *   init      the init, inside its namespaces, up to and including exec
 *   cleanup   the keeper, after the init has ended or could not be made (cgroup directories)
 *
 * The keeper is the parent of the init: a shim, or a launcher.
 */
import type { NetlinkStep } from '../../kernel/netlink-step.ts';
import type { PortsStep } from '../../kernel/ports-step.ts';
import type { ForeignRuntime, HealthCheck, Keeper, Restoration } from './keeper.ts';
import type { ProcessStep } from './process-steps.ts';

export type {
  ForeignRuntime,
  HealthCheck,
  Keeper,
  LauncherOptions,
  LogFile,
  LogServer,
  LogTarget,
  OomSource,
  Restoration,
  ShimOptions,
} from './keeper.ts';

/** Flags of mount(2) (MS_*), as a number, with the words they came from kept for `explain`. */
export type MountFlags = { readonly bits: number; readonly words: readonly string[] };

/** Attributes of mount_setattr(2) (MOUNT_ATTR_*). */
export type MountAttributes = {
  readonly set: number;
  readonly clear: number;
  readonly words: readonly string[];
};

/** Ids of an id-mapped mount: by these maps, or when null by those of the container's own user namespace. */
export type BindMapping = {
  readonly maps: { readonly uid: readonly IdMapping[]; readonly gid: readonly IdMapping[] } | null;
  /** Of the submounts too. */
  readonly recursive: boolean;
};

/**
 * The keeper makes it, since the init, root of a user namespace only, has no way to the store; `mapped`: with the ids of that
 * user namespace, because on the disk the files have those of the container (mount_setattr(2), MOUNT_ATTR_IDMAP; for
 * overlayfs Linux 5.19).
 */
export type ByKeeper = 'plain' | 'mapped';

export type PrepareStep =
  /**
   * mkdir -p below a mounted cgroup hierarchy; existing directories are taken as they are. A new v1 cpuset, which is
   * empty and would take no process (cpuset(7)), gets the CPUs and memory nodes of the one above it. `mark` becomes its
   * extended attribute trusted.onggi.container, or user.onggi.container, where the kernel keeps such.
   */
  | { readonly op: 'cgroup-create'; readonly path: string; readonly mark?: string }
  /**
   * Writes `value` to a host file that must exist; where it does not, `fallback` is written instead. `optional`: on
   * failure warn with `what` and go on.
   */
  | {
      readonly op: 'write';
      readonly path: string;
      readonly value: string;
      readonly what: string;
      readonly optional: boolean;
      readonly fallback?: { readonly path: string; readonly value: string };
    }
  /**
   * Attaches a BPF_PROG_TYPE_CGROUP_DEVICE program (eBPF instructions, 8 bytes each, host byte order) to the cgroup
   * directory `path` of the unified hierarchy (cgroup-v2.rst, "Device controller"). `what` says the rules in words.
   */
  | { readonly op: 'cgroup-device'; readonly path: string; readonly program: Uint8Array; readonly what: string }
  | PortsStep
  | CpuAffinityStep;

/** Both of the shim, whose children inherit it, and of the init. Bit n of `mask` is CPU n; `list` is how it was asked. */
export type CpuAffinityStep = { readonly op: 'cpu-affinity'; readonly mask: Uint8Array; readonly list: string };

export const namespaceTypes = ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'user', 'time'] as const;
export type NamespaceType = (typeof namespaceTypes)[number];

/** How the init comes to be. */
export type Spawn =
  | {
      readonly kind: 'clone';
      /** New namespaces. `cgroup` is unshared by the init after it has joined its cgroups (cgroup_namespaces(7)). */
      readonly namespaces: readonly NamespaceType[];
      /**
       * Namespaces entered by path (setns(2)) before the clone, each checked to be one of that type. `foreign`: and not
       * to be the keeper's own, because its parameters are about to be set.
       */
      readonly join: readonly { readonly type: NamespaceType; readonly path: string; readonly foreign?: boolean }[];
      readonly cgroups: CgroupPlacement;
      /** Offsets of the new time namespace, as written to timens_offsets (time_namespaces(7)). */
      readonly timeOffsets: readonly {
        readonly clock: 'monotonic' | 'boottime';
        readonly secs: bigint;
        readonly nanosecs: number;
      }[];
      /**
       * Name of the session keyring that it joins (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING), to be made if there is none;
       * absent: a new one, which nobody else can join; null: that of the caller, with the caller's keys (keyrings(7)).
       */
      readonly keyring?: string | null;
    }
  | {
      readonly kind: 'join';
      /** Process whose namespaces are entered, through a pidfd that was checked against `startTime`. */
      readonly pid: number;
      /** Field 22 of /proc/PID/stat, clock ticks since boot: tells a reused pid apart. */
      readonly startTime: bigint;
      readonly namespaces: readonly NamespaceType[];
      readonly cgroups: CgroupPlacement;
      readonly keyring?: string | null;
    };

/** A process that shares all with its keeper but its mounts: another program makes the namespaces. */
export const mountsOfItsOwn: Extract<Spawn, { readonly kind: 'clone' }> = {
  kind: 'clone',
  namespaces: ['mnt'],
  join: [],
  cgroups: { unified: null, legacy: [] },
  timeOffsets: [],
  keyring: null,
};

export type CgroupPlacement = {
  /** Directory in the unified hierarchy: entered at clone (CLONE_INTO_CGROUP). */
  readonly unified: string | null;
  /** Directories in v1 hierarchies: the init writes "0" to their `tasks`, which takes no global lock. */
  readonly legacy: readonly string[];
};

export type IdMapping = { readonly containerId: number; readonly hostId: number; readonly size: number };

/** As `netlink`, but by the keeper in the network namespace of the init: what another runtime makes does no steps. */
export type InnerNetlinkStep = Omit<NetlinkStep, 'op'> & { readonly op: 'inner-netlink' };

/** A parameter of the network, "net/…", set likewise. */
export type InnerSysctlStep = { readonly op: 'inner-sysctl'; readonly name: string; readonly value: string };

export type AttachStep =
  | InnerNetlinkStep
  | InnerSysctlStep
  | {
      readonly op: 'id-map';
      readonly uid: readonly IdMapping[];
      readonly gid: readonly IdMapping[];
      readonly setgroups: boolean;
      /** Programs that write a map for who may not (newuidmap(1), newgidmap(1)): absolute paths, executed as they are. */
      readonly helpers?: { readonly uid: string | null; readonly gid: string | null };
    }
  | NetlinkStep
  | HookStep;

export const hookKinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const;

/**
 * Executes a hook of config.json ("POSIX-platform Hooks") and waits for its end. Failing, or not ending in time, it
 * fails the plan. `prestart` and `createRuntime` are attach steps and run in the namespaces of the keeper; the others
 * are init steps: `createContainer` before `pivot-root`, so its path is the host's, `startContainer` right before
 * `exec`, with the identity of the command.
 */
export type HookStep = {
  readonly op: 'hook';
  readonly kind: (typeof hookKinds)[number];
  /** Place in its list, for messages. */
  readonly index: number;
  readonly path: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: readonly string[];
  /** Seconds after which the hook is killed, with what it has started; null for no limit. */
  readonly timeout: number | null;
  /** The state that it reads from its stdin: JSON, between whose halves the pid is written as the hook sees it. */
  readonly state: { readonly before: string; readonly after: string };
};

export type InitStep =
  /**
   * Propagation of the mount at `path`, or with `holder` of the one that holds it: what is mounted there next has it as
   * its parent. With MS_REC of the whole tree.
   */
  | { readonly op: 'propagation'; readonly path: string; readonly flags: MountFlags; readonly holder?: boolean }
  /**
   * Mounts overlayfs on `target` (a host path, before pivot). `lower` is topmost first; relative names are relative
   * to `directory`, which keeps the option string short (mount(2) takes one page).
   */
  | {
      readonly op: 'overlay';
      readonly directory: string;
      readonly lower: readonly string[];
      readonly upper: string | null;
      readonly work: string | null;
      readonly target: string;
      /** Further options, e.g. `volatile`, `userxattr`. */
      readonly options: readonly string[];
      readonly flags: MountFlags;
      readonly byKeeper?: ByKeeper;
    }
  /** Binds a host directory on itself or elsewhere as the future root (a rootfs without overlay). */
  | { readonly op: 'root-bind'; readonly source: string; readonly target: string; readonly byKeeper?: ByKeeper }
  /**
   * From here on container paths are resolved below `path` with openat2(RESOLVE_IN_ROOT).
   * Must follow the mount of the root and precede every step with a container path.
   */
  | { readonly op: 'enter-root'; readonly path: string }
  /** A file system mount on a container path; a missing mount point directory is made. */
  | {
      readonly op: 'mount';
      readonly fstype: string;
      readonly source: string;
      readonly target: string;
      readonly flags: MountFlags;
      readonly data: string;
      /** On failure warn and go on. */
      readonly optional: boolean;
      /** Of a tmpfs: begin with a copy of what it covers ("tmpcopyup"). Its mode is that of the covered in any case. */
      readonly copyUp?: boolean;
    }
  /**
   * Binds a host path on a container path by open_tree(2) and move_mount(2). A missing mount point is made as a
   * directory or an empty file, whichever the source is. With `mapping` the shim opens the source and maps its ids,
   * which takes privileges over the file system that an init in a user namespace has not.
   */
  | {
      readonly op: 'bind';
      readonly source: string;
      readonly target: string;
      readonly recursive: boolean;
      readonly mapping?: BindMapping | null;
      /** Of the mount itself, then of the whole tree. */
      readonly attributes: MountAttributes;
      readonly treeAttributes?: MountAttributes;
      /** MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE (with MS_REC), 0 for none. */
      readonly propagation: MountFlags;
      /** The source, "/proc/PID/root/...", is a mount that only the mount namespace of that process has. */
      readonly foreign?: boolean;
      /** Make the source a directory if it is missing, as `docker run -v` does. */
      readonly createSource: boolean;
      /** What is bound lies there below the source, none of whose links leads out of it. */
      readonly subpath?: string;
      /** Opened by the shim, as with `mapping`, but as it is. */
      readonly byKeeper?: boolean;
      /** If the source is an empty directory, it begins as a copy of the directory that is about to be covered. */
      readonly copyUp?: boolean;
    }
  /** Changes what is mounted on a container path: attributes as those of a bind, `data` for its file system. */
  | {
      readonly op: 'remount';
      readonly target: string;
      readonly attributes: MountAttributes;
      readonly treeAttributes?: MountAttributes;
      readonly data: string;
    }
  /**
   * The container's own cgroup subtree on `target`, one mount per hierarchy (v1) or one (v2).
   * `unified`: a plain cgroup2 mount; the legacy list are controller groups such as "cpu,cpuacct".
   */
  | {
      readonly op: 'cgroup-mount';
      readonly target: string;
      readonly unified: boolean;
      readonly legacy: readonly {
        readonly name: string;
        readonly options: string;
        readonly links: readonly string[];
      }[];
      readonly flags: MountFlags;
    }
  | { readonly op: 'mkdir'; readonly path: string; readonly mode: number; readonly uid: number; readonly gid: number }
  | { readonly op: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly op: 'mknod';
      readonly path: string;
      readonly type: 'c' | 'b' | 'p';
      readonly major: number;
      readonly minor: number;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  /** pivot_root(2) into the entered root, old root detached; working directory becomes "/". */
  | { readonly op: 'pivot-root' }
  /**
   * In its place where the host's root is a ramfs, which can't be pivoted away (pivot_root(2)): the entered root is
   * moved over "/" and chrooted into. The host's mounts stay below; of them, procfs and sysfs are taken off or covered
   * first, because a process inside could otherwise mount new ones without their masks.
   */
  | { readonly op: 'move-root' }
  /** The network namespace, open at this descriptor (64 to 1023) of what is executed; only `exec` and the next may follow. */
  | { readonly op: 'network-descriptor'; readonly number: number }
  /**
   * One end of a socket whose other one the keeper gets, open at this descriptor (64 to 1023), and at the next two the
   * directories of criu's images and its log.
   */
  | { readonly op: 'criu-descriptors'; readonly number: number; readonly images: string; readonly work: string }
  /** Tells the keeper that the mounts are made, and waits for it to run the hooks of the phase attach. */
  | { readonly op: 'runtime-hooks' }
  | HookStep
  /** Remounts "/" with these attributes (read-only root file system). */
  | { readonly op: 'root-attributes'; readonly attributes: MountAttributes }
  /** Hides a path: /dev/null over a file, an empty read-only tmpfs over a directory; missing paths are skipped. */
  | { readonly op: 'mask'; readonly path: string }
  /** Binds a path on itself read-only; missing paths are skipped. */
  | { readonly op: 'readonly'; readonly path: string }
  /** Writes /proc/sys/NAME ("net/ipv4/ip_forward") through a file descriptor that was checked to be procfs. */
  | { readonly op: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly op: 'hostname'; readonly name: string }
  | { readonly op: 'domainname'; readonly name: string }
  /** Creates the cgroup namespace, rooted at the cgroups that the init has joined. */
  | { readonly op: 'unshare-cgroup' }
  | NetlinkStep
  /** Allocates a pty in the container's devpts, makes it stdio and controlling terminal, sends the master to the shim. */
  | { readonly op: 'console'; readonly rows: number; readonly columns: number; readonly bindConsole: boolean }
  | CpuAffinityStep
  | ProcessStep;

export type CleanupStep =
  /**
   * rmdir of a cgroup directory and its descendants, after killing what is left in it; of the directories above it
   * `above` many, absent for none, go too, where they are empty.
   */
  { readonly op: 'cgroup-remove'; readonly path: string; readonly above?: number };

export type Step = PrepareStep | AttachStep | InitStep | CleanupStep;
export type Op = Step['op'];

export type Plan = {
  readonly keeper: Keeper;
  /** Only of a shim that clones. */
  readonly health?: HealthCheck;
  /** Who makes the container from a bundle, or from a checkpoint; the init steps lead to its `create` or `restore`. Only of a keeper that clones: a checkpoint of any, the other of a shim. */
  readonly runtime?: ForeignRuntime | Restoration;
  readonly prepare: readonly PrepareStep[];
  readonly spawn: Spawn;
  readonly attach: readonly AttachStep[];
  readonly init: readonly InitStep[];
  readonly cleanup: readonly CleanupStep[];
};
