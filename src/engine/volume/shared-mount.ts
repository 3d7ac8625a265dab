/**
 * Volumes that are file systems of their own (a tmpfs, an NFS share) are mounted once: the first container that starts has
 * the mount in its namespace, the next ones get it from there, and it goes with the last of them. Acts.
 */
import { join } from 'node:path';
import { lock } from '../../kernel/lock.ts';
import { isAlive, type ProcessIdentity } from '../../kernel/process-identity.ts';
import { containerById } from '../../store/container-row.ts';
import type { Store } from '../../store/store.ts';
import { containersOfVolume } from '../../store/volume-row.ts';
import { type Container, containerOf } from '../container/container.ts';
import type { VolumeMount } from '../types.ts';
import { volumeFacts } from './volume.ts';
import { isMounted } from './volume-mount.ts';

export type SharedMounts = Disposable & {
  /** Where others have them, by name of volume: "/proc/PID/root/...". */
  readonly sources: ReadonlyMap<string, string>;
  readonly processes: readonly ProcessIdentity[];
};

/** Until it is disposed of, no other container mounts one of them: then this one runs, and has it. */
export async function findSharedMounts(store: Store, { id, options }: Container): Promise<SharedMounts> {
  using held = new DisposableStack();
  const sources = new Map<string, string>();
  const processes: ProcessIdentity[] = [];
  const wanted = (options.mounts ?? []).filter((mount) => mount.type === 'volume' && mount.name !== undefined);
  // In the same order for everybody.
  for (const mount of wanted.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) {
    const name = nameOf(mount);
    if (mount.type !== 'volume' || sources.has(name) || !isMounted(volumeFacts(store, name))) continue;
    held.use(await lock(join(store.layout.locks, `volume-${name}`), 'exclusive'));
    const found = findMount(store, id, name, mount.readOnly);
    if (found === undefined) continue;
    sources.set(name, `/proc/${found.process.pid}/root${found.target}`);
    processes.push(found.process);
  }
  const kept = held.move();
  return { sources, processes, [Symbol.dispose]: () => kept.dispose() };
}

function nameOf(mount: object): string {
  return 'name' in mount ? String(mount.name) : '';
}

type Found = { readonly process: ProcessIdentity; readonly target: string };

/** What is mounted read-only there can't be had for writing. */
function findMount(store: Store, own: string, name: string, readOnly: boolean): Found | undefined {
  for (const id of containersOfVolume(store.database, name)) {
    const row = id === own ? undefined : containerById(store.database, id);
    if (row?.state !== 'running' || row.pid === null || row.pidStartTime === null) continue;
    const process = { pid: row.pid, startTime: row.pidStartTime };
    const mounts = (containerOf(store, row).options.mounts ?? []).filter(
      (mount): mount is VolumeMount => mount.type === 'volume' && mount.name === name,
    );
    const mount = mounts.find((each) => readOnly || !each.readOnly);
    if (mount !== undefined && isAlive(process)) return { process, target: mount.target };
  }
  return undefined;
}
