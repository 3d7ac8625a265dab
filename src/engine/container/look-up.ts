/** The container that somebody names: all that most commands need of `query.ts`. */
import { findContainer } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { type Container, containerOf } from './container.ts';
import { settleContainer } from './reconcile.ts';

/** @throws OnggiError `not-found` */
export async function lookUp(context: Context, ref: string): Promise<Container> {
  const row = findContainer(context.store.database, ref);
  return containerOf(context.store, await settleContainer(context, row));
}
