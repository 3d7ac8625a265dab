/** `delete` (runtime.md, "Delete"). Acts. */
import { OnggiError } from '../errors.ts';
import { type Guard, tryLock } from '../kernel/lock.ts';
import { signalProcess } from '../kernel/process-identity.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { killCgroup } from '../runtime/cgroup/processes.ts';
import { removeContainerCgroup } from './container-cgroup.ts';
import { checkContainerId } from './container-id.ts';
import { killInit, sigkill } from './kill.ts';
import { runPoststop } from './make.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import type { StateRecord } from './state.ts';
import { isStateDirectory, lockContainer, removeStateDirectory } from './state-directory.ts';
import { noSuchContainer, readState, tryReadState } from './state-file.ts';
import { statusOf } from './status.ts';

/**
 * Removes a container that has ended or was never started; with `force` any, after killing what runs in it.
 *
 * @throws OnggiError `not-found` unless `force`; `conflict` when it runs, unless `force`
 */
export async function deleteContainer(runtime: Runtime, asked: string, force: boolean): Promise<void> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  const record = force ? readAnyState(runtime, paths) : tryReadState(paths);
  if (record === undefined) {
    removeUnrecorded(paths, force);
    if (force) return;
    throw noSuchContainer(id);
  }
  if (force) await endAll(record);
  using guard = await lockUnlessGone(id, paths, force);
  const found = guard === undefined ? undefined : tryReadState(paths);
  if (guard === undefined || found === undefined) {
    if (force) return;
    throw noSuchContainer(id);
  }
  const status = statusOf(found, paths);
  if (!force && status !== 'stopped' && status !== 'created') {
    throw new OnggiError('conflict', `cannot delete container ${id} that is not stopped: ${status}`, {
      hint: 'Stop it with "kill", or use --force.',
    });
  }
  await removeContainer(runtime, found, paths, guard);
}

/** A record that can't be read hides what runs, but must not keep its container from being forgotten. */
function readAnyState(runtime: Runtime, paths: ContainerPaths): StateRecord | undefined {
  try {
    return tryReadState(paths);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'corrupt') throw error;
    runtime.warn(`${error.message}; what may still run of it is not known`);
    return undefined;
  }
}

/** Whoever makes it would wait for the end of a hook before it gives up, and holds the lock meanwhile. */
async function endAll({ init, maker, cgroup }: StateRecord): Promise<void> {
  if (init === null && maker !== null) signalProcess(maker, sigkill);
  await killCgroup(cgroup);
}

async function lockUnlessGone(id: string, paths: ContainerPaths, force: boolean): Promise<Guard | undefined> {
  try {
    return await lockContainer(id, paths);
  } catch (error) {
    if (force && error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** What a maker left that was killed before it had recorded, or made, anything. */
function removeUnrecorded(paths: ContainerPaths, force: boolean): void {
  if (!isStateDirectory(paths)) return;
  const guard = tryLock(paths.lock, 'exclusive');
  if (guard === undefined) return;
  using _ = guard;
  if (force || tryReadState(paths) === undefined) removeStateDirectory(paths, guard);
}

/** Ends what is left of it and forgets it; its poststop hooks run then. Idempotent but for the hooks. */
export async function removeContainer(
  runtime: Runtime,
  record: StateRecord,
  paths: ContainerPaths,
  guard: Guard,
): Promise<void> {
  await killInit(record);
  await removeContainerCgroup(record);
  const spec = record.poststop ? specForHooks(runtime, paths) : undefined;
  removeStateDirectory(paths, guard);
  if (spec !== undefined) await runPoststop(runtime, record, spec);
}

/** Whatever is wrong with it, the container must go. */
function specForHooks(runtime: Runtime, paths: ContainerPaths): Spec | undefined {
  try {
    return recordedSpec(paths);
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    runtime.warn(`poststop hooks are not run: ${error.message}`);
    return undefined;
  }
}

/** Removes a container whose end was waited for, unless somebody else has deleted it meanwhile. */
export async function removeEnded(runtime: Runtime, record: StateRecord, paths: ContainerPaths): Promise<void> {
  try {
    using guard = await lockContainer(record.id, paths);
    const found = readState(record.id, paths);
    if (found.created === record.created) await removeContainer(runtime, found, paths, guard);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}
