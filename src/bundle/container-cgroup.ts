/** The cgroup of a container, whichever driver keeps it: the file system alone, or systemd. Acts. */
import type { Resources, Spec } from '../oci/runtime-spec.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import type { CgroupLayout } from '../runtime/cgroup/hierarchy.ts';
import { findCgroup, readCgroupLayout } from '../runtime/cgroup/layout.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import type { Scope } from '../runtime/cgroup/systemd-scope.ts';
import { updateCgroup } from '../runtime/cgroup/update.ts';
import type { Resctrl } from './resctrl-group.ts';
import type { Runtime } from './runtime.ts';

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
  return planScope(layout, path, id, process.getuid?.() !== 0, process.env);
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

/** Kills what is left in it; its class of service goes too. @throws OnggiError `unavailable`, `denied` */
export async function removeContainerCgroup({ cgroup, scope, resctrl }: Kept): Promise<void> {
  if (scope === null) await removeCgroup(cgroup);
  else {
    const { removeScope } = await import('../runtime/cgroup/systemd-scope.ts');
    await removeScope(scope, cgroup, process.env);
  }
  if (resctrl === undefined) return;
  const { removeResctrl } = await import('./resctrl.ts');
  removeResctrl(resctrl);
}

type Kept = ContainerCgroup & { readonly resctrl?: Resctrl };

/** @param resources all limits after the change. @throws OnggiError as `updateCgroup` */
export async function updateContainerCgroup(
  runtime: Runtime,
  { cgroup, scope }: ContainerCgroup,
  resources: Resources,
): Promise<void> {
  const layout = readCgroupLayout();
  updateCgroup(layout, cgroup, resources, runtime.warn);
  if (scope === null) return;
  const { updateScope } = await import('../runtime/cgroup/systemd-scope.ts');
  await updateScope(layout, scope, resources, process.env);
  // systemd has written its own values, which it rounds.
  updateCgroup(layout, cgroup, resources, () => {});
}
