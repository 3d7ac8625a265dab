/** Acting on a container while nobody else does: under its lock, with its row brought to the truth. */
import { OnggiError } from '../../errors.ts';
import { findContainer, hasProcess } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { type Container, containerOf } from './container.ts';
import { dropContainerLock, lockContainer } from './container-lock.ts';
import { hasEnded } from './ended.ts';
import { settle } from './finish.ts';
import { notRunning } from './not-running.ts';

/** @throws OnggiError `not-found`, also when it has gone meanwhile */
export async function withContainer<T>(
  context: Context,
  ref: string,
  act: (container: Container) => Promise<T>,
): Promise<T> {
  const { id } = findContainer(context.store.database, ref);
  using guard = await lockContainer(context, id);
  const row = await settle(context.store, id, guard);
  if (row === undefined) {
    dropContainerLock(guard);
    throw new OnggiError('not-found', `No such container: ${ref}`);
  }
  return await act(containerOf(context.store, row));
}

/** What the kernel says of a container that has ended meanwhile is that something of it is not there. */
export function unlessEnded({ store }: Context, container: Container, error: unknown): unknown {
  const { row } = container;
  const ended = error instanceof OnggiError && hasProcess(row) && hasEnded(store, row);
  return ended ? notRunning(container, error) : error;
}
