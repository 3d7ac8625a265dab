/** From the plan of a container to that of one which criu restores from a checkpoint. Pure. */
import { OnggiError } from '../errors.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import type { NamespaceType, Plan } from '../runtime/plan/steps.ts';
import { externalMounts, type RestoreOptions, restoreArguments } from './command.ts';
import { criuSteps } from './steps.ts';

export type RestoredFrom = {
  /** What stdio was when the checkpoint was made, in the order of the descriptors. */
  readonly descriptors: readonly string[];
  /** Absolute; criu writes the pid of the first process there. */
  readonly pidFile: string;
  /** Where criu is looked for, as in PATH. */
  readonly path: string;
};

/** Of criu: the network namespace that it finds and leaves as it is. */
const networkDescriptor = 100;

/** Made before criu, which restores all others. */
const ownNamespaces: readonly NamespaceType[] = ['mnt', 'net'];

/**
 * The first process mounts the root in a mount namespace of its own, sets up the network and becomes criu, whose child the
 * container's first process is then. Cgroups and limits are those of the container as it is now; all else comes from the
 * images.
 */
export function restorePlan(plan: Plan, spec: Spec, from: RestoredFrom, options: RestoreOptions): Plan {
  const { spawn } = plan;
  const entered = plan.init.findIndex(({ op }) => op === 'enter-root');
  const enter = plan.init[entered];
  if (plan.keeper.kind !== 'shim' || spawn.kind !== 'clone' || enter?.op !== 'enter-root') {
    throw new OnggiError('internal', 'restore by a plan without a shim or a root');
  }
  const network = (spec.linux?.namespaces ?? []).some(({ type }) => type === 'network');
  const external = { mounts: externalMounts(spec, spec.linux?.maskedPaths ?? []), network: null };
  const { descriptors, pidFile } = from;
  const place = {
    rootfs: enter.path,
    descriptors,
    pidFile,
    networkFd: network ? networkDescriptor : null,
    cgroupRoots: [],
  };
  const steps = criuSteps(spec, external, restoreArguments(place, external, options), from.path);
  return {
    ...plan,
    runtime: { program: null, pidFile, group: spawn.cgroups.unified ?? spawn.cgroups.legacy[0] ?? null },
    spawn: {
      kind: 'clone',
      namespaces: spawn.namespaces.filter((type) => ownNamespaces.includes(type)),
      join: spawn.join.filter(({ type }) => type === 'net'),
      cgroups: { unified: null, legacy: [] },
      timeOffsets: [],
      keyring: null,
    },
    attach: plan.attach.filter(({ op }) => op === 'netlink'),
    init: [
      // criu has to see cgroups as it did when it made the images, from the top.
      ...plan.init.slice(0, entered + 1).filter(({ op }) => op !== 'unshare-cgroup'),
      ...plan.init.filter(({ op }) => op === 'netlink'),
      ...steps.slice(0, -1),
      ...(network ? [{ op: 'network-descriptor', number: networkDescriptor } as const] : []),
      ...steps.slice(-1),
    ],
  };
}
