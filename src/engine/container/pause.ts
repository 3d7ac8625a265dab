/** Pausing: the processes of a container are frozen where they are, and let go on. */
import { OnggiError } from '../../errors.ts';
import { freezeCgroup, thawCgroup } from '../../runtime/cgroup/freeze.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { containerById, updateContainer } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import type { Container } from './container.ts';
import { notRunning } from './not-running.ts';
import { unlessEnded, withContainer } from './settled.ts';

/** @throws OnggiError `conflict` when it does not run, or is paused already */
export async function pause(context: Context, ref: string): Promise<void> {
  await withContainer(context, ref, async (container) => {
    const { row, start } = container;
    if (row.state !== 'running' || start === null) throw notRunning(container);
    if (row.paused) throw new OnggiError('conflict', `Container ${row.name} is already paused`);
    // Noted first: one that is noted and goes on can be unpaused, one that stands still unnoted could not.
    updateContainer(context.store.database, row.id, ['running'], { paused: true });
    try {
      await freezeCgroup(findCgroup(start.cgroupsPath));
    } catch (error) {
      updateContainer(context.store.database, row.id, ['running'], { paused: false });
      throw unlessEnded(context, container, error);
    }
    emit(context.store, containerNews(container, 'pause'));
  });
}

/** @throws OnggiError `conflict` when it is not paused */
export async function unpause(context: Context, ref: string): Promise<void> {
  await withContainer(context, ref, async (container) => {
    const { row } = container;
    if (row.state !== 'running' || !row.paused) throw new OnggiError('conflict', `Container ${row.name} is not paused`);
    await letGoOn(context, container);
    emit(context.store, containerNews(container, 'unpause'));
  });
}

/** Thaws one that is paused, so that signals reach it; whoever ends it needs no lock for that. */
export async function letGoOn({ store }: Context, { id, start }: Container): Promise<void> {
  if (start === null || containerById(store.database, id)?.paused !== true) return;
  await thawCgroup(findCgroup(start.cgroupsPath)).catch(unlessGone);
  try {
    updateContainer(store.database, id, ['running'], { paused: false });
  } catch (error) {
    unlessGone(error);
  }
}

/** It may end as soon as it goes on, and take its cgroup and its state with it. */
function unlessGone(error: unknown): void {
  if (!(error instanceof OnggiError) || !['not-found', 'conflict'].includes(error.code)) throw error;
}
