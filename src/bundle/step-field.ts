/** Which field of config.json a step that failed was made for. Pure. */

import type { StepReport } from '../kernel/frame.ts';
import { errnoName } from '../oci/errno.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { stepAt } from '../runtime/plan/step-error.ts';
import type { Op, Plan, Step } from '../runtime/plan/steps.ts';
import { sysctlPath } from '../runtime/plan/sysctl.ts';

/** Steps that a field of their own asks for. Hooks name theirs themselves. */
const fields: Partial<Readonly<Record<Op, string>>> = {
  'cgroup-create': 'linux.cgroupsPath',
  'cgroup-device': 'linux.resources.devices',
  'id-map': 'linux.uidMappings',
  'inner-netlink': 'linux.netDevices',
  'inner-sysctl': 'linux.sysctl',
  propagation: 'linux.rootfsPropagation',
  'root-bind': 'root.path',
  'enter-root': 'root.path',
  'root-attributes': 'root.readonly',
  'cgroup-mount': 'mounts',
  hostname: 'hostname',
  domainname: 'domainname',
  'memory-policy': 'linux.memoryPolicy',
  personality: 'linux.personality',
  console: 'process.terminal',
  'oom-score-adj': 'process.oomScoreAdj',
  scheduler: 'process.scheduler',
  'io-priority': 'process.ioPriority',
  'cpu-affinity': 'process.execCPUAffinity',
  apparmor: 'process.apparmorProfile',
  selinux: 'process.selinuxLabel',
  seccomp: 'linux.seccomp',
  identity: 'process.user',
  umask: 'process.user.umask',
  'no-new-privileges': 'process.noNewPrivileges',
  'working-directory': 'process.cwd',
};

/** @returns undefined for what no field asks for, and for the command, whose errors engines know by their words */
export function fieldOfStep(report: StepReport, plan: Plan, spec: Spec): string | undefined {
  const step = stepAt(plan, report.step);
  // No step: the spawn, or what belongs to it.
  return step === undefined ? fieldOfSpawn(report.text, spec) : (fieldOfEntry(step, report, spec) ?? fields[step.op]);
}

/** The spawn tells in words which of its parts failed (native/shim/join.c, spawn.c). */
function fieldOfSpawn(text: string, { linux }: Spec): string | undefined {
  const joined = (linux?.namespaces ?? []).findIndex(({ path }) => path && text.includes(`"${path}"`));
  if (joined >= 0) return `linux.namespaces[${joined}].path`;
  if (text.includes('offset of clock')) return 'linux.timeOffsets';
  if (text.includes('keyring')) return 'process.selinuxLabel';
  return text.includes('user namespace') ? 'linux.uidMappings' : undefined;
}

/** Of a list or a table, its item. */
function fieldOfEntry(step: Step, report: StepReport, { mounts, linux, process }: Spec): string | undefined {
  switch (step.op) {
    case 'mount':
    case 'bind':
    case 'remount':
    case 'cgroup-mount': {
      if (linux?.mountLabel && / with options? "(?:[^"]*,)?context=/.test(report.text)) return 'linux.mountLabel';
      const mount = place('mounts', mounts, ({ destination }) => absolute(destination) === step.target);
      return mount && `${mount}${partOfMount(step.op, report)}`;
    }
    case 'mknod':
      return place('linux.devices', linux?.devices, ({ path }) => path === step.path);
    case 'mask':
      return place('linux.maskedPaths', linux?.maskedPaths, (path) => path === step.path);
    case 'readonly':
      return place('linux.readonlyPaths', linux?.readonlyPaths, (path) => path === step.path);
    case 'rlimit':
      return place('process.rlimits', process?.rlimits, ({ type }) => type === `RLIMIT_${step.name.toUpperCase()}`);
    case 'sysctl': {
      const name = Object.keys(linux?.sysctl ?? {}).find((given) => sysctlPath(given) === step.name);
      return name && `linux.sysctl["${name}"]`;
    }
    case 'write':
      return step.path.endsWith('cgroup.subtree_control') ? 'linux.cgroupsPath' : 'linux.resources';
    default:
      return undefined;
  }
}

/** Words of native/step/mount.c and bind.c. */
function partOfMount(op: Op, { errno, text }: StepReport): string {
  if (/ with options? "/.test(text)) return '.options';
  if (errnoName(errno) === 'ENODEV') return '.type';
  if (text.includes(' on "')) return '.destination';
  if (op === 'mount') return text.includes(' of "') ? '.source' : '.type';
  return op === 'bind' ? '.source' : '.destination';
}

function place<T>(list: string, items: readonly T[] | undefined, isIt: (item: T) => boolean): string | undefined {
  // The last one: of two mounts on one place it is more often the later that fails.
  const index = (items ?? []).findLastIndex(isIt);
  return index < 0 ? undefined : `${list}[${index}]`;
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
