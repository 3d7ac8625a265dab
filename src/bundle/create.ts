/** `create`, `start` and `run` (runtime.md, "Operations"). Acts. */
import { OnggiError } from '../errors.ts';
import { type ExitReport, startCreated } from '../kernel/launcher.ts';
import { removeIfThere } from '../kernel/plain-file.ts';
import { isAlive } from '../kernel/process-identity.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { hostFacts } from '../runtime/host-facts.ts';
import { stepError, stepWarning } from '../runtime/plan/step-error.ts';
import { checkContainerId } from './container-id.ts';
import { compileContainer } from './container-plan.ts';
import { removeContainer, removeEnded } from './delete.ts';
import { type Made, type MakeOptions, makeContainer } from './make.ts';
import { awaitReady, listenToContainer, notifyAddress, passOnReady, withNotify } from './notify.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import { hookState, type StateRecord } from './state.ts';
import { lockContainer } from './state-directory.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

/** @throws OnggiError as `makeContainer` */
export async function createContainer(runtime: Runtime, id: string, options: MakeOptions): Promise<void> {
  const { guard } = await makeContainer(runtime, id, options, false);
  guard[Symbol.dispose]();
}

/**
 * Lets the first process of a created container execute its command.
 *
 * @throws OnggiError `conflict` when it runs already or has ended; what kept the command from being executed, and then
 *   the container has ended
 */
export async function startContainer(
  runtime: Runtime,
  asked: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  readState(id, paths);
  using _ = await lockContainer(id, paths);
  const record = readState(id, paths);
  checkCreated(record, paths);
  startWaiting(runtime, record, paths, env);
  await runPoststart(runtime, record, () => recordedSpec(paths));
}

function checkCreated(record: StateRecord, paths: ContainerPaths): void {
  const status = statusOf(record, paths);
  if (status === 'created') return;
  if (status === 'stopped') {
    throw new OnggiError('conflict', `cannot start a container that has stopped: "${record.id}"`);
  }
  throw new OnggiError('conflict', `cannot start an already running container: "${record.id}" is ${status}`);
}

function startWaiting(
  runtime: Runtime,
  record: StateRecord,
  paths: ContainerPaths,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const address = record.notify ? notifyAddress(env) : undefined;
  using socket = address === undefined ? undefined : listenToContainer(paths);
  try {
    startCreated(paths.start, {
      failed: (report) => stepError(report, planAgain(record, paths)),
      warn: (report) => runtime.warn(stepWarning(report)),
    });
  } finally {
    removeStart(paths);
  }
  const { init } = record;
  if (socket === undefined || address === undefined || init === null) return;
  awaitReady(socket, address, init.pid, () => isAlive(init));
}

/** What it waited at; nobody may find it there any more. */
function removeStart(paths: ContainerPaths): void {
  removeIfThere(paths.start);
  removeIfThere(`${paths.start}.reply`);
}

/** The plan that the container was made by, for the words of an error. */
function planAgain(record: StateRecord, paths: ContainerPaths): ReturnType<typeof compileContainer>['plan'] {
  const recorded = recordedSpec(paths);
  const spec = record.notify ? withNotify(recorded, paths) : recorded;
  return compileContainer({
    host: hostFacts(),
    ...record,
    spec,
    startFifo: paths.start,
    consoleSocket: spec.process?.terminal === true,
    preserve: 0,
    noPivot: false,
    // What it does is not asked for, only which step it is.
    filter: new Uint8Array(),
    devices: [],
  }).plan;
}

async function runPoststart(runtime: Runtime, record: StateRecord, read: () => Spec): Promise<void> {
  if (!record.poststart || record.init === null) return;
  const { runHooks } = await import('./hook.ts');
  await runHooks(
    'poststart',
    read().hooks?.poststart,
    record.bundle,
    hookState(record, 'running', record.init.pid),
    runtime.warn,
  );
}

/** `run --detach`. @throws OnggiError as `makeContainer` and `startContainer`; then nothing of the container is left */
export async function runDetached(runtime: Runtime, id: string, options: MakeOptions): Promise<void> {
  const made = await makeContainer(runtime, id, options, false);
  using _ = made.guard;
  try {
    startWaiting(runtime, made.record, made.paths, options.env);
    await runPoststart(runtime, made.record, () => made.spec);
  } catch (error) {
    await removeContainer(runtime, made.record, made.paths, made.guard);
    throw error;
  }
}

/** A container whose end somebody waits for. */
export type Running = {
  /** Hands a signal on to the container's first process. */
  signal(number: number): void;
  /** Resolves when the container has ended, and is deleted unless `keep`. */
  ended(): Promise<Pick<ExitReport, 'exitCode' | 'signal'>>;
};

export type Foreground = Pick<Running, 'ended'> & {
  /**
   * Lets it execute its command; call it once.
   * @throws OnggiError what kept the command from being executed; then nothing of the container is left
   */
  start(): Promise<void>;
};

/**
 * `run` up to its start.
 * @param passed signals to this process that go to the container's from its start on
 * @throws OnggiError as `makeContainer`; then nothing of the container is left
 */
export async function makeForeground(
  runtime: Runtime,
  id: string,
  options: MakeOptions,
  keep: boolean,
  passed: readonly number[],
): Promise<Foreground> {
  const made = await makeContainer(runtime, id, options, true);
  const { launched, record } = made;
  const address = record.notify ? notifyAddress(options.env) : undefined;
  const socket = address === undefined ? undefined : listenToContainer(made.paths);
  return {
    async start() {
      // Before its start: the command may ask for one at once.
      launched.passOn(passed);
      try {
        await startForeground(runtime, made);
      } catch (error) {
        socket?.[Symbol.dispose]();
        throw error;
      }
    },
    async ended() {
      using _ = socket === undefined || address === undefined ? undefined : passOnReady(socket, address);
      return await ended(runtime, made, keep, address === undefined ? () => launched.waitExit() : launched.exited);
    },
  };
}

async function startForeground(runtime: Runtime, { launched, record, paths, guard, spec }: Made): Promise<void> {
  // Others may pause or update it while it runs.
  using _ = guard;
  try {
    launched.start();
    await runPoststart(runtime, record, () => spec);
  } catch (error) {
    launched[Symbol.dispose]();
    await removeContainer(runtime, record, paths, guard);
    throw error;
  }
}

async function ended(
  runtime: Runtime,
  { record, paths }: Made,
  keep: boolean,
  exit: () => ExitReport | Promise<ExitReport>,
): Promise<ExitReport> {
  let report: ExitReport;
  try {
    report = await exit();
  } finally {
    if (!keep) await removeEnded(runtime, record, paths);
  }
  return report;
}
