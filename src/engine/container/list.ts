/** The list of containers, of rows that have been brought to the truth first. */
import { listAllContainers, listUpContainers } from '../../store/container-row.ts';
import { listAllImages } from '../../store/image-row.ts';
import type { Context } from '../context.ts';
import type { ContainerSummary } from '../types.ts';
import { summariesOf } from './container.ts';
import type { ListQuery } from './containers.ts';
import { beginLook } from './ended.ts';
import { settleStale } from './reconcile.ts';

export async function listContainers(context: Context, query: ListQuery): Promise<ContainerSummary[]> {
  const { store } = context;
  const read = () => summariesOf(store, (query.all === true ? listAllContainers : listUpContainers)(store.database));
  using look = beginLook(store);
  const found = read();
  const summaries = (await settleStale(context, look)) ? read() : found;
  return query.size === true ? await withSizes(context, summaries) : summaries;
}

export async function withSizes(
  { store }: Context,
  containers: readonly ContainerSummary[],
): Promise<ContainerSummary[]> {
  const { containerSize } = await import('./size.ts');
  const images = new Map(listAllImages(store.database).map(({ id, size }) => [id, size]));
  return containers.map((container) => {
    const writable = containerSize(store, container);
    const image = container.imageId === null ? 0 : (images.get(container.imageId) ?? 0);
    return { ...container, size: { writable, virtual: image === 0 ? 0 : image + writable } };
  });
}
