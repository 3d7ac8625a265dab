/**
 * The records of the public API. Values are parsed: below the faces no size, port, mount or duration is a string
 * (STYLE B2). One record says what a container is asked to be (`ContainerOptions`); it is stored as it is, and the
 * OCI config.json is derived from it, the image and the machine at each start.
 */
import type { Digest } from '../oci/digest.ts';
import type { HealthOptions, HealthStatus } from './types/health.ts';
import type { LogConfig } from './types/log.ts';
import type { ImageMount } from './types/mount.ts';
import type { ContainerLink, JoinedContainer, NetworkMode } from './types/namespace.ts';
import type { Resources } from './types/resources.ts';
import type { RootDirectory } from './types/rootfs.ts';
import type { LabelOptions, SelinuxLabels } from './types/selinux.ts';
import type { IdMaps, UserNamespaceMode } from './types/user-namespace.ts';

export type * from './types/listing.ts';
export type * from './types/mount.ts';
export type * from './types/resources.ts';
export type * from './types/rootfs.ts';
export type * from './types/sample.ts';
export type * from './types/selinux.ts';
export type * from './types/user-namespace.ts';

declare const brand: unique symbol;
/** 64 hexadecimal digits. */
export type ContainerId = string & { readonly [brand]: 'container' };

export type { ContainerLink, JoinedContainer, NetworkMode } from './types/namespace.ts';

import type { Inherited } from './types/inherited.ts';
import type { SecretUse } from './types/secret.ts';

export type BindMount = {
  readonly type: 'bind';
  /** Absolute host path; made as a directory if missing. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly propagation: 'rprivate' | 'private' | 'rslave' | 'slave' | 'rshared' | 'shared';
  /** What is mounted below the source stays behind, or comes along and stays writable. Absent: it comes along, as the bind is. */
  readonly submounts?: 'none' | 'writable';
  /** Give all of it to the container's user, at each start. */
  readonly chown?: boolean;
  /** Give it, at each start, the SELinux label of the container, or one that all containers may use. */
  readonly relabel?: 'shared' | 'private';
  /** Asked for by `--mount`: `inspect` tells of it apart from what `-v` and `--tmpfs` ask for. */
  readonly byMount?: true;
};

export type TmpfsMount = {
  readonly type: 'tmpfs';
  readonly target: string;
  readonly options: string;
  /** As with a bind. */
  readonly byMount?: true;
};

/** A directory of the store that outlives containers. */
export type VolumeMount = {
  readonly type: 'volume';
  /** Made if there is none of that name; absent: an anonymous volume, which gets one. */
  readonly name?: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Let an empty volume begin as a copy of what the image has there. */
  readonly copy: boolean;
  /** Path inside the volume that is mounted instead of all of it; must be there. */
  readonly subpath?: string;
  /** As with a bind. */
  readonly chown?: boolean;
  /** As with a bind; absent: shared, when it is not yet. */
  readonly relabel?: 'shared' | 'private';
  /** As with a bind. */
  readonly byMount?: true;
  /** For one that is made. */
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
};

export type PortMapping = {
  /** Address of the host: "" for all, "0.0.0.0" for all of IPv4, "::" for all of IPv6. */
  readonly hostIp: string;
  /** 0: any free port. */
  readonly hostPort: number;
  /** The first free port from `hostPort` up to this one, at each start. */
  readonly lastHostPort?: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
};

/** rlimit by its Docker name ("nofile"); -1n is unlimited. */
export type Ulimit = { readonly name: string; readonly soft: bigint; readonly hard: bigint };

/** A profile in Docker's JSON, whose rules depend on capabilities, architecture and kernel; not looked at yet. */
export type SeccompTemplate = { readonly template: unknown };

/** What a container may be told to protect less, or more. */
export type SecurityOptions = {
  readonly noNewPrivileges?: boolean;
  /** Absent: the default profile; null: none. */
  readonly seccomp?: SeccompTemplate | null;
  /** "unconfined" for none. */
  readonly apparmor?: string;
  /** Labels of SELinux; needs a machine where it is on. */
  readonly label?: LabelOptions;
  /** Show all of /proc and /sys: nothing masked or read-only. */
  readonly systemPathsVisible?: boolean;
  /** Paths to mask besides the usual ones. */
  readonly mask?: readonly string[];
  /** Paths not to mask or make read-only; ["ALL"] is all of them. */
  readonly unmask?: readonly string[];
};

/** A device of the host, or a directory of them. */
export type DeviceMapping = {
  readonly source: string;
  readonly target: string;
  /** Of r, w and m. */
  readonly access: string;
};

export type RestartPolicy = {
  readonly name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** Of `on-failure`; 0 for no limit. */
  readonly maximumRetries: number;
};

export type ContainerOptions = {
  /** As the user wrote it; "host" is the machine itself. */
  readonly image: string;
  /** No image: `image` is its path, as the user wrote it. */
  readonly rootfs?: RootDirectory;
  readonly name?: string;
  /** Arguments after the image: replace the image's Cmd. */
  readonly command?: readonly string[];
  /** Replaces the image's Entrypoint (and drops its Cmd); [] clears it. */
  readonly entrypoint?: readonly string[];
  /** "NAME=value"; "NAME" alone removes what the image or onggi would set. */
  readonly env?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  /** Root only: a user namespace of these ids. Absent: the ids of the machine. An ordinary user's has the ids it is granted. */
  readonly idMaps?: IdMaps;
  /** Most bytes that its writable layer may take on the disk. */
  readonly storageSize?: number;
  /** What `idMaps` come from: set by the engine when it makes the container. */
  readonly userNamespace?: UserNamespaceMode;
  /** Set by the engine when it makes the container, where SELinux is on. */
  readonly selinux?: SelinuxLabels;
  /** Of its link, with the network "bridge": "02:42:ac:11:00:02". Absent: one that follows from its address. */
  readonly macAddress?: string;
  /** Of 169.254.0.0/16, on its link too, with the network "bridge". */
  readonly linkLocalAddresses?: readonly string[];
  readonly hostname?: string;
  readonly domainname?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  /** `-i`: keep stdin open. */
  readonly stdin?: boolean;
  /** What its maker meant to attach to, for `inspect` to tell. */
  readonly attached?: readonly ('stdin' | 'stdout' | 'stderr')[];
  readonly autoRemove?: boolean;
  /** Absent: it stays ended. Not together with `autoRemove`. */
  readonly restart?: RestartPolicy;
  readonly health?: HealthOptions;
  /** One on each path. */
  readonly mounts?: readonly (BindMount | TmpfsMount | VolumeMount | ImageMount)[];
  /** Paths that get a volume without a name where nothing else is mounted, as an image's own do. */
  readonly volumes?: readonly string[];
  /** Containers whose binds and volumes this one gets too, on places that it has nothing on; the last of them first. */
  readonly volumesFrom?: readonly { readonly container: string; readonly readOnly: boolean | null }[];
  readonly network?: NetworkMode;
  readonly ports?: readonly PortMapping[];
  readonly resources?: Resources;
  /** The cgroup above the container's, in each hierarchy; "/onggi" below the engine's if absent. */
  readonly cgroupParent?: string;
  /** -1000 to 1000: whom the kernel kills first when the machine has no memory left. */
  readonly oomScoreAdj?: number;
  /** "80/tcp": ports that the container listens on, besides those that the image names. */
  readonly exposed?: readonly string[];
  /** Publish all of them, each on any free port of the host. */
  readonly publishAll?: boolean;
  /** Bytes of /dev/shm. */
  readonly shmSize?: number;
  /** Further groups, by name in the image or by number. */
  readonly groups?: readonly string[];
  readonly security?: SecurityOptions;
  readonly devices?: readonly DeviceMapping[];
  /** Of the Container Device Interface: vendor/class=name. */
  readonly cdiDevices?: readonly string[];
  /** `host`: the machine's own instead of one of the container's. */
  readonly pidMode?: 'host' | JoinedContainer;
  readonly ipcMode?: 'host' | 'none' | 'private' | 'shareable' | JoinedContainer;
  readonly utsMode?: 'host' | JoinedContainer;
  /** Containers whose addresses it knows by name. */
  readonly links?: readonly ContainerLink[];
  readonly cgroupnsMode?: 'host' | 'private';
  /** Lines of /etc/hosts; the address "host-gateway" is that of the machine. */
  readonly extraHosts?: readonly { readonly name: string; readonly address: string }[];
  /** Containers that are started before it. */
  readonly requires?: readonly string[];
  /** Given to it as they are when it is made. */
  readonly secrets?: readonly SecretUse[];
  /** Replace what resolv.conf has of the host. */
  readonly dns?: {
    readonly servers?: readonly string[];
    readonly search?: readonly string[];
    readonly options?: readonly string[];
  };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly readOnly?: boolean;
  /** Names without CAP_, or ALL. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly privileged?: boolean;
  readonly init?: boolean;
  /** Absolute path of a program of the host, which is that init in the place of ours. */
  readonly initPath?: string;
  /** The first process is a systemd, and gets what that wants; absent: when its command is that of one. */
  readonly systemd?: 'always' | 'never';
  /** Program of another OCI runtime that makes it: a name in PATH or an absolute path; onggi itself if absent. */
  readonly runtime?: string;
  /** Who tells the service manager at NOTIFY_SOCKET that it is ready; ignore if absent. */
  readonly sdnotify?: 'container' | 'conmon' | 'healthy' | 'ignore';
  readonly stopSignal?: string;
  /** Seconds before SIGKILL. */
  readonly stopTimeout?: number;
  readonly ulimits?: readonly Ulimit[];
  readonly sysctls?: Readonly<Record<string, string>>;
  /** json-file, or what ONGGI_LOG_DRIVER says, if absent. */
  readonly log?: LogConfig;
  /** Size of the terminal at start. */
  readonly consoleSize?: { readonly rows: number; readonly columns: number };
};

export type ContainerStatus = 'created' | 'initialized' | 'running' | 'paused' | 'exited' | 'restarting';

export type ContainerSummary = {
  readonly id: ContainerId;
  readonly name: string;
  readonly image: string;
  readonly imageId: Digest | null;
  readonly command: readonly string[];
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly status: ContainerStatus;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** Null without a health check, and before it runs for the first time. */
  readonly health: HealthStatus | null;
  readonly exitCode: number | null;
  readonly ports: readonly PortMapping[];
  /** The image's and the user's, who has the last word. */
  readonly labels: Readonly<Record<string, string>>;
  readonly terminal: boolean;
  /** It was made with an input that stays open. */
  readonly stdin: boolean;
  readonly networkMode: NetworkMode;
  readonly address: string | null;
  readonly pid: number | null;
  /** Names of volumes and paths of binds. */
  readonly mounts: readonly string[];
  /** Where in the container those are. */
  readonly destinations: readonly string[];
  /** "80/tcp": ports that it listens on, as its options and its image say, published or not. */
  readonly exposed: readonly string[];
  /** Bytes of its writable layer, and of its image with it; only where they were asked for. */
  readonly size?: { readonly writable: number; readonly virtual: number };
};

/** What ended a container, as its shim recorded it. */
export type Ending = {
  readonly exitCode: number;
  /** Signal number that killed the init, 0 for none. */
  readonly signal: number;
  readonly oom: 'cgroup' | 'host' | null;
  readonly coreDumped: boolean;
  /** The step that failed, when the command never ran. */
  readonly failure: string | null;
  /** Who sent the last signal that passed through the shim. */
  readonly sender: { readonly pid: number; readonly uid: number; readonly signal: number } | null;
  /** Milliseconds since the epoch. */
  readonly finishedAt: number;
  /** The shim died before it could record: these values are what was found afterwards. */
  readonly lost: boolean;
};

export type Why = {
  readonly container: ContainerSummary;
  readonly ending: Ending | null;
  /** One sentence each, ready to print. */
  readonly sentences: readonly string[];
  readonly lastLines: readonly LogEntry[];
};

export type LogEntry = {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds, as in the log file. */
  readonly time: string;
  /** Text as written, with its newline unless the line was partial. */
  readonly text: string;
  /** Labels and variables that the log driver was told to note. */
  readonly attributes?: Readonly<Record<string, string>>;
};

export type LogQuery = {
  readonly follow?: boolean;
  readonly tail?: number;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** Only for bytes: each entry after its time and a space. */
  readonly timestamps?: boolean;
};

/** Output of a container as it was written. */
export type LogChunk = { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array };

export type ExecOptions = {
  readonly command: readonly string[];
  /** "NAME=value"; "NAME" alone removes a variable of the container's. */
  readonly env?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly terminal?: boolean;
  readonly stdin?: boolean;
  readonly privileged?: boolean;
  readonly consoleSize?: { readonly rows: number; readonly columns: number };
  readonly inherit?: Inherited;
  /** Called when nothing is left to do but to wait for the process. */
  readonly waiting?: () => void;
};

/**
 * A live connection to the stdio of a container or an exec'd process. Output that nobody reads stops the writer
 * (backpressure), it is never dropped. `close()` leaves the process running.
 */
export interface Session extends AsyncDisposable {
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }>;
  write(bytes: Uint8Array): Promise<void>;
  closeStdin(): void;
  resize(rows: number, columns: number): void;
  signal(signal: number): void;
  /** Resolves when the process has ended and all its output was delivered. Rejects when it never ran. */
  readonly exit: Promise<Ending>;
  /** `detached`: somebody has left it by himself, which is told in the events. */
  close(why?: 'detached'): void;
}

export type VolumeOptions = {
  /** Absent: an anonymous one. */
  readonly name?: string;
  /** Of the driver "local", as mount(8) takes them: `type`, `device`, `o`. Absent: a plain directory. */
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
};

export type VolumeSummary = {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly anonymous: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Absolute path on the host. */
  readonly mountPoint: string;
  /** Some container has it. */
  readonly used: boolean;
};

export type ImageSummary = {
  readonly id: Digest;
  /** Familiar names ("alpine:latest"); empty when untagged. */
  readonly names: readonly string[];
  /** What registries know it by: "alpine@sha256:..."; empty when it was made here. */
  readonly digests: readonly string[];
  readonly created: number;
  /** Bytes of the unpacked layers. */
  readonly size: number;
  readonly containers: number;
};

export type { LayerEvent } from '../image/stage-layers.ts';
export type { LookOptions, SeenImage, SeenTags } from './image/look.ts';
export type { ListedPlatform } from './image/manifest-lists.ts';
export type { SyncAsk, SyncEvent, SyncList } from './image/sync.ts';
export type { CopyImageOptions } from './image/transfer.ts';
export type { RegistryOptions } from './registry/registry-access.ts';
export type * from './types/checkpoint.ts';
export type * from './types/clone.ts';
export type * from './types/copy.ts';
export type * from './types/event.ts';
export type * from './types/health.ts';
export type * from './types/inherited.ts';
export type * from './types/log.ts';
export type * from './types/secret.ts';
export type * from './types/transfer.ts';

/** Something that could not be had and was gone without; faces print it once. */
export type Warning = { readonly message: string };
