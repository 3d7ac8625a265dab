/**
 * What a conformance bundle is: a config.json, what the specification wants a container to see of itself with it, and
 * the differences between the runtimes that are known. Data only; run-bundle.ts runs them.
 */
import type { Linux, Mount, Process, Spec } from '../../src/oci/runtime-spec.ts';
import type { Need } from '../harness/requires.ts';

export const runtimes = ['onggi', 'runc', 'crun'] as const;
export type RuntimeName = (typeof runtimes)[number];

/** The versions that the known differences were seen with; those of Debian 12. */
export const measured = { runc: '1.1.5', crun: '1.8.1' } as const;

/** A path of a view ("mounts./dev.fstype") and what stands there. */
export type Fields = Readonly<Record<string, string | number | boolean | null>>;

/** A field in which one runtime is known not to agree with the others, or not to do what `expect` says. */
export type Difference = {
  readonly runtime: RuntimeName;
  /** A field; `*` stands for any characters. */
  readonly field: string;
  readonly why: string;
  /** It depends on who is faster, so that it need not be seen. */
  readonly sometimes?: boolean;
};

/** A field that came into the specification after the measured version of the runtime. */
export function predates(runtime: 'runc' | 'crun', field: string): readonly Difference[] {
  return [{ runtime, field, why: `${runtime} ${measured[runtime]} is older than this part of the specification` }];
}

/** Where a bundle is run, for the paths in it. */
export type Place = {
  /** Of the container; the same for all runtimes. */
  readonly id: string;
  /** Path of the bundle. Its root file system is `rootfs`. */
  readonly bundle: string;
  /** A process that lives in namespaces of its own, to be joined: `/proc/PID/ns`. */
  readonly namespaces: string;
  /** Some disk of the machine. */
  readonly disk: { readonly major: number; readonly minor: number };
  /** Below each hierarchy, for cgroupsPath. */
  readonly cgroup: string;
};

export type Bundle = {
  readonly name: string;
  /** Where the specification says it: "config.md#user". */
  readonly section: string;
  /** What it is about, as the table of the documentation says it. */
  readonly about: string;
  spec(place: Place): Spec;
  /**
   * `run` (when absent); `create`, then start and delete, with the state documents in the view; `console`: create with
   * a console socket.
   */
  readonly life?: 'run' | 'create' | 'console';
  /** Shell lines that run as root in the mount namespace of the runtime, in the directory of the bundle. */
  readonly setup?: string;
  /** What it needs of the machine. */
  readonly needs?: readonly Need[];
  /** What the specification demands of the view, by field. */
  readonly expect: Fields;
  /** Runtimes that refuse it, with the reason. */
  readonly refused?: Readonly<Partial<Record<RuntimeName, string>>>;
  readonly differences?: readonly Difference[];
};

export const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'] as const;

const hidden = ['nosuid', 'noexec', 'nodev'] as const;

/** What `spec` of each runtime writes, and mounts by the same words for all of them. */
export const mounts: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...hidden, 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: hidden },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...hidden, 'ro'] },
];

/** The cgroup of the container, as its mount namespace shows it. */
export const cgroupMount: Mount = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: [...hidden, 'relatime', 'ro'],
};

export type Wish = Omit<Partial<Spec>, 'process' | 'linux' | 'mounts'> & {
  /** What the probe is asked beside its report: `stat:/dev/null`, `native:39`. */
  readonly ask?: readonly string[];
  readonly process?: Partial<Process>;
  readonly linux?: Partial<Linux>;
  /** After the usual ones. */
  readonly mounts?: readonly Mount[];
};

/** A config.json that runs the probe; what the wish does not name is as runtimes' `spec` commands write it. */
export function specOf(wish: Wish): Spec {
  const { ask, process, linux, mounts: more, ...rest } = wish;
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    hostname: 'conformance',
    ...rest,
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/onggi-probe', 'report', ...(ask ?? [])],
      env: ['PATH=/usr/bin:/bin', 'TERM=xterm', 'HOME=/root'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 1024 }],
      noNewPrivileges: true,
      ...process,
    },
    mounts: [...mounts, ...(more ?? [])],
    linux: {
      namespaces: [
        { type: 'pid' },
        { type: 'network' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        { type: 'cgroup' },
      ],
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      ...linux,
    },
  };
}
