/**
 * `init`: all of a container but its command, which `start` has executed then. The shim that waits for that word needs
 * nobody beside it; the row says that it waits, by the process that it names.
 */
import { OnggiError } from '../../errors.ts';
import { connectShim, type Interest, type ShimClient } from '../../kernel/shim-client.ts';
import { commandError, foreignError } from '../../runtime/plan/step-error.ts';
import { containerById, isInitialized, updateContainer } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import { type Container, containerOf, type StartRecord } from './container.ts';
import { lockContainer } from './container-lock.ts';
import { type Output, type Status, untilExit } from './handshake.ts';
import { keepShim } from './shim-scope.ts';
import { openNotice, type Started, start, startable, withRequired } from './start.ts';
import { noteRunning } from './start-record.ts';

/** @throws OnggiError `conflict` when it runs, or is initialized already; and as a start */
export async function initialize(context: Context, ref: string): Promise<void> {
  const { id } = await withRequired(context, ref);
  using guard = await lockContainer(context, id);
  const container = await startable(context, id, guard);
  const { row } = container;
  if (row.state !== 'created' && row.state !== 'exited') {
    const state = isInitialized(row) ? 'is initialized' : 'runs';
    throw new OnggiError('conflict', `cannot initialize container "${row.name}": it ${state} already`);
  }
  const { client, init } = await start(context, container, guard, {}, { hold: true });
  note(context, id, init);
  emit(context.store, containerNews(container, 'init'));
  await keepShim(context, init, id);
  client.close();
}

function note({ store }: Context, id: string, { pid, startTime }: Status): void {
  const { database } = store;
  const row = containerById(database, id);
  const made = row === undefined ? null : containerOf(store, row).start;
  const held: StartRecord | null = made === null ? null : { ...made, held: true };
  updateContainer(database, id, ['starting'], { pid, pidStartTime: startTime, cgroup: JSON.stringify(held) });
}

/** Has its command executed. @throws OnggiError `command-not-found`, `not-executable`; then it has ended */
export async function goOn(context: Context, container: Container, interest: Interest): Promise<Started> {
  const { row, start: made } = container;
  if (made === null) throw new OnggiError('internal', `container "${row.id}": it has no record of its start`);
  // While a start goes on no process is noted: if this one is cut off, whoever looks asks the shim how far it came.
  updateContainer(context.store.database, row.id, ['starting'], { pid: null, pidStartTime: null });
  const notice = await openNotice(container);
  const client = await connectShim(made.socket, { ...interest, reconciles: true });
  try {
    const early: Output[] = [];
    await untilState('created', client, container, early);
    const startedAt = Date.now();
    client.start();
    const init = await untilState('running', client, container, early);
    const now = noteRunning(context, container, init, startedAt, interest.stdout === true);
    const tell = notice === undefined ? undefined : () => notice.tell(init);
    return { client, early, row: now, init, tell };
  } catch (error) {
    notice?.[Symbol.dispose]();
    client.killAll();
    await untilExit(client);
    client.close();
    throw error;
  }
}

/** @param early receives output that overtakes the word "running" */
async function untilState(
  state: 'created' | 'running',
  client: ShimClient,
  { args, options }: Container,
  early: Output[],
): Promise<Status> {
  let failure: OnggiError | undefined;
  for (;;) {
    const { value: event, done } = await client.events.next();
    if (done === true || event === undefined) break;
    if (event.type === 'output') early.push(event);
    // Of all steps only the last one is left.
    if (event.type === 'fail') {
      failure =
        options.runtime === undefined
          ? commandError(args[0] ?? '', event.errno)
          : foreignError(event.errno, event.text);
    }
    if (event.type === 'exit') break;
    if (event.type === 'status' && event.state === state) return event;
  }
  throw failure ?? new OnggiError('unavailable', 'start container: its shim went away');
}
