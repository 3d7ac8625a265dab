/**
 * The root file system of a container as a mount on the host. That it is mounted is written nowhere but in the kernel: one
 * call puts a mount in its place, so whoever is killed leaves it mounted or not, and `umount` finds what is.
 */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { bindDirectory, bindRootOf, mountOverlay, mountPointsBelow } from '../../kernel/host-mount.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { overlayOptions } from '../../runtime/plan/root.ts';
import { hasProcess, listContainers } from '../../store/container-row.ts';
import type { Store } from '../../store/store.ts';
import { type Container, filesOf } from '../container/container.ts';
import { lockContainer } from '../container/container-lock.ts';
import { lookUp } from '../container/look-up.ts';
import { rootOf } from '../container/plan.ts';
import { unlessEnded } from '../container/settled.ts';
import type { Context } from '../context.ts';
import type { MountedContainer } from '../types/mount.ts';
import { isMounted, takeOff } from './mount-point.ts';

/** Idempotent. @returns the path. @throws OnggiError `denied` for an ordinary user outside of a user namespace */
export async function mountContainer(context: Context, ref: string): Promise<string> {
  checkUser('mount');
  const { id } = await lookUp(context, ref);
  using _ = await lockContainer(context, id);
  const container = await lookUp(context, id);
  const { merged } = container.files;
  if (isMounted(merged)) return merged;
  try {
    mkdirSync(merged, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw fromSystemError(error, `make "${merged}"`);
  }
  try {
    mountRoot(context, container, merged);
  } catch (error) {
    throw unlessEnded(context, container, error);
  }
  return merged;
}

/** What a running container writes is seen, and the reverse. */
function mountRoot(context: Context, container: Container, target: string): void {
  const { row } = container;
  if (hasProcess(row) && row.pid !== null) {
    bindRootOf(row.pid, target);
    return;
  }
  const root = rootOf(context, container);
  if (root.kind === 'directory') {
    bindDirectory(root.path, target, false);
    return;
  }
  const { directory, lower, upper, work, userAttributes } = root;
  const writable = upper === null || work === null ? {} : { writable: { upper, work } };
  mountOverlay(target, { directory, lower, options: overlayOptions(userAttributes), ...writable });
}

/** @param force also while somebody uses it. @throws OnggiError `conflict` when it is not mounted, or in use */
export async function unmountContainer(context: Context, ref: string, force: boolean): Promise<void> {
  checkUser('umount');
  const { id, row } = await lookUp(context, ref);
  using _ = await lockContainer(context, id);
  if (!takeOff(filesOf(context.store, id).merged, force)) {
    throw new OnggiError('conflict', `container "${row.name}" is not mounted`);
  }
}

/** Those of this mount namespace, newest first. */
export async function mountedContainers({ store }: Context): Promise<MountedContainer[]> {
  const found = new Map(mountsOf(store).map((path) => [basename(dirname(path)), path]));
  return listContainers(store.database).flatMap(({ id, name }) => {
    const path = found.get(id);
    return path === undefined ? [] : [{ id: containerIdOf(id), name, path }];
  });
}

function containerIdOf(id: string): MountedContainer['id'] {
  return id as MountedContainer['id'];
}

function mountsOf({ layout }: Store): string[] {
  const real = existsSync(layout.containers) ? realpathSync(layout.containers) : layout.containers;
  return mountPointsBelow(real)
    .filter((path) => basename(path) === 'merged' && dirname(dirname(path)) === real)
    .map((path) => layout.containers + path.slice(real.length));
}

/** What one command of an ordinary user mounts, no other could see: its mount namespace ends with it. */
export function checkUser(command: string): void {
  if (unprivileged() === undefined) return;
  throw new OnggiError('denied', `onggi ${command}: an ordinary user can mount only in a user namespace`, {
    hint: `Use "onggi unshare", and "onggi ${command}" in there.`,
  });
}
