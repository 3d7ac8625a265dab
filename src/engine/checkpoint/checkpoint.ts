/** Checkpoints of containers: all of its processes as files, from which a later start goes on (restore.ts). */
import { dump } from '../../criu/dump.ts';
import { checkRoot } from '../../criu/errors.ts';
import { checkCheckpointable } from '../../criu/external.ts';
import { OnggiError, unsupported } from '../../errors.ts';
import { connectShim } from '../../kernel/shim-client.ts';
import type { Spec } from '../../oci/runtime-spec.ts';
import { containerById, updateContainer } from '../../store/container-row.ts';
import { type Container, checkNotPaused, isHost } from '../container/container.ts';
import { dropContainerLock, lockContainer } from '../container/container-lock.ts';
import { settle } from '../container/finish.ts';
import { untilExit } from '../container/handshake.ts';
import { releaseIdleNetworks } from '../container/idle-network.ts';
import { lookUp } from '../container/look-up.ts';
import { withContainer } from '../container/settled.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import { readSpec } from '../spec/file.ts';
import { initPlaceOf } from '../spec/init.ts';
import type { CheckpointOptions, CheckpointPlace } from '../types/checkpoint.ts';
import {
  checkDirectory,
  findCheckpoint,
  listDirectories,
  makeCheckpoint,
  removeTree,
  workDirectory,
  writeOwner,
} from './directory.ts';
import { criuOptions } from './options.ts';

/**
 * The container has ended then, unless it was to go on. When it fails the container runs on, and nothing is left of the
 * checkpoint.
 *
 * @throws OnggiError `conflict` when it does not run; `exists`; `unsupported` for what can't be brought back;
 *   `not-found` without criu; `internal` with the last errors of criu's log
 */
export async function createCheckpoint(
  context: Context,
  ref: string,
  name: string,
  options: CheckpointOptions,
): Promise<void> {
  checkRoot('checkpoint');
  checkDirectory(options);
  const ended = await withContainer(context, ref, async (container) => {
    if (container.row.state !== 'running' || container.row.pid === null) {
      throw new OnggiError('conflict', `Container ${container.row.id} is not running`);
    }
    checkNotPaused(container, 'checkpoint');
    checkOptions(container, readSpec(container.files.config));
    await write(context, container, container.row.pid, name, options);
    emit(context.store, containerNews(container, 'checkpoint'));
    return options.leaveRunning === true ? undefined : container;
  });
  if (ended !== undefined) await settleEnded(context, ended);
}

/** @throws OnggiError `unsupported`: what criu could not bring back, or not from here */
export function checkOptions(container: Container, spec: Spec): void {
  const { init, initPath, runtime, sdnotify, log } = container.options;
  const what = (word: string) => unsupported(`checkpoint and restore of a container with ${word}`);
  if (runtime !== undefined) throw what('--runtime');
  if (init === true && initPath === undefined && initPlaceOf(spec) === undefined) {
    throw what('--init together with --pid or a mount at /dev');
  }
  if (sdnotify !== undefined) throw what('--sdnotify');
  if (log?.driver === 'passthrough') throw what('the log driver passthrough');
  if (isHost(container)) throw what('the image "host"');
}

async function write(
  context: Context,
  container: Container,
  pid: number,
  name: string,
  options: CheckpointOptions,
): Promise<void> {
  const { files, row } = container;
  const spec = readSpec(files.config);
  checkCheckpointable(spec);
  const images = makeCheckpoint(container, name, options);
  const leaveRunning = options.leaveRunning === true;
  try {
    writeOwner(container, images);
    await dump(
      { pid, spec, rootfs: files.rootfs },
      {
        ...criuOptions(spec, images, workDirectory(container)),
        ...{ leaveRunning, preDump: false, parent: null, pageServer: null, statusFd: null },
      },
    );
    // Its end was asked for, so it is no reason to start it again. Nobody settles it before: the lock is ours.
    if (!leaveRunning) updateContainer(context.store.database, row.id, ['running'], { stopped: true });
  } catch (error) {
    removeTree(images);
    throw error;
  }
}

/** criu has killed it; how that was is the shim's to record. */
async function settleEnded(context: Context, { id, start }: Container): Promise<void> {
  using client = start === null ? undefined : await connectShim(start.socket, {}).catch(() => undefined);
  if (client !== undefined) await untilExit(client);
  using guard = await lockContainer(context, id);
  const row = await settle(context.store, id, guard);
  if (row === undefined || containerById(context.store.database, id) === undefined) dropContainerLock(guard);
  await releaseIdleNetworks(context.store);
}

/** Names, sorted. */
export async function listCheckpoints(context: Context, ref: string, place: CheckpointPlace): Promise<string[]> {
  return listDirectories(await lookUp(context, ref), place);
}

/** @throws OnggiError `not-found` */
export async function removeCheckpoint(
  context: Context,
  ref: string,
  name: string,
  place: CheckpointPlace,
): Promise<void> {
  await withContainer(context, ref, async (container) => removeTree(findCheckpoint(container, name, place)));
}
