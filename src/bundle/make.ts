/**
 * Making a container of a bundle: everything up to the moment in which its first process waits for its start
 * (runtime.md, "Lifecycle", steps 1 to 5). What outlives this process is recorded before it is made, and a failure
 * takes back all of it. Acts.
 */

import { fromSystemError, OnggiError, withField } from '../errors.ts';
import type { StepReport } from '../kernel/frame.ts';
import { type Launched, launchAhead } from '../kernel/launcher.ts';
import type { Guard } from '../kernel/lock.ts';
import { writeFile } from '../kernel/plain-file.ts';
import { processIdentity } from '../kernel/process-identity.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { checkFreshCgroup } from '../runtime/cgroup/processes.ts';
import { hostFacts } from '../runtime/host-facts.ts';
import type { HostFacts } from '../runtime/plan/compile.ts';
import { encodePlan } from '../runtime/plan/encode.ts';
import { stepError, stepWarning } from '../runtime/plan/step-error.ts';
import type { Plan } from '../runtime/plan/steps.ts';
import { type Bundle, loadBundle } from './bundle.ts';
import { recordedMark, withMarks } from './cgroup-mark.ts';
import {
  type ContainerCgroup,
  containerCgroup,
  enterUserManager,
  removeContainerCgroup,
  startCgroup,
} from './container-cgroup.ts';
import { checkContainerId } from './container-id.ts';
import { compileContainer, type PlanRequest } from './container-plan.ts';
import { writeExecRecord } from './exec-record-file.ts';
import { makeNotifyDirectory, notifyAddress, withNotify } from './notify.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import { writePidFile } from './pid-file.ts';
import { preservedDescriptors } from './preserve.ts';
import type { ResctrlPlan } from './resctrl.ts';
import type { Runtime } from './runtime.ts';
import { hookState, type InitProcess, type StateRecord } from './state.ts';
import { makeStateDirectory, removeStateDirectory, writeState } from './state-directory.ts';

/** Flags of `create` and `run`. Paths may be relative to the working directory. */
export type MakeOptions = {
  readonly bundle: string;
  readonly consoleSocket: string | undefined;
  readonly pidFile: string | undefined;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  readonly preserveFds: number;
  readonly env: Readonly<Record<string, string | undefined>>;
};

export type Made = {
  readonly record: StateRecord & { readonly init: InitProcess };
  readonly spec: Spec;
  readonly paths: ContainerPaths;
  /** Held since before the container was recorded. The caller lets it go. */
  readonly guard: Guard;
  readonly launched: Launched;
};

/**
 * @param stay whether its parent stays with it until it ends
 * @throws OnggiError `exists`, `not-found`, `invalid`, `unsupported`, and whatever a step failed with; then nothing of
 *   the container is left
 */
export async function makeContainer(
  runtime: Runtime,
  asked: string,
  options: MakeOptions,
  stay: boolean,
): Promise<Made> {
  const id = checkContainerId(asked);
  const bundle = loadBundle(options.bundle);
  const paths = containerPaths(runtime.root, id);
  const preserved = preservedDescriptors(options.preserveFds, options.env);
  checkConsole(bundle.spec, options, stay);
  if (runtime.systemdCgroup) await enterUserManager(id);
  using waiting = launchAhead({
    id,
    stdio: [0, 1, 2],
    consoleSocket: options.consoleSocket,
    stay,
    preserve: preserved.descriptors,
    directory: bundle.directory,
  });
  const notify = notifyAddress(options.env) !== undefined;
  const given = notify ? withNotify(bundle.spec, paths) : bundle.spec;
  const spec = withEnvironment(given, preserved.env);
  const host = hostFacts();
  const cgroup = await containerCgroup(runtime, spec, id, host.cgroups);
  const resctrl = await resctrlOf(spec, id);
  const keyring = options.noNewKeyring ? null : newKeyring(id);
  const { plan, warnings } = compileContainer({
    host,
    id,
    bundle: bundle.directory,
    rootfs: bundle.rootfs,
    spec,
    ...cgroup,
    startFifo: stay ? 'stay' : paths.start,
    consoleSocket: options.consoleSocket !== undefined,
    preserve: preserved.descriptors.length,
    noPivot: options.noPivot,
    keyring,
    filter: await filterOfBundle(spec, host),
    devices: await devicesOf(spec),
  });
  warnings.forEach(runtime.warn);
  const { record, guard } = await recordContainer(runtime, id, bundle, cgroup, {
    keyring,
    notify,
    ...(resctrl !== null && { resctrl: resctrl.plan.kept }),
  });
  let launched: Launched | undefined;
  let failed: StepReport | undefined;
  try {
    using _ = await startCgroup(runtime, cgroup, spec, id);
    resctrl?.make();
    launched = waiting.launch(
      encodePlan(withMarks(plan, paths)),
      {
        failed: (report) => {
          failed = report;
          return stepError(report, plan);
        },
        warn: (report) => runtime.warn(stepWarning(report)),
      },
      resctrl?.join,
    );
    // While the container is being made.
    writeExecRecord(paths, bundle.spec, plan);
    const init = launched.created();
    const made = { ...record, init, ...recordedMark(record.cgroup) };
    writeState(paths, made, guard);
    if (options.pidFile !== undefined) writePidFile(options.pidFile, made.init.pid);
    return { record: made, spec, paths, guard, launched };
  } catch (error) {
    launched?.[Symbol.dispose]();
    await takeBack(runtime, record, spec, paths, guard);
    throw failed === undefined ? error : withField(error, await fieldOf(failed, plan, spec));
  }
}

async function fieldOf(failed: StepReport, plan: Plan, spec: Spec): Promise<string | undefined> {
  return (await import('./step-field.ts')).fieldOfStep(failed, plan, spec);
}

/**
 * To be known by who can read the container's state: whoever can tell the name beforehand could make a keyring of that
 * name for the container to join.
 */
export function newKeyring(id: string): string {
  return `_ses.${id}.${Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')}`;
}

/**
 * Records a container of which nothing else is there yet.
 *
 * @param own what is decided beside its config.json
 * @returns the lock on it, which the caller lets go
 * @throws OnggiError `exists`; `conflict` when its cgroup is in use
 */
export async function recordContainer(
  { root }: Runtime,
  id: string,
  bundle: Bundle,
  kept: ContainerCgroup,
  own: Pick<StateRecord, 'keyring' | 'notify' | 'resctrl'>,
): Promise<{ readonly record: StateRecord; readonly guard: Guard }> {
  const paths = containerPaths(root, id);
  const guard = await makeStateDirectory(root, id, paths);
  try {
    const record = recordOf(id, bundle, { ...kept, ...own });
    checkFreshCgroup(kept.cgroup);
    keepConfig(paths, bundle);
    if (own.notify) makeNotifyDirectory(paths);
    writeState(paths, record, guard);
    return { record, guard };
  } catch (error) {
    removeStateDirectory(paths, guard);
    guard[Symbol.dispose]();
    throw error;
  }
}

async function devicesOf(spec: Spec): Promise<PlanRequest['devices']> {
  return spec.linux?.netDevices === undefined ? [] : (await import('./net-devices.ts')).netDeviceSteps(spec);
}

/** After a failure the container has to be as deleted (config.md, "POSIX-platform Hooks"): its poststop hooks run. */
export async function takeBack(
  runtime: Runtime,
  record: StateRecord,
  spec: Spec,
  paths: ContainerPaths,
  guard: Guard,
): Promise<void> {
  using _ = guard;
  try {
    await removeContainerCgroup(record, paths);
    removeStateDirectory(paths, guard);
    await runPoststop(runtime, record, spec);
  } catch (error) {
    // What made the container fail is the error that counts; what is left is recorded, and "delete --force" removes it.
    runtime.warn(error instanceof Error ? error.message : String(error));
  }
}

/** Of a container that is gone. A failing hook is a warning. */
export async function runPoststop(runtime: Runtime, record: StateRecord, { hooks }: Spec): Promise<void> {
  if (!record.poststop) return;
  const { runHooks } = await import('./hook.ts');
  await runHooks('poststop', hooks?.poststop, record.bundle, hookState(record, 'stopped', 0), runtime.warn);
}

type Own = ContainerCgroup & Pick<StateRecord, 'keyring' | 'notify' | 'resctrl'>;

function recordOf(id: string, bundle: Bundle, own: Own): StateRecord {
  const { spec } = bundle;
  return {
    id,
    ociVersion: spec.ociVersion,
    bundle: bundle.directory,
    rootfs: bundle.rootfs,
    annotations: spec.annotations ?? {},
    created: new Date().toISOString(),
    owner: process.getuid?.() ?? 0,
    ...own,
    sharedPids: !(spec.linux?.namespaces ?? []).some(({ type, path }) => type === 'pid' && !path),
    poststart: (spec.hooks?.poststart ?? []).length > 0,
    poststop: (spec.hooks?.poststop ?? []).length > 0,
    maker: processIdentity(process.pid) ?? null,
    init: null,
  };
}

/** Changes of the bundle's config.json must not reach a container that is there (runtime.md, "Create"). */
function keepConfig(paths: ContainerPaths, bundle: Bundle): void {
  try {
    writeFile(paths.config, bundle.text, 0o600);
  } catch (error) {
    throw fromSystemError(error, `write "${paths.config}"`);
  }
}

function withEnvironment(spec: Spec, env: readonly string[]): Spec {
  const { process } = spec;
  if (process === undefined || env.length === 0) return spec;
  return { ...spec, process: { ...process, env: [...(process.env ?? []), ...env] } };
}

export type ResctrlOf = {
  readonly plan: ResctrlPlan;
  readonly make: () => void;
  readonly join: (pid: number) => void;
};

/** Null for nearly all containers, which load nothing for it. @throws OnggiError as `planResctrl` */
export async function resctrlOf({ linux }: Spec, id: string): Promise<ResctrlOf | null> {
  if (linux?.intelRdt === undefined) return null;
  const { joinResctrl, makeResctrl, planResctrl } = await import('./resctrl.ts');
  const plan = planResctrl(linux.intelRdt, id);
  if (plan === null) return null;
  return { plan, make: () => makeResctrl(plan), join: (pid) => joinResctrl(plan.kept, pid) };
}

/** Who gets the terminal: the console socket, or whoever waits for the container in the foreground. */
export function checkConsole(
  { process }: Spec,
  { consoleSocket }: Pick<MakeOptions, 'consoleSocket'>,
  stay: boolean,
): void {
  const terminal = process?.terminal === true;
  if (terminal && !stay && consoleSocket === undefined) {
    throw new OnggiError('invalid', 'process.terminal: a terminal of a detached container needs a console socket', {
      hint: 'Name a listening unix socket with --console-socket, or set "terminal" to false.',
    });
  }
  if (consoleSocket !== undefined && !terminal) {
    throw new OnggiError('invalid', '--console-socket: the container has no terminal', {
      hint: 'Set process.terminal in config.json, or leave the flag out.',
    });
  }
  if (consoleSocket !== undefined && stay) {
    throw new OnggiError('invalid', "--console-socket: in the foreground the terminal is the caller's", {
      hint: 'Add --detach, or leave the flag out.',
    });
  }
}

/** Loaded for containers that have a profile. */
async function filterOfBundle({ linux }: Spec, { architecture }: HostFacts): Promise<PlanRequest['filter']> {
  if (linux?.seccomp === undefined) return undefined;
  try {
    return await (await import('../runtime/seccomp/filter.ts')).filterOf(linux.seccomp, architecture);
  } catch (error) {
    throw withField(error, 'linux.seccomp');
  }
}
