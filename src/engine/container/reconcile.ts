/** Bringing the database to the truth after anything was killed. Every command does this for what it touches. */
import { OnggiError } from '../../errors.ts';
import { type Guard, lock, tryLock } from '../../kernel/lock.ts';
import {
  type ContainerRow,
  containerById,
  dueRestarts,
  hasProcess,
  isInitialized,
  listContainers,
  updateContainer,
} from '../../store/container-row.ts';
import { idleNetworks } from '../../store/network-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { containerOf } from './container.ts';
import { containerLock, dropContainerLock, lockContainer } from './container-lock.ts';
import { beginLook, hasEnded, type Look } from './ended.ts';

// What finishes containers and networks is loaded where there is something to finish: every look at one comes by here.

async function releaseIdle(store: Store): Promise<void> {
  if (idleNetworks(store.database).length > 0) await (await import('./idle-network.ts')).releaseIdleNetworks(store);
}

async function visitIdle(store: Store): Promise<void> {
  if (idleNetworks(store.database).length > 0) await (await import('./idle-network.ts')).visitIdleNetworks(store);
}

/** Milliseconds that another command may take to settle a container. */
const settlingTime = 2000;

/**
 * The row as it really is. Takes the lock only when the row is wrong, so looking at a container never waits for one
 * that is just being started or stopped by somebody else.
 * @throws OnggiError `not-found` when the container turns out to be gone
 */
export async function settleContainer(context: Context, row: ContainerRow): Promise<ContainerRow> {
  if (!isStale(context.store, row)) return row;
  const guard = await lockStale(context.store, row);
  if (guard === undefined) return containerById(context.store.database, row.id) ?? gone(row.name);
  return (await settleUnder(context, row.id, guard)) ?? gone(row.name);
}

function gone(name: string): never {
  throw new OnggiError('not-found', `No such container: ${name}`);
}

async function settleUnder(context: Context, id: string, guard: Guard): Promise<ContainerRow | undefined> {
  const settled = await settleHeld(context, id, guard);
  await releaseIdle(context.store);
  await haveRestarted(context, settled);
  return settled;
}

async function settleHeld(context: Context, id: string, guard: Guard): Promise<ContainerRow | undefined> {
  using held = guard;
  const { settle } = await import('./finish.ts');
  const settled = await settle(context.store, id, held);
  if (settled === undefined) dropContainerLock(held);
  return settled;
}

/**
 * All containers whose rows are wrong; those that another command holds are that command's business.
 * @param look begun by somebody who had something to do meanwhile
 * @returns whether any row may have changed since it began
 */
export async function settleStale(context: Context, look?: Pick<Look, 'ended'>): Promise<boolean> {
  const { store } = context;
  const suspected = suspects(store, (look ?? beginLook(store)).ended());
  for (const row of suspected.filter((each) => isStale(store, each))) {
    const guard = await lockStale(store, row);
    if (guard !== undefined) await settleUnder(context, row.id, guard);
  }
  await releaseIdle(store);
  const due = dueRestarts(store.database, Date.now(), overdue);
  for (const id of due) await haveRestarted(context, containerById(store.database, id));
  // One that is not stale any more was settled by somebody else meanwhile.
  return suspected.length + due.length > 0;
}

/** Those that may be stale, or have been. */
function suspects({ database }: Store, ended: readonly string[]): ContainerRow[] {
  const between = listContainers(database, ['starting', 'removing']);
  return [...between, ...ended.flatMap((id) => containerById(database, id) ?? [])];
}

/**
 * After the machine has started: what its end cut off is settled, and what the restart policies want runs again. As with
 * Docker, `always` holds for what somebody has stopped, too.
 * @returns names of those that could not be started, with why
 */
export async function boot(context: Context): Promise<{ readonly name: string; readonly error: unknown }[]> {
  const { database } = context.store;
  for (const row of listContainers(database, ['starting', 'running', 'removing'])) {
    await settleHeld(context, row.id, await lockContainer(context, row.id));
  }
  await visitIdle(context.store);
  const { startAgain } = await import('./start.ts');
  const failed: { readonly name: string; readonly error: unknown }[] = [];
  for (const row of listContainers(database, ['exited']).reverse()) {
    const always = containerOf(context.store, row).options.restart?.name === 'always';
    if (row.restartAt === null && !(always && row.stopped)) continue;
    try {
      if (row.restartAt === null) updateContainer(database, row.id, ['exited'], { restartAt: Date.now() });
      await startAgain(context, row.id);
    } catch (error) {
      failed.push({ name: row.name, error });
    }
  }
  return failed;
}

/** Milliseconds after which a restart that is due has nobody who waits for it: that one was killed, or the machine. */
const overdue = 1000;

/** Has a process of its own start the container when it is due, if it is to run again. */
export async function haveRestarted(context: Context, row: ContainerRow | undefined): Promise<void> {
  if (row?.restartAt == null || row.state !== 'exited') return;
  const { runDetached } = await import('./restart-wait.ts');
  runDetached(context.reconcileCommand(row.id));
}

/**
 * A container that has ended is being settled by whoever holds its lock: worth the wait of a moment, because its row
 * is wrong until then. One that is being started is not.
 */
async function lockStale(store: Store, row: ContainerRow): Promise<Guard | undefined> {
  const path = containerLock(store, row.id);
  const guard = tryLock(path, 'exclusive');
  if (guard !== undefined || row.state !== 'running') return guard;
  try {
    return await lock(path, 'exclusive', AbortSignal.timeout(settlingTime));
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'cancelled') return undefined;
    throw error;
  }
}

function isStale(store: Store, row: ContainerRow): boolean {
  // A row that is in between is right only as long as somebody works on it, which the lock then tells.
  if (row.state === 'removing' || (row.state === 'starting' && !isInitialized(row))) return true;
  return hasProcess(row) && hasEnded(store, row);
}

async function restartDue(context: Context, row: ContainerRow | undefined): Promise<void> {
  if (row?.restartAt != null) await (await import('./restart-wait.ts')).restartWhenDue(context, row.id);
}

/** `onggi reconcile [ID]`: one container, waiting for its lock; or everything, garbage included. */
export async function reconcile(context: Context, id?: string): Promise<void> {
  if (id !== undefined) {
    const row = await settleHeld(context, id, await lockContainer(context, id));
    const visit = visitIdle(context.store);
    // Its next start does not wait until the bridge has been idle for long enough, and mostly comes before that.
    const [restarted] = await Promise.allSettled([restartDue(context, row), visit]);
    await visit;
    if (restarted.status === 'rejected') throw restarted.reason;
    return;
  }
  await settleStale(context);
  await visitIdle(context.store);
  const { collect } = await import('../../image/collect.ts');
  await collect(context.store);
}
