/**
 * The locks of a store, each a file of its own below RUN/locks. The kernel lets go of them when their holder dies.
 *
 * Order, for those who need several: layers from the lowest up, then content. No lock is held while a container runs.
 *
 *   layer    exclusive by chain id: who unpacks this layer (one flight per key, across processes)
 *   content  shared while something gets its final name and then its row; exclusive while the collector looks for
 *            things without a row, so that it never takes one whose row is about to come
 */
import { join } from 'node:path';
import { type Guard, lock } from '../kernel/lock.ts';
import { type ChainId, digestHex } from '../oci/digest.ts';
import type { Layout } from './layout.ts';

/** @throws OnggiError `cancelled` when `signal` gives up waiting */
export function lockLayer(layout: Layout, chainId: ChainId, signal?: AbortSignal): Promise<Guard> {
  return lock(join(layout.locks, `layer-${digestHex(chainId)}`), 'exclusive', signal);
}

/** @throws OnggiError `cancelled` when `signal` gives up waiting */
export function lockContent(layout: Layout, mode: 'shared' | 'exclusive', signal?: AbortSignal): Promise<Guard> {
  return lock(join(layout.locks, 'content'), mode, signal);
}

/** Names of the lock files that come with each layer and may go when nobody holds them. */
export function isLayerLock(name: string): boolean {
  return name.startsWith('layer-');
}
