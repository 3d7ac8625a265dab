/** Numbers of the plan's binary form; native/plan/plan.h has the same, and a test compares the two. */
import type { MountAttributes, NamespaceType, Op } from './steps.ts';

/** enum plan_phase */
export const phaseNumbers = { keeper: 0, prepare: 1, attach: 2, init: 3, cleanup: 4 } as const;
export type Phase = keyof typeof phaseNumbers;

/** enum plan_op: the records of the phase "keeper". */
export const keeperOpNumbers = {
  shim: 1,
  clone: 2,
  join: 3,
  launcher: 4,
  health: 5,
  runtime: 6,
  restore: 7,
} as const;

/** enum plan_op: the steps. */
export const opNumbers = {
  'cgroup-create': 16,
  write: 17,
  'cgroup-device': 18,
  ports: 19,
  'id-map': 32,
  netlink: 33,
  'inner-netlink': 35,
  'inner-sysctl': 36,
  hook: 34,
  propagation: 64,
  overlay: 65,
  'root-bind': 66,
  'enter-root': 67,
  mount: 68,
  bind: 69,
  'cgroup-mount': 70,
  mkdir: 71,
  symlink: 72,
  mknod: 73,
  'pivot-root': 74,
  'root-attributes': 75,
  mask: 76,
  readonly: 77,
  sysctl: 78,
  hostname: 79,
  domainname: 80,
  'unshare-cgroup': 81,
  console: 82,
  rlimit: 83,
  'oom-score-adj': 84,
  'no-new-privileges': 85,
  umask: 86,
  identity: 87,
  seccomp: 88,
  'working-directory': 89,
  'find-executable': 90,
  'wait-start': 91,
  exec: 92,
  scheduler: 96,
  'io-priority': 97,
  'cpu-affinity': 98,
  personality: 99,
  apparmor: 100,
  selinux: 101,
  remount: 102,
  'memory-policy': 103,
  config: 104,
  'network-descriptor': 105,
  'criu-descriptors': 106,
  'runtime-hooks': 112,
  'move-root': 113,
  'cgroup-remove': 128,
} as const satisfies Record<Op, number>;

/** <linux/sched.h> */
export const cloneFlags: Readonly<Record<NamespaceType, number>> = {
  time: 0x0000_0080,
  mnt: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  net: 0x4000_0000,
};

/** enum health_action */
export const healthActionNumbers = { none: 0, kill: 1, run: 2 } as const;

/** enum hook_kind */
export const hookKindNumbers = { prestart: 0, createRuntime: 1, createContainer: 2, startContainer: 3 } as const;

/** Of a mount whose attributes don't change. */
export const noAttributes: MountAttributes = { set: 0, clear: 0, words: [] };

/** enum log_driver of native/log/log-config.h */
export const logDriverNumbers = {
  'json-file': 1,
  local: 2,
  'k8s-file': 3,
  journald: 4,
  syslog: 5,
  fluentd: 6,
  gelf: 7,
} as const;

/** enum log_transport of native/log/log-config.h */
export const logTransportNumbers = { udp: 1, tcp: 2, stream: 3, datagram: 4, tls: 5 } as const;
