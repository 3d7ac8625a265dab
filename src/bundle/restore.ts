/**
 * `restore`: a container from the images that `checkpoint` has written, by criu(8). The cgroups and the limits are those
 * of the bundle's config.json; memory, files and credentials come from the images. Its first process is looked at before
 * it is left alone: it must not have more than config.json gives (criu/privileges.ts). Acts.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import {
  checkRestorable,
  type External,
  externalMounts,
  type RestoreOptions,
  restoreArguments,
} from '../criu/command.ts';
import { makeDirectories } from '../criu/dump.ts';
import { checkRoot, criuFailed, criuMissing } from '../criu/errors.ts';
import { attest, checkPages, readDescriptors } from '../criu/images.ts';
import { criuSteps } from '../criu/steps.ts';
import { fromSystemError, OnggiError, unsupported } from '../errors.ts';
import { type Launched, launch } from '../kernel/launcher.ts';
import { adoptOrphans, orphanExit } from '../kernel/orphan.ts';
import { type ProcessIdentity, processIdentity, signalProcess } from '../kernel/process-identity.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import { compileCgroup } from '../runtime/cgroup/compile.ts';
import type { CgroupLayout } from '../runtime/cgroup/hierarchy.ts';
import { readCgroupLayout } from '../runtime/cgroup/layout.ts';
import { encodePlan } from '../runtime/plan/encode.ts';
import { propagationOf } from '../runtime/plan/mount-options.ts';
import { stepError, stepWarning } from '../runtime/plan/step-error.ts';
import { mountsOfItsOwn, type Plan } from '../runtime/plan/steps.ts';
import { type Bundle, loadBundle } from './bundle.ts';
import { containerCgroup } from './container-cgroup.ts';
import { checkContainerId } from './container-id.ts';
import type { Running } from './create.ts';
import { removeEnded } from './delete.ts';
import { newKeyring, recordContainer, resctrlOf, takeBack } from './make.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import { writePidFile } from './pid-file.ts';
import type { Runtime } from './runtime.ts';
import { writeState } from './state-directory.ts';

export type RestoreRequest = RestoreOptions & {
  readonly bundle: string;
  readonly pidFile: string | undefined;
  /** Leave the container alone once it runs. */
  readonly detach: boolean;
};

/**
 * @returns what follows the container to its end; undefined with `detach`
 * @throws OnggiError as `makeContainer` and `checkpointContainer`; then nothing of the container is left
 */
export async function restoreContainer(
  runtime: Runtime,
  asked: string,
  request: RestoreRequest,
): Promise<Running | undefined> {
  const id = checkContainerId(asked);
  checkRoot('restore');
  const bundle = loadBundle(request.bundle);
  checkRestorable(bundle.spec);
  if (runtime.systemdCgroup)
    throw unsupported('a restored container in a scope of systemd', 'Leave --systemd-cgroup out.');
  const kept = await containerCgroup(runtime, bundle.spec, id, readCgroupLayout());
  const { cgroup } = kept;
  const paths = containerPaths(runtime.root, id);
  const resctrl = await resctrlOf(bundle.spec, id);
  const { record, guard } = await recordContainer(runtime, id, bundle, kept, {
    keyring: newKeyring(id),
    notify: false,
    ...(resctrl !== null && { resctrl: resctrl.plan.kept }),
  });
  let init: ProcessIdentity;
  try {
    if (!request.detach) adoptOrphans();
    resctrl?.make();
    init = await restored(runtime, id, bundle, cgroup, paths, request, resctrl?.join);
    writeState(paths, { ...record, init }, guard);
    if (request.pidFile !== undefined) writePidFile(request.pidFile, init.pid);
  } catch (error) {
    await takeBack(runtime, record, bundle.spec, paths, guard);
    throw error;
  }
  guard[Symbol.dispose]();
  if (request.detach) return undefined;
  return {
    signal: (number) => void signalProcess(init, number),
    async ended() {
      const report = await orphanExit(init.pid);
      await removeEnded(runtime, record, paths);
      return report;
    },
  };
}

async function restored(
  runtime: Runtime,
  id: string,
  bundle: Bundle,
  cgroup: Cgroup,
  paths: ContainerPaths,
  request: RestoreRequest,
  join: ((pid: number) => void) | undefined,
): Promise<ProcessIdentity> {
  makeDirectories(request);
  const descriptors = readDescriptors(request.images);
  checkPages(request.images);
  const pidFile = `${paths.directory}/restored.pid`;
  const network = joinedNetwork(bundle.spec);
  const preserve = network === null ? [] : [openNamespace(network)];
  try {
    const place = {
      rootfs: bundle.rootfs,
      pidFile,
      descriptors,
      networkFd: network === null ? null : firstPreserved,
      cgroupRoots: cgroupRoots(readCgroupLayout(), cgroup),
    };
    const external = { mounts: externalMounts(bundle.spec, bundle.spec.linux?.maskedPaths ?? []), network: null };
    const plan = criuPlan(
      runtime,
      id,
      bundle,
      cgroup,
      external,
      restoreArguments(place, external, request),
      preserve.length,
    );
    await runPlan(runtime, plan, preserve, `${request.work}/restore.log`, join);
  } finally {
    preserve.forEach(closeSync);
  }
  const init = processIdentity(Number(readText(pidFile)));
  if (init === undefined) throw new OnggiError('conflict', `restore "${id}": its first process has ended already`);
  attest(id, init, bundle.spec);
  return init;
}

/** The images name the cgroups of the container that they were made of, which may have had another id. */
function cgroupRoots({ unified, legacy }: CgroupLayout, cgroup: Cgroup): string[] {
  const below = (mountPoint: string, directory: string): string =>
    posix.join('/', posix.relative(mountPoint, directory));
  const each = legacy.flatMap(({ mountPoint, controllers, options }, at) => {
    const path = below(mountPoint, cgroup.legacy[at]?.directory ?? mountPoint);
    return (controllers.length > 0 ? controllers : [options]).map((name) => `${name}:${path}`);
  });
  return unified === null || cgroup.unified === null ? each : [...each, below(unified.mountPoint, cgroup.unified)];
}

/** Descriptor of criu that is the first of those handed to it. */
const firstPreserved = 3;

/**
 * criu needs the root file system as a mount, and must not leave one behind: so it is executed in a mount namespace of its
 * own, which goes with it, after the container's cgroups have been made.
 */
function criuPlan(
  runtime: Runtime,
  id: string,
  { spec, rootfs }: Bundle,
  cgroup: Cgroup,
  external: External,
  args: readonly string[],
  preserve: number,
): Plan {
  const { prepare } = compileCgroup(readCgroupLayout(), cgroup, spec.linux?.resources ?? {}, runtime.warn);
  return {
    keeper: { kind: 'launcher', id, terminal: false, consoleSocket: false, preserve, stay: true, startFifo: null },
    prepare,
    spawn: mountsOfItsOwn,
    attach: [],
    init: [
      { op: 'propagation', path: '/', flags: propagationOf('rslave') ?? noFlags },
      { op: 'root-bind', source: rootfs, target: rootfs },
      { op: 'enter-root', path: '/' },
      ...criuSteps(spec, external, args, process.env['PATH'] ?? '', runtime.criu),
    ],
    cleanup: [],
  };
}

const noFlags = { bits: 0, words: [] };

async function runPlan(
  runtime: Runtime,
  plan: Plan,
  preserve: readonly number[],
  log: string,
  join: ((pid: number) => void) | undefined,
): Promise<void> {
  using launched: Launched = launch(
    {
      id: plan.keeper.id,
      plan: encodePlan(plan),
      stdio: [0, 1, 2],
      stay: true,
      preserve,
      failed: (report) => {
        const error = stepError(report, plan);
        return error.code === 'command-not-found' ? criuMissing(error) : error;
      },
      warn: (report) => runtime.warn(stepWarning(report)),
    },
    join,
  );
  launched.created();
  const { exitCode } = await launched.exited();
  if (exitCode !== 0) throw criuFailed('restore', log);
}

function joinedNetwork(spec: Spec): string | null {
  return (spec.linux?.namespaces ?? []).find(({ type, path }) => type === 'network' && path)?.path ?? null;
}

function openNamespace(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw fromSystemError(error, `open the namespace "${path}"`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `read "${path}"`);
  }
}
