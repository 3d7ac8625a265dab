/** `exec`: a further process in a running container, with a shim of its own for as long as it lives. */

import { type Code, OnggiError } from '../../errors.ts';
import { isAlive } from '../../kernel/process-identity.ts';
import { startShim } from '../../kernel/shim.ts';
import { connectShim, type Interest, type ShimClient } from '../../kernel/shim-client.ts';
import { randomHex } from '../../random.ts';
import { besideFirst, placement } from '../../runtime/cgroup/cgroup.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { presentCgroup } from '../../runtime/cgroup/present.ts';
import { hostFacts } from '../../runtime/host-facts.ts';
import { compileExec } from '../../runtime/plan/compile-exec.ts';
import { encodePlan } from '../../runtime/plan/encode.ts';
import type { CgroupPlacement } from '../../runtime/plan/steps.ts';
import { execSocketPath } from '../../store/layout.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { eventTail } from '../event/line.ts';
import { containerNews } from '../event/news.ts';
import { execProcess } from '../spec/process.ts';
import type { ExecOptions, Session } from '../types.ts';
import type { Container } from './container.ts';
import { checkNotPaused } from './container.ts';
import { readExecRecord } from './exec-record.ts';
import { endingOfReport, goneAway, type Output, type Status, until } from './handshake.ts';
import { sessionKeyring } from './keyring.ts';
import { lookUp } from './look-up.ts';
import { notRunning } from './not-running.ts';
import { openSession } from './session.ts';
import { keepShim, keepShimSoon } from './shim-scope.ts';

export async function exec(context: Context, ref: string, options: ExecOptions): Promise<Session> {
  const interest = { stdin: options.stdin === true, stdout: true, stderr: true };
  const { client, early, init, id, container } = await startExec(context, ref, options, interest);
  const kept = keepShimSoon(context, init, id);
  return openSession(
    client,
    {
      async ended(report) {
        await kept();
        return endingOfReport(report);
      },
      lost: async () => {
        throw new OnggiError('unavailable', `exec in "${ref}": its shim was killed, and the process with it`);
      },
    },
    early,
    {
      // As in Docker: the size of a command's terminal is nobody's news.
      resized: () => {},
      detached: () => emit(context.store, containerNews(container, 'exec_detach', { execID: id })),
    },
  );
}

export async function execDetached(context: Context, ref: string, options: ExecOptions): Promise<void> {
  const { client, init, id } = await startExec(context, ref, options, {});
  await keepShim(context, init, id);
  client.close();
}

type Started = {
  readonly client: ShimClient;
  readonly early: readonly Output[];
  readonly init: Status;
  readonly id: string;
  readonly container: Container;
};

/** @throws OnggiError `conflict` when the container does not run; `command-not-found`, `not-executable` */
async function startExec(context: Context, ref: string, options: ExecOptions, interest: Interest): Promise<Started> {
  const container = await lookUp(context, ref);
  const { pid, pidStartTime } = container.row;
  checkNotPaused(container, 'exec in');
  if (container.row.state !== 'running' || pid === null || pidStartTime === null || container.start === null) {
    throw notRunning(container);
  }
  const { nonce, cgroupsPath } = container.start;
  const target = { pid, startTime: pidStartTime, nonce, cgroupsPath };
  try {
    return await startProcess(context, container, target, options, interest);
  } catch (error) {
    // Whatever it stumbled over then: there was nothing left to execute it in.
    if (!isAlive(target) && error instanceof OnggiError && !keptCodes.has(error.code))
      throw notRunning(container, error);
    throw asNotExecuted(error);
  }
}

/** The command itself is missing or not executable, onggi has a defect, or nobody waits for the answer. */
const keptCodes: ReadonlySet<Code> = new Set<Code>(['command-not-found', 'not-executable', 'internal', 'cancelled']);

/** As in Docker, where whatever keeps the command from being executed gives 126 (moby, daemon/exec.go). */
function asNotExecuted(error: unknown): unknown {
  if (!(error instanceof OnggiError) || keptCodes.has(error.code)) return error;
  const { message, hint } = error;
  return new OnggiError('not-executable', message, { cause: error, ...(hint !== undefined && { hint }) });
}

type Target = {
  readonly pid: number;
  readonly startTime: bigint;
  /** Of the container's start. */
  readonly nonce: string;
  readonly cgroupsPath: string;
};

async function cgroupsOf(pid: number, own: CgroupPlacement): Promise<CgroupPlacement> {
  const { unified } = own;
  return unified === null ? own : { ...own, unified: besideFirst(unified, await presentCgroup(unified, pid)) };
}

async function startProcess(
  context: Context,
  container: Container,
  { pid, startTime, nonce, cgroupsPath }: Target,
  options: ExecOptions,
  interest: Interest,
): Promise<Started> {
  const record =
    readExecRecord(container.files.exec, nonce) ??
    (await import('./exec-record-file.ts')).makeExecRecord(container, nonce, pid);
  const { inherit } = options;
  const id = randomHex(32);
  using starting = startShim({ id, handed: inherit?.descriptors ?? [] });
  const socket = execSocketPath(context.store.layout, nonce, id);
  const host = hostFacts();
  const { plan, warnings } = compileExec(
    execProcess(record.process, options),
    options.privileged === true ? [] : record.filter,
    {
      host,
      keeper: {
        kind: 'shim',
        id,
        socket,
        log: null,
        exitFile: '',
        reconcile: [],
        stdin: options.stdin === true,
        stdinOnce: true,
        startRequired: true,
        events: {
          log: context.store.layout.eventLog,
          tail: eventTail(containerNews(container, 'exec_die', { execID: id })),
        },
        ...(inherit !== undefined && { handed: { stdio: false, preserve: inherit.descriptors.length } }),
      },
      pid,
      startTime,
      namespaces: ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', ...(record.users ? ['user' as const] : [])],
      cgroups: await cgroupsOf(pid, placement(findCgroup(cgroupsPath, host.cgroups))),
      keyring: sessionKeyring(container.row.id),
      groups: container.options.groups ?? [],
      waitForStart: true,
    },
  );
  for (const warning of warnings) context.warn(warning);
  starting.execute(encodePlan(plan));
  // Before the word: its shim tells of the end, which may come at once. As in Docker also of what can't be executed.
  tellStarted(context, container, options.command, id);
  const client = await connectShim(socket, interest).catch((error: unknown) => {
    throw goneAway(plan, error);
  });
  const early: Output[] = [];
  try {
    const warn = (message: string): void => context.warn(message);
    const init = await until('created', client, plan, early, warn);
    client.start();
    options.waiting?.();
    await until('running', client, plan, early, warn);
    return { client, early, init, id, container };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** As Docker words it, with its blank behind a command without arguments. */
function tellStarted(
  { store }: Context,
  container: Container,
  [program, ...args]: readonly string[],
  id: string,
): void {
  const command = `${program ?? ''} ${args.join(' ')}`;
  const actions = ['exec_create', 'exec_start'].map((action) => `${action}: ${command}`);
  emit(store, ...actions.map((action) => containerNews(container, action, { execID: id })));
}
