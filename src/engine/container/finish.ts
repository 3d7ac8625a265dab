/**
 * What happens when a container has ended: the ending goes into its row, and what the kernel can't free by itself is
 * taken away. Idempotent, under the container's lock; done by whoever comes first (ARCHITECTURE, "Who knows the
 * truth").
 */

import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf, fromSystemError } from '../../errors.ts';
import { allowRemount, removeSnapshot } from '../../image/snapshot.ts';
import type { Guard } from '../../kernel/lock.ts';
import { connectShim } from '../../kernel/shim-client.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { removeCgroup, removeEmptyAbove } from '../../runtime/cgroup/remove.ts';
import {
  type ContainerChange,
  type ContainerRow,
  containerById,
  containerStates,
  deleteContainer,
  hasProcess,
  isInitialized,
  updateContainer,
} from '../../store/container-row.ts';
import { transaction } from '../../store/database.ts';
import { socketPrefix, volumePath } from '../../store/layout.ts';
import { noteIdleNetworks, releaseLeases } from '../../store/network-row.ts';
import type { Store } from '../../store/store.ts';
import { removeNamed } from '../../store/temporary.ts';
import { deleteVolume, ownVolumes } from '../../store/volume-row.ts';
import { emit } from '../event/emit.ts';
import { containerNews, endNews, startNews, volumeNews } from '../event/news.ts';
import { takeOff } from '../mount/mount-point.ts';
import type { Ending } from '../types.ts';
import { type Container, cgroupsAbove, containerOf, type StartRecord } from './container.ts';
import { foundEnding, hasEnded } from './ended.ts';
import type { FoundEnding } from './ending.ts';
import { firstStatus, type Status, untilExit } from './handshake.ts';
import { unpublish } from './network.ts';
import { goesAtItsEnd } from './requirements.ts';
import { nextRestart } from './restart-policy.ts';

/** Milliseconds that a shim may take from the end of its init to the record of it, on a slow disk. */
const recordingTime = 10_000;

/** As `foundEnding`, for a container whose init has ended: waits for the shim's record, or for the shim's own end. */
async function awaitedEnding(store: Store, row: ContainerRow): Promise<FoundEnding | undefined> {
  const found = foundEnding(store, row);
  if (found !== undefined || !hasProcess(row) || !hasEnded(store, row)) return found;
  const start = containerOf(store, row).start;
  using client = start === null ? undefined : await connectShim(start.socket, {}).catch(() => undefined);
  if (client !== undefined) await Promise.race([untilExit(client), pause(recordingTime, undefined, { ref: false })]);
  return foundEnding(store, row);
}

/** What is to become of a container that has ended: it stays, unless it was started with `--rm`, or is removed next. */
export type Fate = 'stays' | 'removing';

/**
 * Brings the row of a container to the truth. Does nothing when it is there.
 * @returns the row as it is then; undefined when the container is gone (`--rm`, or a removal that was cut off)
 */
export async function settle(
  store: Store,
  id: string,
  guard: Guard,
  fate: Fate = 'stays',
): Promise<ContainerRow | undefined> {
  const row = containerById(store.database, id);
  if (row === undefined) return undefined;
  if (row.state === 'removing') {
    await removeAll(store, containerOf(store, row), guard);
    return undefined;
  }
  if (row.state !== 'running' && row.state !== 'starting') return row;
  const container = containerOf(store, row);
  const ended = await awaitedEnding(store, row);
  if (ended !== undefined) return await finish(store, container, ended, guard, fate);
  if (hasProcess(row)) return row;
  const adopted = await adopt(store, container);
  if (adopted !== undefined) return adopted;
  const found = foundEnding(store, row);
  return found === undefined ? row : await finish(store, container, found, guard, fate);
}

/**
 * A start whose command was killed: its container runs if "start" had been said, else its shim ends it by itself.
 * @returns undefined when the shim has gone while it was asked
 */
async function adopt(store: Store, { row, start }: Container): Promise<ContainerRow | undefined> {
  if (start === null) return row;
  using client = await connectShim(start.socket, {}).catch(() => undefined);
  if (client === undefined) return row;
  const status = await firstStatus(client);
  if (status?.state === 'created') {
    if (start.held === true) return updateContainer(store.database, row.id, ['starting'], processOf(status));
    // Nobody is left to start it, and not each shim gives up by itself.
    client.killAll();
    await untilExit(client);
    return undefined;
  }
  if (status?.state !== 'running') return status === undefined ? undefined : row;
  const running = updateContainer(store.database, row.id, ['starting'], {
    state: 'running',
    ...processOf(status),
    startedAt: Date.now(),
    restartAt: null,
  });
  emit(store, ...startNews(containerOf(store, running), false));
  return running;
}

function processOf({ pid, startTime }: Status): Pick<ContainerRow, 'pid' | 'pidStartTime'> {
  return { pid, pidStartTime: startTime };
}

/** @returns the row as it is then; undefined when the container was to be removed at its end, and was */
export async function finish(
  store: Store,
  container: Container,
  { ending, released }: FoundEnding,
  _guard: Guard,
  fate: Fate = 'stays',
): Promise<ContainerRow | undefined> {
  const { row, files } = container;
  await releaseKernelState(store, container, released);
  // Of a start that failed nobody was told.
  if (row.state === 'running') emit(store, ...endNews(container, ending));
  if (goesAtItsEnd(store, container)) {
    await removeReleased(store, container, false);
    return undefined;
  }
  if (row.autoRemove) allowRemount(files);
  const neverRan = row.startedAt === null && (ending.failure !== null || (ending.lost && row.state === 'starting'));
  const wait = neverRan || ending.failure !== null || isInitialized(row) ? null : waitForRestart(container, ending);
  const settled = transaction(store.database, () => {
    releaseLeases(store.database, row.id, Date.now());
    return updateContainer(store.database, row.id, ['starting', 'running'], {
      state: fate === 'removing' ? fate : neverRan ? 'created' : 'exited',
      ending: JSON.stringify(isInitialized(row) ? withoutFailure(ending) : ending),
      // The starter was killed between "start" and its note of it.
      // Or it has noted the start of a short one after its end.
      ...(!neverRan && (row.startedAt ?? Infinity) > ending.finishedAt && { startedAt: ending.finishedAt }),
      finishedAt: ending.finishedAt,
      pid: null,
      pidStartTime: null,
      cgroup: null,
      paused: false,
      ...(wait === null ? { restartAt: null } : again(row, ending.finishedAt, wait)),
    });
  });
  if (fate === 'stays') markRecorded(files.exit, files.recorded);
  return settled;
}

/** Of one that waited for its start: that it was killed is no failure of a start. */
function withoutFailure(ending: Ending): Ending {
  const { signal } = ending;
  return signal === 0 ? ending : { ...ending, exitCode: 128 + signal, failure: null };
}

/** As with Docker, it counts as a restart from now on. */
function again({ restartCount }: ContainerRow, finishedAt: number, wait: number): ContainerChange {
  return { restartCount: restartCount + 1, restartWait: wait, restartAt: finishedAt + wait };
}

function waitForRestart({ row, options }: Container, { exitCode, finishedAt }: Ending): number | null {
  const ranFor = finishedAt - (row.startedAt ?? finishedAt);
  const { stopped, restartCount: count, restartWait: wait } = row;
  return nextRestart(options.restart, { exitCode, ranFor, stopped, count, wait });
}

/** Tells the shim that its record has been taken over, without a moment in which it is nowhere on disk. */
function markRecorded(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, `rename "${from}"`);
  }
}

/** @param byShim what the container's shim takes away is gone already */
async function releaseKernelState(store: Store, container: Container, byShim: boolean): Promise<void> {
  const { start, files, options } = container;
  if (start === null) return;
  if (options.runtime !== undefined)
    (await import('../oci-runtime/bundle.ts')).deleteLeft(container.id, start.socket, options.runtime);
  if (existsSync(files.pasta.pid)) await (await import('../../network/pasta.ts')).stopPasta(files.pasta);
  unpublish(store, container);
  if (!byShim) await removeCgroups(start);
  removeSockets(store, start.nonce);
}

async function removeCgroups(start: StartRecord): Promise<void> {
  const cgroup = findCgroup(start.cgroupsPath);
  await removeCgroup(cgroup);
  removeEmptyAbove(cgroup, cgroupsAbove(start));
}

/** Its own, and those of execs whose shims were killed. */
function removeSockets({ layout }: Store, nonce: string): void {
  const prefix = socketPrefix(nonce);
  for (const name of readdirSync(layout.sockets)) {
    if (name.startsWith(prefix)) rmSync(join(layout.sockets, name), { force: true, recursive: true });
  }
}

export type RemovalOptions = {
  /** Its anonymous volumes, too. */
  readonly volumes?: boolean;
  /** `finish` has just left it to its removal. */
  readonly released?: boolean;
};

/**
 * Removes a container that does not run, with its files. A container that was to be removed at its end needs no note
 * of that: whoever finds its row without its directory finds that it has ended, and comes here. Its anonymous volumes go
 * with it; those of another one if that is asked for.
 */
export async function removeAll(
  store: Store,
  container: Container,
  _guard: Guard,
  { volumes = false, released = false }: RemovalOptions = {},
): Promise<void> {
  const { id, row } = container;
  const noted = row.state === 'removing' || (row.autoRemove && (row.state === 'running' || row.state === 'starting'));
  if (!noted) updateContainer(store.database, id, containerStates, { state: 'removing' });
  // One that has ended has let go of it.
  if (!released && row.state !== 'created' && row.state !== 'exited') await releaseKernelState(store, container, false);
  await removeReleased(store, container, volumes);
}

async function removeReleased(store: Store, container: Container, withVolumes: boolean): Promise<void> {
  const { id, row } = container;
  takeOff(container.files.merged, true);
  if (container.options.storageSize !== undefined)
    (await import('../../image/snapshot-quota.ts')).releaseLimit(container.files);
  removeSnapshot(store, id);
  const volumes = transaction(store.database, () => {
    const own = row.autoRemove || withVolumes ? ownVolumes(store.database, id) : [];
    deleteContainer(store.database, id);
    for (const name of own) deleteVolume(store.database, name);
    noteIdleNetworks(store.database, Date.now());
    return own;
  });
  for (const name of volumes) removeNamed(store.layout, volumePath(store.layout, name));
  emit(store, containerNews(container, 'destroy'), ...volumes.map((name) => volumeNews('destroy', name)));
}
