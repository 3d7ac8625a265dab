/** Steps of the init about the process that it becomes: limits, identity, scheduling, filters, and the exec itself. */

export type ProcessStep =
  | {
      readonly op: 'rlimit';
      /** RLIMIT_* number and word. */
      readonly resource: number;
      readonly name: string;
      readonly soft: bigint;
      readonly hard: bigint;
    }
  | { readonly op: 'oom-score-adj'; readonly value: number; readonly optional: boolean }
  /** Writes a file of the host: JSON whose user, with its groups, is looked up in the root as by `identity`. */
  | {
      readonly op: 'config';
      readonly path: string;
      readonly user: string;
      readonly group: string | null;
      readonly additionalGroups: readonly string[];
      readonly primaryGroup: boolean;
      readonly before: string;
      readonly after: string;
    }
  | { readonly op: 'no-new-privileges' }
  | { readonly op: 'umask'; readonly mask: number }
  /**
   * Identity by the container's own /etc/passwd and /etc/group, read with bounds after pivot (`docker run -u`).
   * `user` is name or number, `group` name, number or null. Sets HOME in the environment when it is not set.
   * Capabilities are applied in the same step, because they straddle setuid (capabilities(7)).
   */
  | {
      readonly op: 'identity';
      readonly user: string;
      readonly group: string | null;
      readonly additionalGroups: readonly string[];
      /** The primary group belongs to the supplementary ones too; else these are exactly `additionalGroups`. */
      readonly primaryGroup: boolean;
      readonly capabilities: CapabilitySets;
    }
  /** sched_setattr(2); times in nanoseconds. */
  | {
      readonly op: 'scheduler';
      readonly policy: number;
      readonly name: string;
      readonly flags: bigint;
      readonly words: readonly string[];
      readonly nice: number;
      readonly priority: number;
      readonly runtime: bigint;
      readonly deadline: bigint;
      readonly period: bigint;
    }
  /** ioprio_set(2). */
  | { readonly op: 'io-priority'; readonly class: number; readonly name: string; readonly level: number }
  /** set_mempolicy(2); `mode` with its flags, bit n of `mask` is node n, empty for none. */
  | { readonly op: 'memory-policy'; readonly mode: number; readonly mask: Uint8Array; readonly words: string }
  /** personality(2). */
  | { readonly op: 'personality'; readonly persona: number; readonly name: string }
  /** The profile or label that the exec changes to, written through a procfs that nobody else can reach. */
  | { readonly op: 'apparmor'; readonly profile: string }
  | { readonly op: 'selinux'; readonly label: string }
  /** Filters of seccomp(2): classic BPF instructions (8 bytes each, struct sock_filter, host byte order). */
  | {
      readonly op: 'seccomp';
      /** SECCOMP_FILTER_FLAG_*; NEW_LISTENER is among them exactly when there is a listener. */
      readonly flags: number;
      readonly program: Uint8Array;
      readonly what: string;
      /**
       * The agent that answers for SCMP_ACT_NOTIFY: a unix stream socket on the host. It gets `state`, with the
       * process id in place of each U+0001, and the listener's descriptor before the process makes another call.
       */
      readonly listener: { readonly path: string; readonly state: string } | null;
    }
  /** Working directory of the process; made (mode 0755, uid 0) when missing and `create`. Checked to lie in the root. */
  | { readonly op: 'working-directory'; readonly path: string; readonly create: boolean }
  /** Resolves argv[0] by PATH of `env`; errno ENOENT or EACCES are the 127 and 126 of the command line. */
  | { readonly op: 'find-executable'; readonly command: string }
  /** Reports "created" to the keeper and waits for "start", of the keeper or by the start fifo. */
  | { readonly op: 'wait-start' }
  | {
      readonly op: 'exec';
      readonly argv: readonly string[];
      readonly env: readonly string[];
      /** Stay as pid 1, fork the command, reap orphans and forward signals (`docker run --init`). */
      readonly reaper: boolean;
      /** The program as which it stays then, if it can be executed: a path of the container. */
      readonly initPlace?: string;
    };

export type CapabilitySets = {
  /** Bit sets, bit n is capability n of <linux/capability.h>. */
  readonly bounding: bigint;
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly ambient: bigint;
};
