/** `delete` (runtime.md, "Delete"). Acts. */
import { existsSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import { type Guard, tryLock } from '../kernel/lock.ts';
import { killCgroup } from '../runtime/cgroup/processes.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import { checkContainerId } from './container-id.ts';
import { killInit } from './kill.ts';
import { runPoststop } from './make.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import type { StateRecord } from './state.ts';
import { lockContainer, noSuchContainer, readState, removeStateDirectory, tryReadState } from './state-directory.ts';
import { statusOf } from './status.ts';

/**
 * Removes a container that has ended or was never started; with `force` any, after killing what runs in it.
 *
 * @throws OnggiError `not-found` unless `force`; `conflict` when it runs, unless `force`
 */
export async function deleteContainer(runtime: Runtime, asked: string, force: boolean): Promise<void> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  const record = tryReadState(paths);
  if (record === undefined) {
    removeUnrecorded(paths);
    if (force) return;
    throw noSuchContainer(id);
  }
  // Whoever makes it holds its lock, and gives up when what it makes is killed.
  if (force) await killCgroup(record.cgroup);
  using guard = await lockContainer(id, paths);
  const found = tryReadState(paths);
  if (found === undefined) {
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

/** What a maker left that was killed before it had recorded, or made, anything. */
function removeUnrecorded(paths: ContainerPaths): void {
  if (!existsSync(paths.directory)) return;
  const guard = tryLock(paths.lock, 'exclusive');
  if (guard === undefined) return;
  using _ = guard;
  if (tryReadState(paths) === undefined) removeStateDirectory(paths, guard);
}

/** Ends what is left of it and forgets it; its poststop hooks run then. Idempotent but for the hooks. */
export async function removeContainer(
  runtime: Runtime,
  record: StateRecord,
  paths: ContainerPaths,
  guard: Guard,
): Promise<void> {
  await killInit(record);
  await removeCgroup(record.cgroup);
  const spec = record.poststop ? recordedSpec(paths) : undefined;
  removeStateDirectory(paths, guard);
  if (spec !== undefined) await runPoststop(runtime, record, spec);
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
