/** `delete` (runtime.md, "Delete"). Acts. */
import { OnggiError } from '../errors.ts';
import { type Guard, tryLock } from '../kernel/lock.ts';
import { signalProcess } from '../kernel/process-identity.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { killCgroup } from '../runtime/cgroup/processes.ts';
import { ownCgroup } from './cgroup-mark.ts';
import { removeContainerCgroup } from './container-cgroup.ts';
import { checkContainerId } from './container-id.ts';
import { killInit, sigkill } from './kill.ts';
import { runPoststop } from './make.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import type { StateRecord } from './state.ts';
import { isStateDirectory, lockContainer, removeStateDirectory } from './state-directory.ts';
import { noSuchContainer, tryReadState } from './state-file.ts';
import { statusOf } from './status.ts';

/**
 * Removes a container that has ended or was never started; with `force` any, after killing what runs in it.
 *
 * @throws OnggiError `not-found` unless `force`; `conflict` when it runs, unless `force`
 */
export async function deleteContainer(runtime: Runtime, asked: string, force: boolean): Promise<void> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  const record = await findRecord(runtime, paths, force);
  if (record === undefined) {
    if (force) return await (await import('./lost.ts')).removeLost(id, paths);
    await removeUnrecorded(id, paths);
    throw noSuchContainer(id);
  }
  if (force) await endAll(record, paths);
  using guard = await lockUnlessGone(id, paths, force);
  const found = guard === undefined ? undefined : await findRecord(runtime, paths, force);
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

/** A record that can't be read must not keep its container from being ended: its copy does as well. */
async function findRecord(runtime: Runtime, paths: ContainerPaths, force: boolean): Promise<StateRecord | undefined> {
  try {
    const found = tryReadState(paths);
    if (found !== undefined || !isStateDirectory(paths)) return found;
  } catch (error) {
    // Of another user it is nobody's but theirs.
    if (!force || !(error instanceof OnggiError) || error.code === 'denied') throw error;
    runtime.warn(`${error.message}; going by what else is known of the container`);
  }
  return (await import('./lost.ts')).copyOfState(paths);
}

/** Whoever makes it would wait for the end of a hook before it gives up, and holds the lock meanwhile. */
async function endAll(record: StateRecord, paths: ContainerPaths): Promise<void> {
  const { init, maker } = record;
  if (init === null && maker !== null) signalProcess(maker, sigkill);
  await killCgroup(ownCgroup(record, paths));
}

async function lockUnlessGone(id: string, paths: ContainerPaths, force: boolean): Promise<Guard | undefined> {
  try {
    return await lockContainer(id, paths);
  } catch (error) {
    if (force && error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/**
 * What a maker left that was killed before it had recorded, or made, anything.
 * @throws OnggiError `conflict` when something of the container runs
 */
async function removeUnrecorded(id: string, paths: ContainerPaths): Promise<void> {
  if (!isStateDirectory(paths)) return;
  const guard = tryLock(paths.lock, 'exclusive');
  if (guard === undefined) return;
  using _ = guard;
  if (tryReadState(paths) !== undefined) return;
  if ((await import('./lost.ts')).leavesProcesses(paths)) {
    throw new OnggiError(
      'conflict',
      `container "${id}" has lost its record "${paths.state}", and processes of it run`,
      {
        hint: 'End and remove them with --force.',
      },
    );
  }
  removeStateDirectory(paths, guard);
}

/** Ends what is left of it and forgets it; its poststop hooks run then. Idempotent but for the hooks. */
export async function removeContainer(
  runtime: Runtime,
  record: StateRecord,
  paths: ContainerPaths,
  guard: Guard,
): Promise<void> {
  await killInit(record);
  await removeContainerCgroup(record, paths);
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
    const found = readOr(record, paths);
    if (found.created === record.created) await removeContainer(runtime, found, paths, guard);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}

/** Whoever has waited for the end knows what was recorded. */
function readOr(record: StateRecord, paths: ContainerPaths): StateRecord {
  try {
    return tryReadState(paths) ?? record;
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code === 'denied') throw error;
    return record;
  }
}
