/**
 * The systemd cgroup driver: the container's cgroup is that of a transient scope, delegated to us.
 *
 * systemd makes a scope around processes that are there, and takes it away when the last one has left. So a holder
 * (kernel/holder.ts) keeps it until the container's first process is in it, which is born there (CLONE_INTO_CGROUP).
 */
import { readFileSync } from 'node:fs';
import { fromSystemError, unsupported } from '../../errors.ts';
import { startHolder } from '../../kernel/holder.ts';
import type { Resources } from '../../oci/runtime-spec.ts';
import { type Cgroup, cgroupAt } from './cgroup.ts';
import type { CgroupLayout } from './hierarchy.ts';
import { removeCgroup, removeEmptyAncestors } from './remove.ts';
import type { Warn } from './setting.ts';
import { connectManager } from './systemd-manager.ts';
import {
  annotatedProperties,
  deviceProperties,
  limitProperties,
  parseDeviceGroups,
  scopeName,
  scopeProperties,
  slicePath,
} from './systemd-unit.ts';

/** Plain data, to be recorded before the scope is started. */
export type Scope = {
  readonly slice: string;
  readonly unit: string;
  /** It belongs to the caller's own systemd (`systemd --user`). */
  readonly user: boolean;
};

type Env = Readonly<Record<string, string | undefined>>;

/**
 * What the scope of a container will be, and where its cgroup.
 *
 * @param cgroupsPath "slice:prefix:name" of config.json; undefined or "" for the usual one
 * @param user to be kept by the caller's own systemd
 * @throws OnggiError `invalid`; `unavailable` without systemd; `unsupported` for a user on a machine without v2
 */
export async function planScope(
  layout: CgroupLayout,
  cgroupsPath: string | undefined,
  id: string,
  user: boolean,
  env: Env,
): Promise<{ readonly scope: Scope; readonly cgroup: Cgroup }> {
  if (user && layout.mode !== 'unified') {
    throw unsupported('the systemd cgroup driver for a user on cgroup v1', 'Leave --systemd-cgroup out.');
  }
  const { slice, unit } = scopeName(cgroupsPath, id, user);
  using manager = await connectManager(user, env);
  const path = `${await manager.controlGroup()}${slicePath(slice)}/${unit}`;
  return { scope: { slice, unit, user }, cgroup: cgroupAt(layout, path) };
}

export type ScopeRequest = {
  readonly id: string;
  readonly resources: Resources;
  readonly annotations: Readonly<Record<string, string>>;
  /** Told what systemd can't be told. */
  readonly warn: Warn;
};

/**
 * Starts the scope. Until it is disposed of, the result keeps the scope there; do so when the container's first process
 * is in it, or after a failure, and then systemd takes the scope away.
 *
 * @throws OnggiError `exists` when there is such a unit; `unsupported`, `invalid`, `denied`, `unavailable`
 */
export async function startScope(
  layout: CgroupLayout,
  scope: Scope,
  { id, resources, annotations, warn }: ScopeRequest,
  env: Env,
): Promise<Disposable> {
  const unified = layout.mode === 'unified';
  using manager = await connectManager(scope.user, env);
  const version = await manager.version();
  const limits = [
    ...limitProperties(resources, unified, version),
    ...(unified ? [] : deviceProperties(resources.devices ?? [], deviceGroups(), warn)),
    ...annotatedProperties(annotations),
  ];
  using stack = new DisposableStack();
  const holder = stack.use(startHolder(id));
  await manager.startTransient(scope.unit, [...scopeProperties(scope, id, holder.pid, version), ...limits]);
  return stack.move();
}

/** Tells systemd of limits that have changed. Write the files afterwards: it rounds. @throws OnggiError */
export async function updateScope(layout: CgroupLayout, scope: Scope, resources: Resources, env: Env): Promise<void> {
  using manager = await connectManager(scope.user, env);
  const limits = limitProperties(resources, layout.mode === 'unified', await manager.version());
  await manager.setProperties(scope.unit, limits);
}

/**
 * Ends the scope and what is left in it, and removes its cgroups in those v1 hierarchies that systemd leaves alone,
 * with the directories of its slices there when they are empty. One that is not there is no error.
 *
 * @throws OnggiError `unavailable`, `denied`
 */
export async function removeScope(scope: Scope, cgroup: Cgroup, env: Env): Promise<void> {
  {
    using manager = await connectManager(scope.user, env);
    await manager.stop(scope.unit);
  }
  await removeCgroup(cgroup);
  for (const { controllers, directory } of cgroup.legacy) {
    if (controllers.length > 0 && !controllers.some((name) => systemdLegacyControllers.has(name))) {
      removeEmptyAncestors(directory, slicePath(scope.slice).split('/').length - 1);
    }
  }
}

/** What systemd manages on v1 (systemd, src/basic/cgroup-util.h, CGROUP_MASK_V1). */
const systemdLegacyControllers: ReadonlySet<string> = new Set(['cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'pids']);

function deviceGroups(): Map<string, string> {
  try {
    return parseDeviceGroups(readFileSync('/proc/devices', 'utf8'));
  } catch (error) {
    throw fromSystemError(error, 'read "/proc/devices"');
  }
}
