/**
 * OCI config.json to plan: the order of everything that makes a container (runtime.md, "Lifecycle"; the order inside
 * the init follows runc's). Pure: whatever the machine has to say comes in as `CompileContext`.
 *
 * What can't be expressed is refused by name, never left out.
 */
import { OnggiError, unsupported, withField } from '../../errors.ts';
import type { NetlinkStep } from '../../kernel/netlink-step.ts';
import type { PortsStep } from '../../kernel/ports-step.ts';
import type { Unprivileged } from '../../kernel/subordinate-ids.ts';
import type { Linux, Process, Seccomp, Spec } from '../../oci/runtime-spec.ts';
import { everyCapability } from '../capability.ts';
import { type Cgroup, cgroupAt } from '../cgroup/cgroup.ts';
import { type CgroupKeeping, type CgroupSteps, compileCgroup } from '../cgroup/compile.ts';
import type { CgroupLayout } from '../cgroup/hierarchy.ts';
import type { Warn } from '../cgroup/setting.ts';
import type { SeccompArchitecture } from '../seccomp/architecture.ts';
import { type AgentFacts, seccompStep } from '../seccomp/step.ts';
import { processState } from './container-state.ts';
import { compileDevices, hasOwnDevices } from './devices.ts';
import { compileHooks, hasRuntimeHooks, runtimeHooks } from './hooks.ts';
import { type KeeperRequest, keeper } from './keeper-request.ts';
import { compileMounts } from './mounts.ts';
import { compileIdMaps, compileSpawn, type Namespaces, namespacesOf } from './namespaces.ts';
import {
  compileConsole,
  compileLabels,
  compileOomScore,
  compileProcess,
  compileRlimits,
  compileWorkingDirectory,
  type ProcessContext,
} from './process.ts';
import { compileRoot, type RootSource, readOnlyRoot, rootPropagation } from './root.ts';
import { compileAffinity, compileMemoryPolicy, compilePersonality, compileSchedule } from './schedule.ts';
import type { InitStep, InnerNetlinkStep, Plan, Spawn } from './steps.ts';
import { compileSysctls, sysctlNamespaces } from './sysctl.ts';

/** What the compiler has to know of the machine. */
export type HostFacts = {
  readonly cgroups: CgroupLayout;
  /** Effective capabilities of this process, as `capget` has them. */
  readonly capabilities: bigint;
  readonly architecture: SeccompArchitecture;
  /** Absent for root. */
  readonly unprivileged?: Unprivileged;
};

export type { RootSource } from './root.ts';

export type CompileContext = {
  readonly host: HostFacts;
  readonly keeper: KeeperRequest;
  /** Absolute path of the directory that config.json lies in, for hooks and seccomp agents to be told. */
  readonly bundle: string;
  readonly root: RootSource;
  /** Mounted before the root, on places of the host, where only what is bound from there is seen. */
  readonly overlays?: readonly RootSource[];
  /** Where its cgroup is, when that is not simply its cgroupsPath below each hierarchy (`cgroupAt`). */
  readonly cgroup?: Cgroup;
  /** Who looks after those above it. */
  readonly cgroupKeeping?: CgroupKeeping;
  /** Whoever executes the plan puts the container into its class of service; else `linux.intelRdt` is refused. */
  readonly resctrl?: boolean;
  readonly network: {
    readonly prepare?: readonly PortsStep[];
    readonly attach: readonly (NetlinkStep | InnerNetlinkStep)[];
    readonly init: readonly NetlinkStep[];
  };
  /** Bind sources that are made as directories when missing (`docker run -v`). */
  readonly createSources: readonly string[];
  /** Bind sources that are mounts of other containers: "/proc/PID/root/...". */
  readonly foreignSources?: readonly string[];
  /** What config.json can't say of binds that are volumes. */
  readonly volumes?: readonly VolumeBind[];
  readonly reaper: boolean;
  /** Where the container has a program that goes on as the one that reaps. */
  readonly initPlace?: string;
  /** Further groups of the process, names of the image's among them. */
  readonly groups?: readonly string[];
  readonly waitForStart: boolean;
  /** Of `linux.seccomp`, where there is one (`filterOf`); not made here, since few need the compiler of filters. */
  readonly filter?: Uint8Array<ArrayBuffer>;
  /** Move and chroot instead of pivot_root(2), for hosts that run from a ramfs. */
  readonly noPivot?: boolean;
  /** As in the plan (`Spawn`). */
  readonly keyring?: Spawn['keyring'];
};

/** Destination of a bind, as written in config.json; the rest as in its step. */
export type VolumeBind = { readonly target: string; readonly subpath?: string; readonly copyUp: boolean };

/** What could not be had and was gone without, in words, stands beside the plan. */
export type Compiled = { readonly plan: Plan; readonly warnings: readonly string[] };

/**
 * @throws OnggiError `invalid` for a spec that contradicts itself, `unsupported` for a field that can't be done,
 *   each naming the field and its value
 */
export function compile(spec: Spec, context: CompileContext): Compiled {
  const warnings = new Set<string>();
  const warn = (message: string): void => void warnings.add(message);
  const linux = spec.linux ?? {};
  const { process } = spec;
  if (process === undefined) throw new OnggiError('invalid', 'process: it is missing');
  if (context.resctrl !== true) refuse(linux);
  const namespaces = namespacesOf(linux);
  const group =
    context.cgroup ??
    cgroupAt(context.host.cgroups, absolute('linux.cgroupsPath', linux.cgroupsPath ?? `/onggi/${context.keeper.id}`));
  const state = { id: context.keeper.id, bundle: context.bundle };
  const cgroup = cgroupSteps(context, group, linux, warn);
  const init = compileInit(spec, process, linux, namespaces, group, context, warn);
  const plan: Plan = {
    keeper: keeper(context.keeper, process, cgroup.oom),
    prepare: [...cgroup.prepare, ...(context.network.prepare ?? [])],
    spawn: compileSpawn(linux, cgroup.placement, changedNamespaces(spec), context.keyring),
    attach: [
      ...compileIdMaps(linux, context.host.unprivileged),
      ...context.network.attach,
      ...runtimeHooks(spec, state),
    ],
    init,
    cleanup: cgroup.cleanup,
  };
  return { plan, warnings: [...warnings] };
}

function cgroupSteps(context: CompileContext, group: Cgroup, { resources = {} }: Linux, warn: Warn): CgroupSteps {
  try {
    return compileCgroup(context.host.cgroups, group, resources, warn, context.cgroupKeeping);
  } catch (error) {
    throw withField(error, 'linux.resources');
  }
}

function filterStep(seccomp: Seccomp, { filter }: CompileContext, agent: AgentFacts): InitStep {
  if (filter === undefined) throw new OnggiError('internal', 'config: its seccomp profile has no filter');
  try {
    return seccompStep(seccomp, filter, agent);
  } catch (error) {
    throw withField(error, 'linux.seccomp');
  }
}

function compileInit(
  spec: Spec,
  process: Process,
  linux: Linux,
  namespaces: Namespaces,
  cgroup: Cgroup,
  context: CompileContext,
  warn: (message: string) => void,
): InitStep[] {
  const { host } = context;
  const state = { id: context.keeper.id, bundle: context.bundle };
  const mounts = spec.mounts ?? [];
  const ownNamespace = linux.namespaces?.some(({ type, path }) => type === 'cgroup' && !path) === true;
  const facts = { ...state, annotations: spec.annotations ?? {} };
  const agent = { state: (metadata: string | undefined) => processState(facts, null, metadata) };
  const capabilities = namespaces.has('user') ? everyCapability : host.capabilities;
  const processContext: ProcessContext = { ...context, capabilities, warn };
  const { seccomp } = linux;
  const ownDevices = hasOwnDevices(mounts);
  const filter = seccomp === undefined ? [] : [filterStep(seccomp, context, agent)];
  const mounted = compileMounts(mounts, {
    cgroups: host.cgroups,
    cgroup,
    cgroupNamespace: namespaces.has('cgroup'),
    userNamespace: namespaces.has('user'),
    idMaps: { uid: linux.uidMappings ?? [], gid: linux.gidMappings ?? [] },
    foreignNetwork: namespaces.has('user') && !namespaces.has('net'),
    bundle: context.bundle,
    label: linux.mountLabel ?? '',
    warn,
  });
  return [
    ...compileOomScore(process),
    ...(ownNamespace ? [{ op: 'unshare-cgroup' } as const] : []),
    ...compileRoot(context.root, linux.rootfsPropagation, context.overlays),
    ...byKeeper(withVolumes(sourced(mounted.steps, context), context.volumes ?? []), context.root),
    ...(ownDevices ? [] : compileDevices(linux.devices ?? [], namespaces.has('user'))),
    ...(hasRuntimeHooks(spec) ? [{ op: 'runtime-hooks' } as const] : []),
    ...compileHooks(spec, 'createContainer', state),
    context.noPivot === true ? { op: 'move-root' } : { op: 'pivot-root' },
    ...rootPropagation(linux.rootfsPropagation),
    ...compileConsole(process, !ownDevices),
    ...context.network.init,
    ...hostNames(spec, namespaces),
    ...compileSysctls(linux.sysctl ?? {}, namespaces),
    ...pathSteps('readonly', linux.readonlyPaths ?? []),
    ...pathSteps('mask', linux.maskedPaths ?? []),
    compileWorkingDirectory(process, true),
    ...mounted.later,
    ...(spec.root?.readonly === true ? [readOnlyRoot] : []),
    ...compileRlimits(process),
    ...scheduleOf(process),
    ...compilePersonality(linux.personality),
    ...compileMemoryPolicy(linux.memoryPolicy),
    ...compileLabels(process),
    ...compileProcess(process, filter, processContext, compileHooks(spec, 'startContainer', state)),
  ];
}

/** What is for execs alone is refused now and not by the first of them. */
function scheduleOf(process: Process): InitStep[] {
  if (process.execCPUAffinity !== undefined) compileAffinity(process);
  return compileSchedule(process);
}

function sourced(
  steps: readonly InitStep[],
  { createSources, foreignSources = [] }: Pick<CompileContext, 'createSources' | 'foreignSources'>,
): InitStep[] {
  const [made, foreign] = [new Set(createSources), new Set(foreignSources)];
  return steps.map((step) => {
    if (step.op !== 'bind') return step;
    if (foreign.has(step.source)) return { ...step, foreign: true };
    return made.has(step.source) ? { ...step, createSource: true } : step;
  });
}

function withVolumes(steps: InitStep[], volumes: readonly VolumeBind[]): InitStep[] {
  if (volumes.length === 0) return steps;
  const byTarget = new Map(volumes.map((volume) => [volume.target, volume]));
  return steps.map((step) => (step.op === 'bind' ? { ...step, ...byTarget.get(step.target) } : step));
}

/** Where the init can't get at the root, it may not get at what is bound either. */
function byKeeper(steps: InitStep[], root: RootSource): InitStep[] {
  if (root.byKeeper === undefined) return steps;
  return steps.map((step) =>
    step.op === 'bind' && step.mapping == null && step.foreign !== true ? { ...step, byKeeper: true } : step,
  );
}

/** Those whose parameters the configuration sets. */
function changedNamespaces(spec: Spec): Namespaces {
  return new Set([
    ...(spec.hostname || spec.domainname ? ['uts' as const] : []),
    ...sysctlNamespaces(spec.linux?.sysctl ?? {}),
  ]);
}

function hostNames(spec: Spec, namespaces: Namespaces): InitStep[] {
  const steps: InitStep[] = [];
  if (spec.hostname !== undefined && spec.hostname !== '') steps.push({ op: 'hostname', name: spec.hostname });
  if (spec.domainname !== undefined && spec.domainname !== '') steps.push({ op: 'domainname', name: spec.domainname });
  if (steps.length > 0 && !namespaces.has('uts')) {
    throw new OnggiError('invalid', 'hostname and domainname: the container shares the host\'s "uts" namespace');
  }
  return steps;
}

function pathSteps(op: 'readonly' | 'mask', paths: readonly string[]): InitStep[] {
  const field = op === 'mask' ? 'linux.maskedPaths' : 'linux.readonlyPaths';
  return paths.map((path, index) => ({ op, path: path.startsWith('/') ? path : absolute(`${field}[${index}]`, path) }));
}

function absolute(field: string, path: string): string {
  if (!path.startsWith('/')) throw new OnggiError('invalid', `${field}: "${path}" is not an absolute path`);
  return path;
}

/** Fields of the specification that this version does not do. Unknown fields and annotations say nothing here. */
function refuse(linux: Linux): void {
  const given: readonly (readonly [string, unknown])[] = [['linux.intelRdt', linux.intelRdt]];
  for (const [field, value] of given) {
    if (value !== undefined && value !== '') throw unsupported(`the field "${field}"`);
  }
}
