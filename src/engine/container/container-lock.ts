/** The lock of a container. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Guard, lock } from '../../kernel/lock.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';

/** The lock under which a container changes; its file goes with the container. */
export function containerLock(store: Store, id: string): string {
  return join(store.layout.locks, `container-${id}`);
}

export async function lockContainer(context: Context, id: string, signal?: AbortSignal): Promise<Guard> {
  return lock(containerLock(context.store, id), 'exclusive', signal);
}

/** The lock file of a container that is gone. Whoever waits for it finds the file removed and takes a new one. */
export function dropContainerLock(guard: Guard): void {
  rmSync(guard.path, { force: true });
}
