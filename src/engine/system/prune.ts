/** Removing all that nothing needs any more. */
import { OnggiError } from '../../errors.ts';
import { collect } from '../../image/collect.ts';
import { allSummaries } from '../container/container.ts';
import { remove } from '../container/end.ts';
import { settleStale } from '../container/reconcile.ts';
import { containerSize } from '../container/size.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { pruneNews } from '../event/news.ts';
import { pruneImages } from '../image/change.ts';
import type { RemovedImage } from '../image/images.ts';
import { pruneVolumes } from '../volume/volume.ts';

export type PruneSystemOptions = {
  /** Images with names too, if no container was made of them. */
  readonly all?: boolean;
  /** Anonymous volumes too. */
  readonly volumes?: boolean;
  /** Only what was created before; milliseconds since the epoch. Volumes have no such time that counts. */
  readonly before?: number;
  readonly labels?: (labels: Readonly<Record<string, string>>) => boolean;
};

export type PrunedSystem = {
  /** Ids. */
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly images: readonly RemovedImage[];
  /** Bytes. */
  readonly reclaimed: number;
};

/** What killed processes have left goes, too. @throws OnggiError `cancelled` */
export async function pruneSystem(context: Context, options: PruneSystemOptions): Promise<PrunedSystem> {
  const { all = false, before, labels } = options;
  const containers = await pruneContainers(context, options);
  const volumes = options.volumes === true ? await pruneAnonymous(context, options) : [];
  const images = await pruneImages(context, {
    all,
    ...(before !== undefined && { before }),
    ...(labels !== undefined && { labels }),
  });
  await collect(context.store);
  const parts = [...containers, ...volumes, ...images];
  return {
    containers: containers.map(({ id }) => id),
    volumes: volumes.map(({ id }) => id),
    images,
    reclaimed: total(parts),
  };
}

/** `reclaimed` in bytes. */
export type Pruned = { readonly id: string; readonly reclaimed: number };

/** Those that don't run. */
export async function pruneContainers(
  context: Context,
  { before, labels }: Pick<PruneSystemOptions, 'before' | 'labels'>,
): Promise<Pruned[]> {
  await settleStale(context);
  const pruned: Pruned[] = [];
  for (const container of allSummaries(context.store)) {
    const { id, imageId, status, created } = container;
    if (status !== 'created' && status !== 'exited') continue;
    if ((before !== undefined && created >= before) || labels?.(container.labels) === false) continue;
    const reclaimed = containerSize(context.store, { id, imageId });
    try {
      await remove(context, id, {});
      pruned.push({ id, reclaimed });
    } catch (error) {
      // Somebody removed or started it meanwhile.
      const code = error instanceof OnggiError ? error.code : undefined;
      if (code !== 'not-found' && code !== 'conflict') throw error;
    }
  }
  emit(context.store, pruneNews('container', total(pruned)));
  return pruned;
}

function total(pruned: readonly { readonly reclaimed: number }[]): number {
  return pruned.reduce((sum, { reclaimed }) => sum + reclaimed, 0);
}

async function pruneAnonymous(context: Context, { labels }: PruneSystemOptions): Promise<Pruned[]> {
  const removed = await pruneVolumes(context, (volume) => volume.anonymous && labels?.(volume.labels) !== false);
  return removed.map(({ name, reclaimed }) => ({ id: name, reclaimed }));
}
