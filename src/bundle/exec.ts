/** `exec`: a further process in a container. Acts. */
import { readFileSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import { type ExitReport, type Launched, launch } from '../kernel/launcher.ts';
import type { Process, Spec } from '../oci/runtime-spec.ts';
import { parseOwnCgroups } from '../runtime/cgroup/cgroup.ts';
import { type CgroupLayout, hierarchyPath } from '../runtime/cgroup/hierarchy.ts';
import { hostFacts } from '../runtime/host-facts.ts';
import type { Compiled } from '../runtime/plan/compile.ts';
import { compileExec } from '../runtime/plan/compile-exec.ts';
import { encodePlan } from '../runtime/plan/encode.ts';
import { namespacesOf } from '../runtime/plan/namespaces.ts';
import { stepError, stepWarning } from '../runtime/plan/step-error.ts';
import type { CgroupPlacement } from '../runtime/plan/steps.ts';
import { checkContainerId } from './container-id.ts';
import { execPlacement, type SubCgroup } from './exec-cgroup.ts';
import { containerPaths } from './paths.ts';
import { writePidFile } from './pid-file.ts';
import { preservedDescriptors } from './preserve.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import type { InitProcess, StateRecord } from './state.ts';
import { readState } from './state-directory.ts';
import { statusOf } from './status.ts';

export type ExecOptions = {
  /** Makes the process of that of the container. @throws OnggiError `invalid` */
  readonly process: (container: Process) => Process;
  readonly detach: boolean;
  readonly consoleSocket: string | undefined;
  readonly pidFile: string | undefined;
  readonly preserveFds: number;
  /** Cgroups below the container's to be in. */
  readonly cgroups: readonly SubCgroup[];
  readonly ignorePaused: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
};

export type Executed = {
  /** Hands a signal on to the process. */
  signal(number: number): void;
  /** Resolves when it has ended; at once with `detach`. */
  ended(): Promise<ExitReport | undefined>;
};

/** @throws OnggiError `not-found`, `conflict` when the container can't run it, `command-not-found`, `not-executable` */
export function execInContainer(runtime: Runtime, asked: string, options: ExecOptions): Executed {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  const record = readState(id, paths);
  const init = runningInit(record, statusOf(record, paths), options.ignorePaused);
  const spec = recordedSpec(paths);
  if (spec.process === undefined) throw new OnggiError('corrupt', `config "${paths.config}": it has no process`);
  const process = options.process(spec.process);
  checkConsole(process, options);
  const preserved = preservedDescriptors(options.preserveFds, options.env);
  const { plan, warnings } = compiled(record, init, spec, process, options, preserved.descriptors.length);
  warnings.forEach(runtime.warn);
  const launched = launch({
    id,
    plan: encodePlan(plan),
    stdio: [0, 1, 2],
    consoleSocket: options.consoleSocket,
    stay: !options.detach,
    preserve: preserved.descriptors,
    failed: (report) => stepError(report, plan),
    warn: (report) => runtime.warn(stepWarning(report)),
  });
  return follow(launched, options);
}

function follow(launched: Launched, { detach, pidFile }: ExecOptions): Executed {
  try {
    const { pid } = launched.created();
    if (pidFile !== undefined) writePidFile(pidFile, pid);
  } catch (error) {
    launched[Symbol.dispose]();
    throw error;
  }
  if (!detach) return { signal: (number) => launched.signal(number), ended: () => launched.exited() };
  launched[Symbol.dispose]();
  return { signal: () => {}, ended: () => Promise.resolve(undefined) };
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

function checkConsole({ terminal }: Process, { detach, consoleSocket }: ExecOptions): void {
  if (terminal === true && detach && consoleSocket === undefined) {
    throw new OnggiError('invalid', '--tty with --detach: the terminal needs a console socket', {
      hint: 'Name a listening unix socket with --console-socket.',
    });
  }
  if (consoleSocket !== undefined && !(terminal === true && detach)) {
    throw new OnggiError('invalid', '--console-socket: it goes with a terminal and --detach', {
      hint: 'Add --tty and --detach, or leave the flag out.',
    });
  }
}

function compiled(
  record: StateRecord,
  { pid, startTime }: InitProcess,
  spec: Spec,
  process: Process,
  options: ExecOptions,
  preserve: number,
): Compiled {
  const host = hostFacts();
  return compileExec(process, spec.linux?.seccomp, {
    host,
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
    container: record,
    namespaces: [...namespacesOf(spec.linux ?? {})],
    cgroups: cgroupsOf(host.cgroups, record, pid, options),
    waitForStart: false,
    keyring: record.keyring,
    personality: spec.linux?.personality,
  });
}

function cgroupsOf(layout: CgroupLayout, record: StateRecord, pid: number, { cgroups }: ExecOptions): CgroupPlacement {
  return execPlacement(record.cgroup, cgroups, unifiedCgroup(layout, pid));
}

/** Directory of the v2 cgroup that a process is in. */
function unifiedCgroup({ unified }: CgroupLayout, pid: number): string | null {
  if (unified === null) return null;
  try {
    const own = parseOwnCgroups(
      readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
      readFileSync('/proc/self/mountinfo', 'utf8'),
    );
    return hierarchyPath(unified.mountPoint, own.get('') ?? '/');
  } catch (error) {
    throw fromSystemError(error, `find the cgroups of process ${pid}`);
  }
}
