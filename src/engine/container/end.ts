/** Attaching to a running container, and everything that ends one. */
import { constants } from 'node:os';
import { OnggiError } from '../../errors.ts';
import { processStat, signalProcess } from '../../kernel/process-identity.ts';
import { connectShim, type Interest, type ShimClient } from '../../kernel/shim-client.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { killCgroup } from '../../runtime/cgroup/processes.ts';
import { isSignal, parseSignal } from '../../runtime/signal.ts';
import {
  type ContainerRow,
  containerById,
  containerStates,
  hasProcess,
  isInitialized,
  updateContainer,
} from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import { imageStopSignal } from '../image/view.ts';
import { runsSystemd, systemdStopSignal } from '../spec/systemd.ts';
import type { Session } from '../types.ts';
import { type Container, checkNotPaused, containerOf } from './container.ts';
import { dropContainerLock, lockContainer } from './container-lock.ts';
import { checkAttachable, containerSession } from './container-session.ts';
import type { AttachOptions, RemoveOptions, StopOptions } from './containers.ts';
import { removeAll, settle } from './finish.ts';
import { untilExit } from './handshake.ts';
import { releaseIdleNetworks } from './idle-network.ts';
import { lookUp } from './look-up.ts';
import { isRestarting } from './not-running.ts';
import { letGoOn } from './pause.ts';
import { haveRestarted } from './reconcile.ts';
import { removeDependents } from './requirements.ts';

const defaultStopTimeout = 10;

export async function attach(context: Context, ref: string, options: AttachOptions): Promise<Session> {
  const container = await lookUp(context, ref);
  if (container.row.state !== 'running') throw notRunning(container, 'attach to');
  checkNotPaused(container, 'attach to');
  checkAttachable(container);
  const stdin = options.stdin !== false && container.options.stdin === true;
  const client = await connect(container, { stdin, stdout: true, stderr: true });
  if (client === undefined) throw notRunning(container, 'attach to');
  emit(context.store, containerNews(container, 'attach'));
  return containerSession(context, container, client);
}

export async function stop(context: Context, ref: string, options: StopOptions): Promise<void> {
  const container = await lookUp(context, ref);
  keepEnded(context, container);
  if (isInitialized(container.row)) {
    await killAll(context, container);
    await settleNow(context, container);
    return;
  }
  if (container.row.state !== 'running') return;
  const timeout = options.timeout ?? container.options.stopTimeout ?? defaultStopTimeout;
  using client = await connectToEnd(container);
  if (client !== undefined) {
    const signal = stopSignal(context, container, options.signal);
    await client.signal(signal);
    tellSignal(context, container, signal);
    await letGoOn(context, container);
    const exit = untilExit(client);
    if (timeout >= 0 && !(await settlesWithin(exit, timeout))) {
      client.killAll();
      tellSignal(context, container, constants.signals.SIGKILL);
      await exit;
    } else {
      await exit;
    }
  }
  await settleNow(context, container);
  emit(context.store, containerNews(container, 'stop'));
}

function tellSignal({ store }: Context, container: Container, signal: number): void {
  emit(store, containerNews(container, 'kill', { signal: `${signal}` }));
}

/** It is not to run again until somebody starts it. */
function keepEnded({ store }: Context, { id, options }: Container): void {
  if ((options.restart?.name ?? 'no') === 'no') return;
  updateContainer(store.database, id, containerStates, { stopped: true, restartAt: null });
}

/**
 * What was asked for now, else at creation, else by the image, else what systemd wants where it runs. An image may name a signal that there is not: that must
 * not keep its containers from being stopped, so SIGTERM is sent, as by Docker.
 */
function stopSignal({ store }: Context, { options, row, args }: Container, asked: string | undefined): number {
  const chosen = asked ?? options.stopSignal;
  if (chosen !== undefined) return parseSignal(chosen);
  const usual = runsSystemd(options, args) ? systemdStopSignal : 'SIGTERM';
  const ofImage = imageStopSignal(store, row.imageId) ?? usual;
  return parseSignal(isSignal(ofImage) ? ofImage : usual);
}

export async function kill(context: Context, ref: string, signal: string): Promise<void> {
  const number = parseSignal(signal);
  const container = await lookUp(context, ref);
  const isStop = number === parseSignal('SIGKILL') || number === stopSignal(context, container, undefined);
  // Nobody is there to get it, but what it is for can be had, as with Docker: it does not run again.
  if (isStop && isRestarting(container.row)) return keepEnded(context, container);
  if (container.row.state !== 'running') throw notRunning(container, 'kill');
  using client = await connectToEnd(container);
  if (client === undefined) throw notRunning(container, 'kill');
  if (isStop) keepEnded(context, container);
  await client.signal(number);
  tellSignal(context, container, number);
  if (isStop) await letGoOn(context, container);
  if (number !== parseSignal('SIGKILL')) return;
  await untilExit(client);
  await settleNow(context, container);
}

export async function remove(context: Context, ref: string, options: RemoveOptions): Promise<string[]> {
  const container = await lookUp(context, ref);
  const alive = isUnderWay(container.row);
  checkEnded(container.row, options);
  if (container.row.restartAt !== null && options.force !== true) {
    throw new OnggiError('conflict', `cannot remove container "${container.row.name}": container is restarting`, {
      hint: 'Stop the container before removing it, or use -f to remove it.',
    });
  }
  const removeOne = options.depend === true ? (id: string) => remove(context, id, options) : undefined;
  const dependents = await removeDependents(context.store, container, removeOne);
  // Without force it does not run, and is refused if it does by now: then it is to run on by its policy.
  if (options.force === true) keepEnded(context, container);
  if (alive) {
    tellSignal(context, container, constants.signals.SIGKILL);
    await killAll(context, container);
  }
  using guard = await lockContainer(context, container.id);
  let row = await settle(context.store, container.id, guard, 'removing');
  if (row !== undefined && isUnderWay(row)) {
    // Somebody has started it since.
    checkEnded(row, options);
    await killAll(context, containerOf(context.store, row));
    row = await settle(context.store, container.id, guard, 'removing');
  }
  if (row !== undefined) {
    const released = row.state === 'removing';
    await removeAll(context.store, containerOf(context.store, row), guard, {
      volumes: options.volumes === true,
      released,
    });
  }
  dropContainerLock(guard);
  await releaseIdleNetworks(context.store);
  return dependents;
}

function isUnderWay({ state }: ContainerRow): boolean {
  return state === 'running' || state === 'starting';
}

/** @throws OnggiError `conflict` for one that runs, unless it is to be killed */
function checkEnded(row: ContainerRow, { force = false }: RemoveOptions): void {
  if (force || !isUnderWay(row) || isInitialized(row)) return;
  const state = row.paused ? 'paused and must be unpaused first' : 'running';
  throw new OnggiError('conflict', `cannot remove container "${row.name}": container is ${state}`, {
    hint: 'Stop the container before removing it, or use -f to kill and remove it.',
  });
}

/** Ends all processes and waits until the record of the end is on disk. */
async function killAll(context: Context, container: Container): Promise<void> {
  using client = await connectToEnd(container);
  if (client === undefined) {
    if (container.start !== null) await killCgroup(findCgroup(container.start.cgroupsPath));
    return;
  }
  client.killAll();
  await letGoOn(context, container);
  await untilExit(client);
}

export async function wait(context: Context, ref: string): Promise<number> {
  const container = await lookUp(context, ref);
  if (hasProcess(container.row)) {
    using client = await connect(container, {});
    const report = client === undefined ? undefined : await untilExit(client);
    await settleNow(context, container);
    // The row may be gone by now, or of a later run.
    if (report !== undefined) return report.exitCode;
  }
  const row = containerById(context.store.database, container.id);
  if (row === undefined) throw new OnggiError('not-found', `No such container: ${ref}`);
  return containerOf(context.store, row).ending?.exitCode ?? 0;
}

function notRunning({ row }: Container, verb: string): OnggiError {
  if (isRestarting(row)) {
    return new OnggiError('conflict', `cannot ${verb} container "${row.name}": it is restarting`, {
      hint: `Wait until it runs, or end its restarts with "onggi stop ${row.name}".`,
    });
  }
  return new OnggiError('conflict', `cannot ${verb} container "${row.name}": it is not running`, {
    hint: `Start it with "onggi start ${row.name}".`,
  });
}

/** A shim that somebody has stopped would keep whoever ends its container waiting. */
async function connectToEnd(container: Container): Promise<ShimClient | undefined> {
  const { pid, pidStartTime } = container.row;
  const init = pid === null ? undefined : processStat(pid);
  const shim = init === undefined || init.startTime !== pidStartTime ? undefined : processStat(init.parent);
  if (shim?.state === 'T') signalProcess(shim, constants.signals.SIGCONT);
  return await connect(container, {});
}

/** Undefined when the shim is gone: then the container has ended, whatever its row says. */
async function connect({ start }: Container, interest: Interest): Promise<ShimClient | undefined> {
  if (start === null) return undefined;
  try {
    return await connectShim(start.socket, interest);
  } catch (error) {
    const gone = error instanceof OnggiError && (error.code === 'not-found' || error.code === 'unavailable');
    if (gone) return undefined;
    throw error;
  }
}

async function settleNow(context: Context, { id }: Container): Promise<void> {
  using guard = await lockContainer(context, id);
  const row = await settle(context.store, id, guard);
  if (row === undefined) dropContainerLock(guard);
  await releaseIdleNetworks(context.store);
  await haveRestarted(context, row);
}

/** @param seconds of waiting */
async function settlesWithin(work: Promise<unknown>, seconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), seconds * 1000);
  });
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
