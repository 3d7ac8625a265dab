/** Resources of config.json to the steps that make, fill and remove a container's cgroups. Pure. */
import { OnggiError } from '../../errors.ts';
import type { DeviceRule, Resources } from '../../oci/runtime-spec.ts';
import { alwaysAllowedDevices } from '../defaults.ts';
import type { CgroupPlacement, CleanupStep, OomSource, PrepareStep } from '../plan/steps.ts';
import { type Cgroup, controllerDirectory, directoriesOf, isUnified, legacyDirectory, placement } from './cgroup.ts';
import { checkCpuset } from './cpuset.ts';
import { compileDeviceProgram, explainDevicePolicy } from './device-program.ts';
import { devicePolicy, legacyDeviceLines } from './device-rules.ts';
import { ancestors, type CgroupLayout, hierarchyPath } from './hierarchy.ts';
import { checkMemory } from './memory.ts';
import type { Setting, Warn } from './setting.ts';
import { legacySettings } from './v1.ts';
import { unifiedSettings } from './v2.ts';

export type CgroupSteps = {
  readonly prepare: readonly PrepareStep[];
  readonly placement: CgroupPlacement;
  readonly oom: OomSource | null;
  readonly cleanup: readonly CleanupStep[];
};

export type CgroupKeeping = {
  /** It is systemd's, which looks after the cgroups above it. */
  readonly systemd?: boolean;
  /** How many of the directories above it go with it, where nothing else is in them. */
  readonly above?: number;
};

/** Enabled for each container on v2, for limits and statistics alike. */
const usualControllers = ['cpuset', 'cpu', 'io', 'memory', 'pids'];

/** Controllers that systemd passes on to a delegated unit by itself. */
const systemdControllers: ReadonlySet<string> = new Set(usualControllers);

/**
 * @param cgroup where it is (`cgroupAt`)
 * @param warn told what could not be had but was not asked for
 * @throws OnggiError `unsupported` for a limit that this machine can't keep, `invalid` for a malformed one
 */
export function compileCgroup(
  layout: CgroupLayout,
  cgroup: Cgroup,
  resources: Resources,
  warn: Warn,
  { systemd = false, above = 0 }: CgroupKeeping = {},
): CgroupSteps {
  if (layout.mode !== 'none' && directoriesOf(cgroup).length === 0) return withoutPermission(layout, resources, warn);
  const settings = compileSettings(layout, resources, warn);
  return {
    prepare: [
      ...directoriesOf(cgroup).map((directory): PrepareStep => ({ op: 'cgroup-create', path: directory })),
      ...(layout.mode === 'unified' ? enableControllers(layout, cgroup, neededOf(settings, systemd)) : []),
      ...settings.map((item) => write(cgroup, item)),
      // A device that was bound opens to whom its mode lets, and nobody can make another in a user namespace.
      ...(layout.unprivileged === true ? [] : devices(cgroup, resources.devices ?? [], warn)),
    ],
    placement: placement(cgroup),
    oom: oomSource(cgroup),
    cleanup: directoriesOf(cgroup).map((directory) => ({ op: 'cgroup-remove', path: directory, above })),
  };
}

/** An ordinary user's container whose cgroup nobody delegated runs in the cgroup of its caller. */
function withoutPermission(layout: CgroupLayout, resources: Resources, warn: Warn): CgroupSteps {
  const { unified } = layout;
  // Malformed limits are refused here too; whether the machine could keep them is no question.
  const all = unified === null ? layout : { ...layout, unified: { ...unified, controllers: everyController } };
  const limits = [...new Set(compileSettings(all, resources, () => {}).map(({ what }) => what))];
  if (limits.length > 0) warn(`no permission to make a cgroup: not limited: ${limits.join(', ')}`);
  return { prepare: [], placement: placement(cgroupOfNone), oom: null, cleanup: [] };
}

const cgroupOfNone: Cgroup = { unified: null, legacy: [] };
const everyController = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'];

/**
 * Everything but the device rules, in the order in which it is written.
 * @throws OnggiError `unsupported` for a limit that this machine can't keep, `invalid` for a malformed one
 */
export function compileSettings(layout: CgroupLayout, given: Resources, warn: Warn): Setting[] {
  if (!asksForLimits(given)) return [];
  const resources = withPlainNumbers(given);
  checkMemory(resources.memory ?? {}, layout.swap);
  checkCpuset(resources.cpu ?? {}, layout.cpuset);
  const unified = layout.mode === 'unified';
  const settings = unified ? unifiedSettings(resources, warn) : legacySettings(resources, layout.swap);
  for (const { controller, what } of settings) {
    if (!hasController(layout, controller)) {
      throw new OnggiError('unsupported', `${what}: this machine has no cgroup controller "${controller}"`, {
        hint: layout.mode === 'none' ? 'Mount the cgroup hierarchies, or ask for no limits.' : 'Leave this limit out.',
      });
    }
  }
  return settings;
}

/** Most containers have rules for devices and no limits. */
function asksForLimits(resources: Resources): boolean {
  for (const field of Object.keys(resources)) if (field !== 'devices') return true;
  return false;
}

/** Beyond 2^53 config.json has bigints; no limit of nine petabytes differs from none. */
function withPlainNumbers(resources: Resources): Resources {
  if (!hasBigint(resources)) return resources;
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  const text = JSON.stringify(resources, (_key, value: unknown) => {
    if (typeof value !== 'bigint') return value;
    return Number(value > most ? most : value < -most ? -most : value);
  });
  return JSON.parse(text) as Resources;
}

function hasBigint(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint';
  return Object.values(value).some(hasBigint);
}

function hasController(layout: CgroupLayout, controller: string): boolean {
  if (layout.mode === 'unified') {
    return controller === 'cgroup' || layout.unified?.controllers.includes(controller) === true;
  }
  return layout.legacy.some(({ controllers }) => controllers.includes(controller));
}

function write(cgroup: Cgroup, setting: Setting): PrepareStep {
  const directory = controllerDirectory(cgroup, setting.controller) ?? '';
  const { file, value, what, optional, fallback } = setting;
  return {
    op: 'write',
    path: `${directory}/${file}`,
    value,
    what,
    optional,
    ...(fallback !== undefined && { fallback: { path: `${directory}/${fallback.file}`, value: fallback.value } }),
  };
}

/** Those of the limits, too, that few containers have. */
function neededOf(settings: readonly Setting[], systemd: boolean): Set<string> {
  const needed = [...usualControllers, ...settings.map((item) => item.controller)];
  return new Set(needed.filter((controller) => !(systemd && systemdControllers.has(controller))));
}

/**
 * Controllers of v2 work in a cgroup when all its ancestors pass them on (cgroup-v2.rst, "Top-down Constraint"). An
 * ancestor that holds processes itself can't ("No Internal Process Constraint"); the root of the machine is exempt.
 * So inside another container, whose root holds processes, this fails unless its manager made room.
 */
export function enableControllers(
  layout: CgroupLayout,
  cgroup: Cgroup,
  needed: ReadonlySet<string>,
): Extract<PrepareStep, { op: 'write' }>[] {
  const { unified } = layout;
  if (unified === null || cgroup.unified === null) return [];
  const value = unified.controllers
    .filter((controller) => needed.has(controller))
    .map((controller) => `+${controller}`)
    .join(' ');
  if (value === '') return [];
  const directories = ancestors(cgroup.unified.slice(unified.mountPoint.length)).map((ancestor) =>
    hierarchyPath(unified.mountPoint, ancestor),
  );
  const { delegated = '' } = unified;
  return directories
    .filter((directory) => `${directory}/`.startsWith(`${delegated}/`))
    .map((directory) => ({
      op: 'write',
      path: `${directory}/cgroup.subtree_control`,
      value,
      what: 'enable the cgroup controllers',
      optional: false,
    }));
}

function devices(cgroup: Cgroup, rules: readonly DeviceRule[], warn: Warn): PrepareStep[] {
  const policy = devicePolicy(deviceRules(rules));
  const legacy = legacyDirectory(cgroup, 'devices');
  if (legacy !== undefined) {
    return legacyDeviceLines(policy).map(({ allow, line }) => ({
      op: 'write',
      path: `${legacy}/devices.${allow ? 'allow' : 'deny'}`,
      value: line,
      what: `${allow ? 'allow' : 'deny'} devices`,
      optional: false,
    }));
  }
  if (cgroup.unified !== null) {
    return [
      {
        op: 'cgroup-device',
        path: cgroup.unified,
        program: compileDeviceProgram(policy),
        what: explainDevicePolicy(policy),
      },
    ];
  }
  warn('this machine has no cgroups: access to devices is not limited');
  return [];
}

/** Nothing is allowed that no rule allows; the devices that every container has come last, so that no rule takes them. */
export function deviceRules(rules: readonly DeviceRule[]): DeviceRule[] {
  return [{ allow: false, access: 'rwm' }, ...rules, ...alwaysAllowedDevices];
}

function oomSource(cgroup: Cgroup): OomSource | null {
  const directory = controllerDirectory(cgroup, 'memory');
  if (directory === undefined) return null;
  return { version: isUnified(cgroup) ? 2 : 1, directory };
}
