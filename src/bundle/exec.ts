/** `exec`: a further process in a container. Acts. */
import { OnggiError } from '../errors.ts';
import { type ExitReport, type Launched, launchAhead } from '../kernel/launcher.ts';
import { effectiveCapabilities } from '../kernel/process-identity.ts';
import type { Process } from '../oci/runtime-spec.ts';
import { presentCgroup } from '../runtime/cgroup/present.ts';
import type { Compiled } from '../runtime/plan/compile.ts';
import { compileExec } from '../runtime/plan/compile-exec.ts';
import { encodePlan } from '../runtime/plan/encode.ts';
import { stepError, stepWarning } from '../runtime/plan/step-error.ts';
import { checkContainerId } from './container-id.ts';
import { execPlacement, type SubCgroup } from './exec-cgroup.ts';
import { type ExecRecord, readExecRecord } from './exec-record.ts';
import { containerPaths } from './paths.ts';
import { preservedDescriptors } from './preserve.ts';
import type { Runtime } from './runtime.ts';
import type { InitProcess, StateRecord } from './state.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

export type ExecOptions = {
  /** Makes the process of that of the container. @throws OnggiError `invalid` */
  readonly process: (container: Process) => Process;
  /** Whether that one has a terminal. */
  readonly terminal: boolean;
  readonly detach: boolean;
  /** Called when nothing is left to do but to wait for the process. */
  readonly waiting?: () => void;
  readonly consoleSocket: string | undefined;
  readonly pidFile: string | undefined;
  readonly preserveFds: number;
  /** Cgroups below the container's to be in. */
  readonly cgroups: readonly SubCgroup[];
  readonly ignorePaused: boolean;
  /** Numbers of the signals to this program that go to the process instead; without `detach`. */
  readonly signals: readonly number[];
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * Blocks until the process has ended; with `detach`, until it runs.
 *
 * @returns how it has ended; undefined with `detach`
 * @throws OnggiError `not-found`, `conflict` when the container can't run it, `command-not-found`, `not-executable`
 */
export async function execInContainer(
  runtime: Runtime,
  asked: string,
  options: ExecOptions,
): Promise<ExitReport | undefined> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  checkConsole(options);
  const preserved = preservedDescriptors(options.preserveFds, options.env);
  // Nothing comes of it when what follows fails, and nearly always nothing does.
  using waiting = launchAhead({
    id,
    stdio: [0, 1, 2],
    consoleSocket: options.consoleSocket,
    stay: !options.detach,
    passed: options.detach ? [] : options.signals,
    preserve: preserved.descriptors,
  });
  const record = readState(id, paths);
  const init = runningInit(record, statusOf(record, paths), options.ignorePaused);
  if (record.scope?.user === true) {
    await (await import('./container-cgroup.ts')).nearUserScope(record, [waiting.pid()], options.env);
  }
  const known = readExecRecord(paths) ?? (await import('./exec-spec.ts')).execRecordOf(paths, record, init.pid);
  const process = options.process(known.process);
  const present = await presentCgroup(record.cgroup.unified, init.pid);
  const { plan, warnings } = compiled(
    record,
    init,
    { ...known, process },
    options,
    present,
    preserved.descriptors.length,
  );
  warnings.forEach(runtime.warn);
  const { resctrl } = record;
  const join = resctrl && (await import('./resctrl-group.ts')).joinResctrl;
  using launched = waiting.launch(
    encodePlan(plan),
    {
      failed: (report) => stepError(report, plan),
      warn: (report) => runtime.warn(stepWarning(report)),
    },
    (pid) => resctrl && join?.(resctrl, pid),
  );
  options.waiting?.();
  await tellPid(launched, options.pidFile);
  return options.detach ? undefined : launched.waitExit();
}

async function tellPid(launched: Launched, pidFile: string | undefined): Promise<void> {
  const { pid } = launched.created();
  if (pidFile === undefined) return;
  const { writePidFile } = await import('./pid-file.ts');
  writePidFile(pidFile, pid);
}

function runningInit({ id, init }: StateRecord, status: string, ignorePaused: boolean): InitProcess {
  if (init === null || status === 'stopped' || status === 'creating') {
    throw new OnggiError('conflict', `cannot exec in a ${status} container: "${id}"`);
  }
  if (status === 'paused' && !ignorePaused) {
    throw new OnggiError('conflict', `cannot exec in a paused container: "${id}"`, {
      hint: 'Resume it, or use --ignore-paused to have the process begin when it is resumed.',
    });
  }
  return init;
}

function checkConsole({ terminal, detach, consoleSocket }: ExecOptions): void {
  if (terminal && detach && consoleSocket === undefined) {
    throw new OnggiError('invalid', '--tty with --detach: the terminal needs a console socket', {
      hint: 'Name a listening unix socket with --console-socket.',
    });
  }
  if (consoleSocket !== undefined && !(terminal && detach)) {
    throw new OnggiError('invalid', '--console-socket: it goes with a terminal and --detach', {
      hint: 'Add --tty and --detach, or leave the flag out.',
    });
  }
}

function compiled(
  record: StateRecord,
  { pid, startTime }: InitProcess,
  known: ExecRecord,
  options: ExecOptions,
  present: string | null,
  preserve: number,
): Compiled {
  return compileExec(known.process, known.filter, {
    host: { capabilities: effectiveCapabilities() },
    keeper: {
      kind: 'launcher',
      id: record.id,
      consoleSocket: options.consoleSocket !== undefined,
      preserve,
      stay: !options.detach,
      startFifo: null,
    },
    pid,
    startTime,
    namespaces: known.namespaces,
    cgroups: execPlacement(record.cgroup, options.cgroups, present),
    waitForStart: false,
    keyring: record.keyring,
    personality: known.personality,
    memoryPolicy: known.memoryPolicy,
  });
}
