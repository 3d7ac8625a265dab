/** The cgroup of a container, whichever driver keeps it: the file system alone, or systemd. Acts. */
import { ownershipOf } from '../kernel/text-file.ts';
import { inUserNamespace } from '../kernel/user-namespace.ts';
import type { Resources, Spec } from '../oci/runtime-spec.ts';
import { type Cgroup, directoriesOf } from '../runtime/cgroup/cgroup.ts';
import type { CgroupLayout } from '../runtime/cgroup/hierarchy.ts';
import { findCgroup, layoutAround, readCgroupLayout } from '../runtime/cgroup/layout.ts';
import { cgroupExists } from '../runtime/cgroup/processes.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import type { Scope } from '../runtime/cgroup/systemd-scope.ts';
import { updateCgroup } from '../runtime/cgroup/update.ts';
import { ownCgroup } from './cgroup-mark.ts';
import type { ContainerPaths } from './paths.ts';
import type { Runtime } from './runtime.ts';
import type { StateRecord } from './state.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Recorded before it is made. */
export type ContainerCgroup = {
  readonly cgroup: Cgroup;
  /** The unit that systemd keeps the cgroup as; null with the cgroupfs driver. */
  readonly scope: Scope | null;
};

/**
 * Where the cgroup of a container lies (config-linux.md, "Cgroups Path"): by default it has the container's name and is
 * below that of the caller, as with runc; with systemd, in system.slice or the user's user.slice.
 *
 * @throws OnggiError `invalid`; with systemd `unavailable`, `unsupported`
 */
export async function containerCgroup(
  runtime: Runtime,
  spec: Spec,
  id: string,
  layout: CgroupLayout,
): Promise<ContainerCgroup> {
  const path = spec.linux?.cgroupsPath;
  if (!runtime.systemdCgroup) return { cgroup: findCgroup(path || id, layout), scope: null };
  const { planScope } = await import('../runtime/cgroup/systemd-scope.ts');
  return planScope(layout, path, id, hasOwnManager(process.env), process.env);
}

/**
 * Has systemd make it. Dispose of the result once the container's first process is in it, or after a failure.
 * @throws OnggiError as `startScope`
 */
export async function startCgroup(
  runtime: Runtime,
  { scope }: ContainerCgroup,
  spec: Spec,
  id: string,
): Promise<Disposable | undefined> {
  if (scope === null) return undefined;
  const { startScope } = await import('../runtime/cgroup/systemd-scope.ts');
  const { annotations = {} } = spec;
  const request = { id, resources: spec.linux?.resources ?? {}, annotations, warn: runtime.warn };
  return startScope(readCgroupLayout(), scope, request, process.env);
}

/** An ordinary user's processes have to be below the user's systemd for a container to be born in a scope of it. */
export async function enterUserManager(id: string): Promise<void> {
  if (!hasOwnManager(process.env) || readCgroupLayout().mode !== 'unified') return;
  const { enterUserManager: enter } = await import('../runtime/cgroup/user-manager.ts');
  await enter([process.pid], `onggi-runtime, for container ${id}`, process.env);
}

/** Whether the caller's systemd is that of a user. Engines run as root of a user namespace call as one, too. */
function hasOwnManager({ XDG_RUNTIME_DIR: own = '' }: Env): boolean {
  if (process.geteuid?.() !== 0) return true;
  return own !== '' && inUserNamespace() && ownershipOf(`${own}/systemd/private`) !== undefined;
}

/** Has processes be where they may enter the scope of a container of the user's from. */
export async function nearUserScope({ id, cgroup }: StateRecord, pids: readonly number[], env: Env): Promise<void> {
  const { enterUserManager: enter, mayBeBornIn } = await import('../runtime/cgroup/user-manager.ts');
  if (cgroup.unified === null || mayBeBornIn(cgroup.unified)) return;
  await enter(pids, `exec into onggi container ${id}`, env);
}

/**
 * Kills what is left in it; its class of service goes too. What is another's by now is left alone.
 * @throws OnggiError `unavailable`, `denied`
 */
export async function removeContainerCgroup(record: Kept, paths: ContainerPaths): Promise<void> {
  const { scope, resctrl } = record;
  // Mostly they went with the end of the container.
  if (scope !== null || cgroupExists(record.cgroup)) await removeCgroups(record, paths);
  if (resctrl === undefined) return;
  const { removeResctrl } = await import('./resctrl.ts');
  removeResctrl(resctrl);
}

async function removeCgroups(record: Kept, paths: ContainerPaths): Promise<void> {
  const { scope } = record;
  const cgroup = ownCgroup(record, paths);
  const whole = directoriesOf(cgroup).length === directoriesOf(record.cgroup).length;
  if (scope === null || !whole) return await removeCgroup(cgroup);
  const { removeScope } = await import('../runtime/cgroup/systemd-scope.ts');
  await removeScope(scope, cgroup, process.env);
}

type Kept = Pick<StateRecord, 'cgroup' | 'scope' | 'mark' | 'resctrl'>;

/** @param resources all limits after the change. @throws OnggiError as `updateCgroup` */
export async function updateContainerCgroup(
  runtime: Runtime,
  { cgroup, scope }: ContainerCgroup,
  resources: Resources,
): Promise<void> {
  const layout = layoutAround(cgroup);
  const takeBack = updateCgroup(layout, cgroup, resources, runtime.warn);
  if (scope === null) return;
  const { updateScope } = await import('../runtime/cgroup/systemd-scope.ts');
  try {
    await updateScope(layout, scope, resources, process.env);
  } catch (error) {
    takeBack();
    throw error;
  }
  // systemd has written its own values, which it rounds.
  updateCgroup(layout, cgroup, resources, () => {});
}
