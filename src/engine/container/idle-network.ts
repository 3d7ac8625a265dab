/**
 * The end of a bridge. To remove one takes the kernel some 45 ms, longer than all the rest of a short container, and
 * the next container often comes at once. So a foreground `run` leaves an idle bridge standing and has its shim, which
 * costs next to nothing, call somebody after a grace period; the row says that somebody is on the way. All others
 * remove what is idle and expects nobody, so a bridge is forgotten by no crash.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { ShimClient } from '../../kernel/shim-client.ts';
import { removeBridge } from '../../network/bridge.ts';
import { announceVisit, deactivateNetwork, type IdleNetwork, idleNetworks } from '../../store/network-row.ts';
import type { Store } from '../../store/store.ts';
import { lockNetwork, networkOf } from './network.ts';

/** Milliseconds that an idle bridge waits for another container. */
const grace = 1000;
/** Milliseconds after which a visitor who was announced is taken for dead. */
const patience = 5000;

/** Leaves idle bridges to a visitor, whom the shim calls. */
export async function leaveIdleNetworks(store: Store, client: ShimClient): Promise<void> {
  if (idleNetworks(store.database).length === 0) return;
  const now = Date.now();
  if (!announceVisit(store.database, now, now + grace + patience)) return;
  try {
    await client.linger(grace);
  } catch {
    // The shim was killed meanwhile: nobody will come, so do it now.
    for (const network of idleNetworks(store.database)) await release(store, network);
  }
}

/** Removes the idle bridges that expect no visitor. */
export async function releaseIdleNetworks(store: Store): Promise<void> {
  const now = Date.now();
  for (const network of idleNetworks(store.database)) if (network.visit < now) await release(store, network);
}

/** The visit: stays until no bridge is idle, because no other visitor is called before. */
export async function visitIdleNetworks(store: Store): Promise<void> {
  for (let idle = idleNetworks(store.database); idle.length > 0; idle = idleNetworks(store.database)) {
    const now = Date.now();
    const due = idle.filter(({ idleSince }) => idleSince + grace <= now);
    for (const network of due) await release(store, network);
    if (due.length > 0) continue;
    // Somebody used it since; whoever comes to that end finds us still announced.
    announceVisit(store.database, Number.MAX_SAFE_INTEGER, now + grace + patience);
    await pause(Math.max(1, Math.min(...idle.map(({ idleSince }) => idleSince + grace - now))));
  }
}

async function release(store: Store, { name, idleSince }: IdleNetwork): Promise<void> {
  using _held = await lockNetwork(store, name);
  // Somebody may have taken a lease while we waited, and given it back.
  const idle = idleNetworks(store.database).some((network) => network.name === name && network.idleSince === idleSince);
  if (!idle) return;
  removeBridge(networkOf(store, name));
  deactivateNetwork(store.database, name);
}
