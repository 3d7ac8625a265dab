/** What the row of a container says of its start: before it, when it runs, and when it has failed. */
import { rmSync, writeFileSync } from 'node:fs';
import { codes, fromSystemError, OnggiError } from '../../errors.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { randomHex } from '../../random.ts';
import { updateContainer } from '../../store/container-row.ts';
import { transaction } from '../../store/database.ts';
import { socketPath } from '../../store/layout.ts';
import { portsOfContainer } from '../../store/network-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { startNews } from '../event/news.ts';
import { readImageConfig } from '../image/view.ts';
import { listedPorts } from '../listing/listed.ts';
import type { ContainerOptions, Ending, PortMapping } from '../types.ts';
import { type Container, containerOf, exposedOf, type StartRecord } from './container.ts';
import type { Status } from './handshake.ts';
import { exposedPorts } from './inspect-config.ts';
import { ensureDefaultNetwork, takeLeases, takePorts } from './network.ts';
import { cgroupOf } from './plan.ts';
import { otherPorts } from './published.ts';

/** Bytes: the longest record that native/shim/ending.c writes. */
const exitRecordSize = 4096;

/** The row says what will be made before any of it is: state, socket, cgroups, address, ports. */
export async function record(
  { store }: Context,
  { row, files, options, imageExposed }: Container,
  again: boolean,
): Promise<Container> {
  const nonce = randomHex(10);
  const start: StartRecord = { nonce, socket: socketPath(store.layout, nonce), ...cgroupOf(row.id, options) };
  const pasta = row.networkMode === 'bridge' && unprivileged() !== undefined;
  if (pasta) (await import('../../network/pasta.ts')).requirePasta();
  const network = row.networkMode === 'bridge' && !pasta ? ensureDefaultNetwork(store) : null;
  rmSync(files.exit, { force: true });
  rmSync(files.recorded, { force: true });
  // A lock file of its own for each start: an earlier shim may still wait for a slow client, holding the old one.
  rmSync(files.shimLock, { force: true });
  if (options.autoRemove !== true) keepRoomForExit(files.exitRoom);
  const starting = transaction(store.database, () => {
    const ports = portsOf(store, row, options);
    if (network !== null) takeLeases(store, row, network.name, ports);
    if (pasta) takePorts(store, row.id, ports, []);
    return updateContainer(store.database, row.id, ['created', 'exited'], {
      state: 'starting',
      listedPorts: portsInLists(store, row, exposedOf({ imageExposed, options })),
      cgroup: JSON.stringify(start),
      networkName: network?.name ?? null,
      // One that starts again is about to be restarted until it runs, or does not.
      ...(!again && { restartAt: null, restartCount: 0, restartWait: 0, stopped: false }),
    });
  });
  return containerOf(store, starting);
}

/** As they are from now on; most have none, and are not looked up. */
function portsInLists({ database }: Store, { id, networkMode }: Container['row'], exposed: readonly string[]): string {
  if (exposed.length === 0) return '';
  return listedPorts(networkMode === 'bridge' ? exposed : [], portsOfContainer(database, id));
}

/** What is published: what was named, and with `publishAll` all that it listens on otherwise. */
function portsOf(store: Store, { imageId }: Container['row'], options: ContainerOptions): readonly PortMapping[] {
  const { ports = [], publishAll = false } = options;
  if (!publishAll) return ports;
  const image = imageId === null ? null : readImageConfig(store, imageId).value.process;
  return [...ports, ...otherPorts(ports, exposedPorts(options, image))];
}

/** So that how it ended is known on a full disk, too. One that is removed at its end needs no record of it. */
function keepRoomForExit(path: string): void {
  try {
    writeFileSync(path, ' '.repeat(exitRecordSize), { mode: 0o600 });
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

/** @param attached somebody sees its output from the beginning on */
export function noteRunning(
  context: Context,
  container: Container,
  { pid, startTime }: Status,
  startedAt: number,
  attached: boolean,
): Container['row'] {
  const { store } = context;
  const row = updateContainer(store.database, container.id, ['starting'], {
    state: 'running',
    pid,
    pidStartTime: startTime,
    startedAt,
    ending: null,
    finishedAt: null,
    restartAt: null,
  });
  emit(store, ...startNews(containerOf(store, row), attached));
  return row;
}

/** What `inspect` and `why` tell of a start that failed; the exit status is that of Docker. */
export function failedEnding(error: unknown): Ending {
  const { exit } = codes[error instanceof OnggiError ? error.code : 'internal'];
  return {
    exitCode: exit === 126 || exit === 127 ? exit : 128,
    signal: 0,
    oom: null,
    coreDumped: false,
    failure: error instanceof Error ? error.message : String(error),
    sender: null,
    finishedAt: Date.now(),
    lost: false,
  };
}
