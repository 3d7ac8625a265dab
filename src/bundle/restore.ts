/**
 * `restore`: a container from the images that `checkpoint` has written, by criu(8). The cgroups and the limits are those
 * of the bundle's config.json; memory, files and credentials come from the images. Its first process is looked at before
 * it is left alone: it must not have more than config.json gives (criu/privileges.ts). Acts.
 */
import { posix } from 'node:path';
import { makeDirectories } from '../criu/dump.ts';
import { checkRoot, criuFailed, criuMissing } from '../criu/errors.ts';
import { checkRestorable, hasUserNamespace } from '../criu/external.ts';
import { attest, checkPages, letLookFor, parentsOf, readDescriptors } from '../criu/images.ts';
import type { RestoreOptions } from '../criu/options.ts';
import { restorePlan } from '../criu/plan.ts';
import type { RestorePlace } from '../criu/request.ts';
import { type OnggiError, unsupported } from '../errors.ts';
import { type Launched, launch, type StepReport } from '../kernel/launcher.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import type { CgroupLayout } from '../runtime/cgroup/hierarchy.ts';
import { readCgroupLayout } from '../runtime/cgroup/layout.ts';
import { hostFacts } from '../runtime/host-facts.ts';
import { encodePlan } from '../runtime/plan/encode.ts';
import { stepError, stepWarning } from '../runtime/plan/step-error.ts';
import type { Plan } from '../runtime/plan/steps.ts';
import { type Bundle, loadBundle } from './bundle.ts';
import { recordedMark, withMarks } from './cgroup-mark.ts';
import { type ContainerCgroup, containerCgroup } from './container-cgroup.ts';
import { checkContainerId } from './container-id.ts';
import { compileContainer } from './container-plan.ts';
import type { Running } from './create.ts';
import { removeEnded } from './delete.ts';
import { checkConsole, newKeyring, recordContainer, resctrlOf, takeBack } from './make.ts';
import { containerPaths } from './paths.ts';
import { writePidFile } from './pid-file.ts';
import type { Runtime } from './runtime.ts';
import { writeState } from './state-directory.ts';

export type RestoreRequest = RestoreOptions & {
  /** Who gets the terminal of a container that is left alone. */
  readonly consoleSocket: string | undefined;
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
  checkConsole(bundle.spec, request, !request.detach);
  if (runtime.systemdCgroup)
    throw unsupported('a restored container in a scope of systemd', 'Leave --systemd-cgroup out.');
  const kept = await containerCgroup(runtime, bundle.spec, id, readCgroupLayout());
  const paths = containerPaths(runtime.root, id);
  const resctrl = await resctrlOf(bundle.spec, id);
  const { record, guard } = await recordContainer(runtime, id, bundle, kept, {
    keyring: newKeyring(id),
    notify: false,
    ...(resctrl !== null && { resctrl: resctrl.plan.kept }),
  });
  let launched: Launched | undefined;
  try {
    resctrl?.make();
    launched = await launchCriu(runtime, id, bundle, kept, request, resctrl?.join);
    const init = launched.created();
    attest(id, init, bundle.spec);
    writeState(paths, { ...record, init, ...recordedMark(record.cgroup) }, guard);
    if (request.pidFile !== undefined) writePidFile(request.pidFile, init.pid);
  } catch (error) {
    launched?.[Symbol.dispose]();
    await takeBack(runtime, record, bundle.spec, paths, guard);
    throw error;
  }
  guard[Symbol.dispose]();
  if (request.detach) return undefined;
  const { exited, signal } = launched;
  return {
    signal,
    async ended() {
      try {
        return await exited();
      } finally {
        await removeEnded(runtime, record, paths);
      }
    },
  };
}

async function launchCriu(
  runtime: Runtime,
  id: string,
  bundle: Bundle,
  kept: ContainerCgroup,
  request: RestoreRequest,
  join: ((pid: number) => void) | undefined,
): Promise<Launched> {
  makeDirectories(request);
  const descriptors = readDescriptors(request.images);
  checkPages(request.images);
  if (hasUserNamespace(bundle.spec)) letLookFor(request.images);
  const host = hostFacts();
  const { plan: own, warnings } = compileContainer({
    host,
    id,
    bundle: bundle.directory,
    rootfs: bundle.rootfs,
    spec: bundle.spec,
    ...kept,
    startFifo: 'stay',
    consoleSocket: request.consoleSocket !== undefined,
    preserve: 0,
    noPivot: false,
    keyring: null,
    // That of the images is the one which counts.
    filter: new Uint8Array(),
    devices: [],
  });
  warnings.forEach(runtime.warn);
  const cgroups = cgroupRoots(host.cgroups, kept.cgroup);
  const parents = hasUserNamespace(bundle.spec) ? parentsOf(request.images) : [];
  const stage = `${containerPaths(runtime.root, id).directory}/mounts`;
  const from = {
    descriptors,
    parents,
    stage,
    cgroupRoots: cgroups,
    program: runtime.criu ?? 'criu',
    path: process.env['PATH'] ?? '',
  };
  const plan = leaving(restorePlan(own, bundle.spec, from, request), request.detach);
  const failed = (report: StepReport): OnggiError => {
    const error = stepError(report, plan);
    if (error.code === 'command-not-found') return criuMissing(error);
    return error.message.includes('criu') ? criuFailed('restore', `${request.work}/restore.log`, error.message) : error;
  };
  return launch(
    {
      id,
      plan: encodePlan(withMarks(plan, containerPaths(runtime.root, id))),
      stdio: [0, 1, 2],
      consoleSocket: request.consoleSocket,
      stay: !request.detach,
      preserve: [],
      failed,
      warn: (report) => runtime.warn(stepWarning(report)),
    },
    join,
  );
}

/** The launcher stays with it in the foreground only. */
function leaving(plan: Plan, detach: boolean): Plan {
  const { keeper } = plan;
  return keeper.kind === 'launcher' ? { ...plan, keeper: { ...keeper, stay: !detach }, cleanup: [] } : plan;
}

/** The images name the cgroups of the container that they were made of, which may have had another id. */
function cgroupRoots({ unified, legacy }: CgroupLayout, cgroup: Cgroup): RestorePlace['cgroupRoots'] {
  const below = (mountPoint: string, directory: string): string =>
    posix.join('/', posix.relative(mountPoint, directory));
  const each = legacy.flatMap(({ mountPoint, controllers, options }, at) => {
    const path = below(mountPoint, cgroup.legacy[at]?.directory ?? mountPoint);
    return (controllers.length > 0 ? controllers : [options]).map((controller) => ({ controller, path }));
  });
  if (unified === null || cgroup.unified === null) return each;
  return [...each, { controller: null, path: below(unified.mountPoint, cgroup.unified) }];
}
