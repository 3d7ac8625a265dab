/**
 * The locks of a store, each a file of its own below RUN/locks. The kernel lets go of them when their holder dies.
 *
 * Order, for those who need several: layers from the lowest up, then content. No lock is held while a container runs.
 *
 *   layer    exclusive by chain id: who unpacks this layer (one flight per key, across processes)
 *   content  shared while something gets its final place and then its row; exclusive while the collector looks for
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

declare const brand: unique symbol;
/** Proof that the content lock is held. */
export type ContentGuard = Guard & { readonly [brand]: 'content' };

/**
 * `shared` for whoever makes a directory or file in its final place before its row is there (a layer, a blob, a
 * container's directory); taken without waiting unless the collector is at work.
 * @throws OnggiError `cancelled` when `signal` gives up waiting
 */
export async function lockContent(
  layout: Layout,
  mode: 'shared' | 'exclusive',
  signal?: AbortSignal,
): Promise<ContentGuard> {
  const guard = await lock(join(layout.locks, 'content'), mode, signal);
  return guard as ContentGuard;
}

/** Names of the lock files that come with each layer and may go when nobody holds them. */
export function isLayerLock(name: string): boolean {
  return name.startsWith('layer-');
}
