/**
 * Starting a container (ARCHITECTURE, "Life of a container"). All that outlives this process is in the row before it
 * is made; what fails is undone in the reverse order, and what a killed start leaves is undone by whoever looks next.
 */
import { OnggiError } from '../../errors.ts';
import { type Guard, lock } from '../../kernel/lock.ts';
import { type StartingShim, startShim } from '../../kernel/shim.ts';
import { connectShim, type Interest, type ShimClient } from '../../kernel/shim-client.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import { encodePlan } from '../../runtime/plan/encode.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import { containerById, findContainer, isInitialized } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { healthSettings } from '../health/settings.ts';
import { readImageConfig } from '../image/view.ts';
import { isOn } from '../log/log-config.ts';
import type { ServiceNotice } from '../notify/service.ts';
import type { ContainerId, ContainerOptions, Ending, Session } from '../types.ts';
import { findSharedMounts } from '../volume/shared-mount.ts';
import { hasGiven } from '../volume/volume-mount.ts';
import { type Container, containerOf } from './container.ts';
import { lockContainer } from './container-lock.ts';
import { checkAttachable, containerSession } from './container-session.ts';
import type { RunOptions, StartOptions } from './containers.ts';
import { insertNew } from './create.ts';
import { finish, removeAll, settle } from './finish.ts';
import { goneAway, type Output, type Status, until, untilExit } from './handshake.ts';
import { releaseIdleNetworks } from './idle-network.ts';
import { findJoined, stillThere } from './joined.ts';
import { connectNetwork, connectPasta, publish, usesPasta } from './network.ts';
import { compileContainer } from './plan.ts';
import { goesAtItsEnd, startRequired } from './requirements.ts';
import { keepShim, keepShimSoon } from './shim-scope.ts';
import { failedEnding, noteRunning, record } from './start-record.ts';

export async function startDetached(context: Context, ref: string, options: StartOptions = {}): Promise<void> {
  const tell = await startUntold(context, ref, options);
  // Without the lock of the container: it may be stopped while its manager waits for it.
  await tell?.();
}

/** @returns what tells the service manager, where there is one */
async function startUntold(
  context: Context,
  ref: string,
  { checkpoint, inherit }: StartOptions,
): Promise<(() => Promise<void>) | undefined> {
  const { id } = await withRequired(context, ref);
  using guard = await lockContainer(context, id);
  const container = await startable(context, id, guard);
  if (container.row.paused) {
    throw new OnggiError('conflict', 'cannot start a paused container, try unpause instead');
  }
  if (container.row.state === 'running') return undefined;
  const started = await start(context, container, guard, {}, { checkpoint, inherit });
  await keepShim(context, started.init, id);
  started.client.close();
  return started.tell;
}

/** @throws OnggiError `conflict` when it runs already: attach to it instead */
export async function startAttached(context: Context, ref: string, options: RunOptions): Promise<Session> {
  const { id } = await withRequired(context, ref);
  using guard = await lockContainer(context, id);
  const container = await startable(context, id, guard);
  if (container.row.state === 'running') {
    throw new OnggiError('conflict', `container "${container.row.name}" is running already`, {
      hint: `Use "onggi attach ${container.row.name}".`,
    });
  }
  if (options.follow !== true) checkAttachable(container);
  return await session(context, container, guard, options);
}

export async function runContainer(
  context: Context,
  options: ContainerOptions,
  run: RunOptions = {},
): Promise<{ readonly id: ContainerId; readonly session: Session }> {
  for (const ref of options.requires ?? []) await startDetached(context, ref);
  const row = await insertNew(context, options);
  using guard = await lockContainer(context, row.id);
  const container = containerOf(context.store, row);
  return {
    id: container.id,
    session: await session(context, container, guard, { stdin: options.stdin === true, ...run }),
  };
}

/** Its row, once all that it requires runs. */
export async function withRequired(context: Context, ref: string): Promise<Container['row']> {
  const row = findContainer(context.store.database, ref);
  try {
    await startRequired(containerOf(context.store, row), (id) => startDetached(context, id));
  } catch (error) {
    if (row.autoRemove) await dropUnstarted(context, row.id);
    throw error;
  }
  return row;
}

/** With `--rm`, one that can't be started goes, as with Docker. */
async function dropUnstarted(context: Context, id: string): Promise<void> {
  using guard = await lockContainer(context, id);
  const row = await settle(context.store, id, guard);
  if (row?.state !== 'created') return;
  const container = containerOf(context.store, row);
  if (goesAtItsEnd(context.store, container)) await removeAll(context.store, container, guard);
}

async function session(
  context: Context,
  container: Container,
  guard: Guard,
  { stdin = false, checkpoint, inherit }: RunOptions,
): Promise<Session> {
  const interest = { stdin, stdout: true, stderr: true, reconciles: true };
  const { client, early, row, init, tell } = await start(context, container, guard, interest, { checkpoint, inherit });
  void tell?.().catch((error: unknown) => context.warn(error instanceof Error ? error.message : String(error)));
  const kept = keepShimSoon(context, init, container.id);
  return containerSession(context, containerOf(context.store, row), client, early, kept);
}

/** The container as it is now. @throws OnggiError `not-found` when it was removed while we waited for its lock */
export async function startable(context: Context, id: string, guard: Guard): Promise<Container> {
  const row = await settle(context.store, id, guard);
  if (row === undefined) throw new OnggiError('not-found', `No such container: ${id}`);
  return containerOf(context.store, row);
}

/**
 * Starts a container that is to run again, if it still is. A start that fails ends the restarts, as with Docker.
 * @returns whether it was started
 */
export async function startAgain(context: Context, id: string): Promise<boolean> {
  await withRequired(context, id);
  using guard = await lockContainer(context, id);
  const row = await settle(context.store, id, guard);
  if (row === undefined || row.state !== 'exited' || row.restartAt === null) return false;
  const { client, init } = await start(context, containerOf(context.store, row), guard, {}, { again: true });
  await keepShim(context, init, id);
  client.close();
  return true;
}

export type StartWay = StartOptions & {
  /** By its restart policy. */
  readonly again?: boolean;
  /** Only up to where its command would be executed; its shim waits for the word from whoever says it. */
  readonly hold?: boolean;
};

export type Started = {
  readonly client: ShimClient;
  readonly early: readonly Output[];
  readonly row: Container['row'];
  readonly init: Status;
  /** Tells the service manager when the container is ready. */
  readonly tell: (() => Promise<void>) | undefined;
};

/**
 * @returns the connection over which it was started, for the caller to close
 * @throws OnggiError `command-not-found`, `not-executable`, and whatever a step failed with; then the container is
 *   as it was before, or gone when it was to be removed at its end
 */
export async function start(
  context: Context,
  asked: Container,
  guard: Guard,
  interest: Interest,
  way: StartWay,
): Promise<Started> {
  const initialized = isInitialized(asked.row);
  if (initialized && way.checkpoint !== undefined) {
    throw new OnggiError('conflict', `container "${asked.row.name}" is initialized: it can't go on from a checkpoint`, {
      hint: `Stop it with "onggi stop ${asked.row.name}" before.`,
    });
  }
  try {
    if (initialized) return await (await import('./initialize.ts')).goOn(context, asked, interest);
    return await startRecorded(context, await record(context, asked, way.again === true), interest, way);
  } catch (error) {
    // Between its row and our lock: then there is no place any more for what is made.
    const gone = containerById(context.store.database, asked.id) === undefined;
    await undo(context, asked.id, failedEnding(error), guard);
    if (gone) throw new OnggiError('not-found', `No such container: ${asked.row.name}`, { cause: error });
    throw await explained(context, asked, error);
  }
}

/** What is loaded only where it is needed: most programs are for the machine that they run on. */
async function explained({ store }: Context, { row: { imageId } }: Container, error: unknown): Promise<unknown> {
  if (imageId === null || !(error instanceof OnggiError) || error.code !== 'not-executable') return error;
  const { withForeignHint } = await import('./foreign.ts');
  return withForeignHint(error, readImageConfig(store, imageId).value.platform);
}

async function undo({ store }: Context, id: string, ending: Ending, guard: Guard): Promise<void> {
  const row = containerById(store.database, id);
  if (row === undefined) return;
  if (row.state === 'starting' || row.state === 'running')
    await finish(store, containerOf(store, row), { ending, released: false }, guard);
  else if (goesAtItsEnd(store, containerOf(store, row))) await removeAll(store, containerOf(store, row), guard);
  await releaseIdleNetworks(store);
}

function withoutStarter(plan: Plan): Plan {
  return plan.keeper.kind === 'shim' ? { ...plan, keeper: { ...plan.keeper, startRequired: false } } : plan;
}

async function startRecorded(
  context: Context,
  recorded: Container,
  interest: Interest,
  { checkpoint, inherit, hold = false }: StartWay,
): Promise<Started> {
  const hands = recorded.options.log?.driver === 'passthrough' || inherit !== undefined;
  const handing = hands ? await import('./handed.ts') : undefined;
  const container = inherit === undefined ? recorded : (handing?.withInherited(recorded, inherit) ?? recorded);
  using starting = await shimOf(container, handing?.handedTo(container, inherit) ?? []);
  const joined = await findJoined(context, container);
  using shared = await findSharedMounts(context.store, container);
  const network = await connectNetwork(context, container);
  const compiled = await compileContainer(context, container, network, joined, shared.sources);
  const user = container.options.idMaps === undefined ? undefined : unprivileged();
  if (user !== undefined) (await import('./own-tree.ts')).giveOwnFiles(context, user, container);
  if (container.options.selinux !== undefined) {
    await (await import('../selinux/start.ts')).labelFiles(context, container, joined.files !== null);
  }
  const restored = checkpoint && (await import('../checkpoint/restore.ts')).restoring(container, compiled, checkpoint);
  const made = hold ? withoutStarter(compiled) : (restored?.plan ?? compiled);
  const plan = handing?.withHanded(made, inherit) ?? made;
  await probeLog(container, plan);
  const notice = await openNotice(container);
  const client = await execute(starting, container, plan, { ...interest, reconciles: true }).catch((error: unknown) => {
    notice?.[Symbol.dispose]();
    throw error;
  });
  try {
    const early: Output[] = [];
    const warn = (message: string): void => context.warn(message);
    const created = await until('created', client, plan, early, warn).catch((error: unknown) => {
      throw restored === undefined ? error : restored.explained(error);
    });
    restored?.attest(created);
    if (!stillThere([...joined.processes.values(), ...shared.processes])) {
      throw new OnggiError('conflict', `start "${container.row.name}": a container that it joins has ended meanwhile`);
    }
    if (hasGiven(container.options)) await (await import('../volume/give.ts')).giveMounts(context, container, created);
    if (usesPasta(container)) await connectPasta(context.store, container, created.pid);
    else publish(context.store, container);
    if (healthSettings(container.health) !== undefined) {
      (await import('../health/prepare.ts')).writeHealthFiles(container, created);
    }
    if (hold) return { client, early, row: container.row, init: created, tell: undefined };
    // Before the word: a short command may have ended when its "running" is heard.
    const startedAt = Date.now();
    client.start();
    await until('running', client, plan, early, warn);
    const row = noteRunning(context, container, created, startedAt, interest.stdout === true);
    if (container.row.startedAt !== null && network.address !== null) await relink(context, container, network.address);
    const tell = notice === undefined ? undefined : () => notice.tell(created);
    return { client, early, row, init: created, tell };
  } catch (error) {
    notice?.[Symbol.dispose]();
    // Its last deeds, the exit record above all, must not meet the next start of this container.
    client.killAll();
    await untilExit(client);
    client.close();
    throw error;
  }
}

/** Who knows it by name has known it since an earlier start. It runs, whether or not they could be told. */
async function relink(context: Context, container: Container, address: string): Promise<void> {
  try {
    (await import('./relink.ts')).refreshLinks(context.store, container, address);
  } catch (error) {
    context.warn(error instanceof Error ? error.message : String(error));
  }
}

export async function openNotice(container: Container): Promise<ServiceNotice | undefined> {
  if (container.options.sdnotify === undefined) return undefined;
  return (await import('../notify/service.ts')).serviceNotice(container);
}

/** As in Docker, one whose entries may wait for their server does not need it yet. */
async function probeLog({ options }: Container, { keeper }: Plan): Promise<void> {
  const log = keeper.kind === 'shim' ? keeper.log : null;
  if (log === null || !('server' in log) || isOn(options.log?.options['fluentd-async'])) return;
  await (await import('../log/log-probe.ts')).probeLogServer(log);
}

async function shimOf({ id, files }: Container, handed: readonly number[]): Promise<StartingShim> {
  using shimLock = await lock(files.shimLock, 'exclusive');
  return startShim({ id, lock: shimLock, handed });
}

async function execute(
  starting: StartingShim,
  { start, id }: Container,
  plan: Plan,
  interest: Interest,
): Promise<ShimClient> {
  if (start === null) throw new OnggiError('internal', `container "${id}": it has no record of its start`);
  starting.execute(encodePlan(plan));
  return await connectShim(start.socket, interest).catch((error: unknown) => {
    throw goneAway(plan, error);
  });
}
