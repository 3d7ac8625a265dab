/**
 * The file system of a container as its processes see it, volumes and all: a descriptor of its root. That of one which runs
 * is /proc/PID/root of its first process. For one that does not, its root is mounted by a process that waits, in
 * namespaces of its own, for as long as it is looked at; nothing of the container is executed. Acts.
 */
import { existsSync } from 'node:fs';
import { OnggiError } from '../../errors.ts';
import { type Directory, openDirectory } from '../../kernel/directory.ts';
import { isAlive, type ProcessIdentity } from '../../kernel/process-identity.ts';
import { startShim } from '../../kernel/shim.ts';
import { connectShim } from '../../kernel/shim-client.ts';
import { randomHex } from '../../random.ts';
import { encodePlan } from '../../runtime/plan/encode.ts';
import { hasProcess } from '../../store/container-row.ts';
import { socketPath } from '../../store/layout.ts';
import { type Container, containerOf } from '../container/container.ts';
import { lockContainer } from '../container/container-lock.ts';
import { settle } from '../container/finish.ts';
import { until, untilExit } from '../container/handshake.ts';
import { lookUp } from '../container/look-up.ts';
import type { Context } from '../context.ts';
import { readSpec } from '../spec/file.ts';
import { compileView } from './view-plan.ts';

export type View = AsyncDisposable & {
  readonly container: Container;
  readonly root: Directory;
  /** In whose user namespace its files have to be worked on; null where that is ours. */
  readonly mapped: ProcessIdentity | null;
};

/** @throws OnggiError `not-found` */
export async function openView(context: Context, ref: string): Promise<View> {
  const container = await lookUp(context, ref);
  const running = viewOfRunning(container);
  if (running !== undefined) return running;
  await using held = new AsyncDisposableStack();
  const guard = held.use(await lockContainer(context, container.id));
  const row = await settle(context.store, container.id, guard);
  if (row === undefined) throw new OnggiError('not-found', `No such container: ${ref}`);
  const now = containerOf(context.store, row);
  // Somebody has started it while the lock was waited for.
  const started = viewOfRunning(now);
  if (started !== undefined) return started;
  const { root, mapped } = await mountRoot(context, now, held);
  const kept = held.move();
  return { container: now, root, mapped, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function viewOfRunning(container: Container): View | undefined {
  const { state, pid, pidStartTime } = container.row;
  if (!hasProcess({ state, pid }) || pid === null || pidStartTime === null) return undefined;
  const process = { pid, startTime: pidStartTime };
  const root = rootOfProcess(process);
  if (root === undefined) return undefined;
  const mapped = existsSync(container.files.config) && hasUserNamespace(container) ? process : null;
  return { container, root, mapped, [Symbol.asyncDispose]: async () => root[Symbol.dispose]() };
}

function hasUserNamespace({ files }: Container): boolean {
  return readSpec(files.config).linux?.namespaces?.some(({ type }) => type === 'user') === true;
}

/** Undefined when the process has ended. Once it is open, it is that of this very process. */
function rootOfProcess(process: ProcessIdentity): Directory | undefined {
  try {
    using opened = new DisposableStack();
    const root = opened.use(openDirectory(`/proc/${process.pid}/root`));
    if (!isAlive(process)) return undefined;
    opened.move();
    return root;
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

type Mounted = { readonly root: Directory; readonly mapped: ProcessIdentity | null };

/** It ends with us, whatever happens: nobody starts it. */
async function mountRoot(context: Context, container: Container, held: AsyncDisposableStack): Promise<Mounted> {
  const id = randomHex(10);
  const socket = socketPath(context.store.layout, id);
  using starting = startShim({ id: container.id });
  const plan = compileView(context, container, socket);
  starting.execute(encodePlan(plan));
  const client = await connectShim(socket, {});
  held.defer(async () => {
    client.killAll();
    await untilExit(client);
    client.close();
  });
  const init = await until('created', client, plan, [], (message) => context.warn(message));
  const process = { pid: init.pid, startTime: init.startTime };
  const root = rootOfProcess(process);
  if (root === undefined) throw new OnggiError('unavailable', `mount container "${container.row.name}": it went away`);
  held.use(root);
  return { root, mapped: plan.attach.some(({ op }) => op === 'id-map') ? process : null };
}
