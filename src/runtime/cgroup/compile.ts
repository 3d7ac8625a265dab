/** Resources of config.json to the steps that make, fill and remove a container's cgroups. Pure. */
import { OnggiError } from '../../errors.ts';
import type { DeviceRule, Resources } from '../../oci/runtime-spec.ts';
import { alwaysAllowedDevices } from '../defaults.ts';
import type { CgroupPlacement, CleanupStep, OomSource, PrepareStep } from '../plan/steps.ts';
import { compileDeviceProgram, explainDevicePolicy } from './device-program.ts';
import { devicePolicy, legacyDeviceLines } from './device-rules.ts';
import { ancestors, type CgroupLayout, cgroupDirectories, hierarchyPath, legacyMountPoint } from './hierarchy.ts';
import { checkMemory } from './memory.ts';
import type { Setting } from './setting.ts';
import { legacySettings } from './v1.ts';
import { unifiedSettings } from './v2.ts';

export type CgroupSteps = {
  readonly prepare: readonly PrepareStep[];
  readonly placement: CgroupPlacement;
  readonly oom: OomSource | null;
  readonly cleanup: readonly CleanupStep[];
};

/** Enabled for each container on v2, for limits and statistics alike. */
const usualControllers = ['cpuset', 'cpu', 'io', 'memory', 'pids'];

/**
 * @param path the cgroup, absolute below each hierarchy
 * @param warn told what could not be had but was not asked for
 * @throws OnggiError `unsupported` for a limit that this machine can't keep, `invalid` for a malformed one
 */
export function compileCgroup(
  layout: CgroupLayout,
  path: string,
  resources: Resources,
  warn: (message: string) => void,
): CgroupSteps {
  checkMemory(resources.memory ?? {}, layout.swap);
  const settings = layout.mode === 'unified' ? unifiedSettings(resources) : legacySettings(resources);
  for (const { controller, what } of settings) {
    if (!hasController(layout, controller)) {
      throw new OnggiError('unsupported', `${what}: this machine has no cgroup controller "${controller}"`);
    }
  }
  return {
    prepare: [
      ...cgroupDirectories(layout, path).map((directory): PrepareStep => ({ op: 'cgroup-create', path: directory })),
      ...(layout.mode === 'unified' ? enableControllers(layout, path, settings) : []),
      ...settings.map((item) => write(layout, path, item)),
      ...devices(layout, path, resources.devices ?? [], warn),
    ],
    placement: placement(layout, path),
    oom: oomSource(layout, path),
    cleanup: cgroupDirectories(layout, path).map((directory) => ({ op: 'cgroup-remove', path: directory })),
  };
}

/** Where the processes of the cgroup `path` belong; the same for the container's first process and for `exec`. */
export function placement(layout: CgroupLayout, path: string): CgroupPlacement {
  return {
    unified: layout.unified === null ? null : hierarchyPath(layout.unified.mountPoint, path),
    legacy: layout.legacy.map((hierarchy) => hierarchyPath(hierarchy.mountPoint, path)),
  };
}

function hasController(layout: CgroupLayout, controller: string): boolean {
  if (layout.mode === 'unified') return layout.unified?.controllers.includes(controller) === true;
  return legacyMountPoint(layout, controller) !== undefined;
}

function write(layout: CgroupLayout, path: string, setting: Setting): PrepareStep {
  const mountPoint =
    layout.mode === 'unified' ? layout.unified?.mountPoint : legacyMountPoint(layout, setting.controller);
  const { file, value, what, optional } = setting;
  return { op: 'write', path: `${hierarchyPath(mountPoint ?? '', path)}/${file}`, value, what, optional };
}

/**
 * Controllers of v2 work in a cgroup when all its ancestors pass them on (cgroup-v2.rst, "Top-down Constraint"). An
 * ancestor that holds processes itself can't ("No Internal Process Constraint"); the root of the machine is exempt.
 * So inside another container, whose root holds processes, this fails unless its manager made room.
 */
function enableControllers(layout: CgroupLayout, path: string, settings: readonly Setting[]): PrepareStep[] {
  const { unified } = layout;
  if (unified === null) return [];
  const needed = new Set([...usualControllers, ...settings.map((item) => item.controller)]);
  const value = unified.controllers
    .filter((controller) => needed.has(controller))
    .map((controller) => `+${controller}`)
    .join(' ');
  if (value === '') return [];
  return ancestors(path).map((ancestor) => ({
    op: 'write',
    path: `${hierarchyPath(unified.mountPoint, ancestor)}/cgroup.subtree_control`,
    value,
    what: 'enable the cgroup controllers',
    optional: false,
  }));
}

function devices(
  layout: CgroupLayout,
  path: string,
  rules: readonly DeviceRule[],
  warn: (message: string) => void,
): PrepareStep[] {
  const all: readonly DeviceRule[] = [{ allow: false, access: 'rwm' }, ...rules, ...alwaysAllowedDevices];
  const policy = devicePolicy(all);
  const legacy = legacyMountPoint(layout, 'devices');
  if (legacy !== undefined) {
    return legacyDeviceLines(all).map(({ allow, line }) => ({
      op: 'write',
      path: `${hierarchyPath(legacy, path)}/devices.${allow ? 'allow' : 'deny'}`,
      value: line,
      what: `${allow ? 'allow' : 'deny'} devices`,
      optional: false,
    }));
  }
  if (layout.unified !== null) {
    const directory = hierarchyPath(layout.unified.mountPoint, path);
    return [
      {
        op: 'cgroup-device',
        path: directory,
        program: compileDeviceProgram(policy),
        what: explainDevicePolicy(policy),
      },
    ];
  }
  warn('this machine has no cgroups: access to devices is not limited');
  return [];
}

function oomSource(layout: CgroupLayout, path: string): OomSource | null {
  const legacy = legacyMountPoint(layout, 'memory');
  if (legacy !== undefined) return { version: 1, directory: hierarchyPath(legacy, path) };
  if (layout.mode !== 'unified' || layout.unified === null) return null;
  return { version: 2, directory: hierarchyPath(layout.unified.mountPoint, path) };
}
