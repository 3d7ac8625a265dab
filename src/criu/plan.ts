/** From the plan of a container to that of one which criu restores from a checkpoint. Pure. */
import { OnggiError } from '../errors.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { noAttributes } from '../runtime/plan/numbers.ts';
import { type AttachStep, type InitStep, mountsOfItsOwn, type Plan } from '../runtime/plan/steps.ts';
import { type External, externalMounts, withoutSlash } from './external.ts';
import type { RestoreOptions } from './options.ts';
import { type RestorePlace, restoreRequest } from './request.ts';

export type RestoredFrom = {
  /** What stdio was when the checkpoint was made, in the order of the descriptors. */
  readonly descriptors: readonly string[];
  /** As for the request of a restore. */
  readonly cgroupRoots: RestorePlace['cgroupRoots'];
  /** The directories that the images name as those of an earlier memory dump, by what they are called beside them. */
  readonly parents: readonly { readonly name: string; readonly path: string }[];
  /** Directory for mounts of criu's alone, absolute; left empty. */
  readonly stage: string;
  /** criu itself, by name or path. */
  readonly program: string;
  /** Where it is looked for, as in PATH. */
  readonly path: string;
};

/** Of criu: the socket of its RPC, followed by its directories, and the network namespace that it leaves as it is. */
const [rpcDescriptor, networkDescriptor] = [100, 110];

/**
 * The first process mounts the root and what is bound in a mount namespace of its own and becomes criu, whose parent then
 * is that of the container's first process. Cgroups and limits are those of the container as it is now; all else comes
 * from the images. With `emptyNetwork` its network is set up by the keeper, in the namespace that criu has made.
 */
export function restorePlan(plan: Plan, spec: Spec, from: RestoredFrom, options: RestoreOptions): Plan {
  const { spawn } = plan;
  const entered = plan.init.findIndex(({ op }) => op === 'enter-root');
  const enter = plan.init[entered];
  if (spawn.kind !== 'clone' || enter?.op !== 'enter-root') {
    throw new OnggiError('internal', 'restore by a plan without a root');
  }
  const joined = spawn.join.filter(({ type }) => type === 'net');
  const hasUsers = plan.attach.some(({ op }) => op === 'id-map');
  const stage = hasUsers ? openStage(from, options) : hiddenStage(from, options);
  const binds = stagedBinds(plan.init.slice(entered), from.stage);
  const external = { mounts: sourcesOf(spec, binds, stage.path), network: null };
  const place = {
    rootfs: `${stage.path}/root`,
    directories: { images: rpcDescriptor + 1, work: rpcDescriptor + 2 },
    descriptors: from.descriptors,
    networkFd: joined.length > 0 ? networkDescriptor : null,
    cgroupRoots: from.cgroupRoots,
  };
  return {
    ...plan,
    runtime: {
      program: null,
      group: spawn.cgroups.unified ?? spawn.cgroups.legacy[0] ?? null,
      request: restoreRequest(place, external, options),
    },
    spawn: { ...mountsOfItsOwn, join: joined },
    attach: [...plan.attach.filter(({ op }) => op === 'id-map'), ...(options.emptyNetwork ? networkSteps(plan) : [])],
    init: [
      // criu has to see cgroups as it did when it made the images, from the top.
      ...plan.init.slice(0, entered).flatMap((step) => (step.op === 'unshare-cgroup' ? [] : [ofFirstProcess(step)])),
      { op: 'enter-root', path: '/' },
      { op: 'mount', fstype: 'tmpfs', source: 'tmpfs', target: from.stage, flags: noFlags, data: '', optional: false },
      bound(enter.path, `${from.stage}/root`, true),
      ...binds.map(({ inside: _, ...bind }) => bind),
      ...stage.steps,
      // Inherited by all that criu restores; it does so by itself only since 3.19.
      ...(spec.process?.noNewPrivileges === true ? [{ op: 'no-new-privileges' } as const] : []),
      { op: 'find-executable', command: from.program },
      ...(joined.length > 0 ? [{ op: 'network-descriptor', number: networkDescriptor } as const] : []),
      { op: 'criu-descriptors', number: rpcDescriptor, images: stage.images, work: stage.work },
      { op: 'exec', argv: [from.program, 'swrk', String(rpcDescriptor)], env: [`PATH=${from.path}`], reaper: false },
    ],
  };
}

/** Where criu finds the mounts and directories that it takes from outside, and the steps that put them there. */
type Stage = {
  readonly path: string;
  readonly images: string;
  readonly work: string;
  readonly steps: readonly InitStep[];
};

function hiddenStage({ stage }: RestoredFrom, { images, work }: RestoreOptions): Stage {
  return { path: stage, images, work, steps: [] };
}

/**
 * In a user namespace criu takes all of them as the container's root, to whom neither the store nor the directory of a
 * volume has to be open: so they are moved to a directory that is open to all, in which criu makes its own. In the end,
 * for until then it may hold what is bound. The images become the container's root's for as long.
 */
function openStage({ stage, parents }: RestoredFrom, { images, work }: RestoreOptions): Stage {
  const path = '/tmp';
  return {
    path,
    images: `${path}/images`,
    work: `${path}/work`,
    steps: [
      ...[{ name: 'images', path: images }, ...parents].map(({ name, path: source }) => ({
        ...bound(source, `${stage}/${name}`, false),
        mapping: ownIds,
      })),
      bound(work, `${stage}/work`, false),
      bound(stage, path, true),
    ],
  };
}

/** Those of the container's own user namespace. */
const ownIds = { maps: null, recursive: false };

const noFlags = { bits: 0, words: [] };

type Bind = Extract<InitStep, { op: 'bind' }>;
type StagedBind = Bind & { readonly inside: string };

function bound(source: string, target: string, recursive: boolean): Bind {
  return { op: 'bind', source, target, recursive, attributes: noAttributes, propagation: noFlags, createSource: false };
}

/**
 * Each as the container had it, with its ids mapped, on a path for criu to take it from: criu takes over who a bind's
 * mounts spread to, which the kernel tells of the root of a mount only (MOVE_MOUNT_SET_GROUP).
 */
function stagedBinds(init: readonly InitStep[], stage: string): StagedBind[] {
  return init
    .filter((step) => step.op === 'bind')
    .map(({ copyUp: _, ...step }, index) => ({
      ...step,
      inside: withoutSlash(step.target),
      target: `${stage}/${index}`,
      byKeeper: false,
    }));
}

/** Of several on one path the last one is seen. */
function sourcesOf(spec: Spec, binds: readonly StagedBind[], stage: string): External['mounts'] {
  const places = new Map(binds.map(({ inside }, index) => [inside, `${stage}/${index}`]));
  return externalMounts(spec, spec.linux?.maskedPaths ?? []).map(({ target, source }) => ({
    target,
    source: places.get(target) ?? source,
  }));
}

/** It is root of the machine and has a way to everything. */
function ofFirstProcess(step: InitStep): InitStep {
  if ((step.op !== 'overlay' && step.op !== 'root-bind') || step.byKeeper !== 'plain') return step;
  const { byKeeper: _, ...own } = step;
  return own;
}

/** All that lives in the network namespace, which criu leaves empty: links, addresses, routes, parameters. */
function networkSteps(plan: Plan): AttachStep[] {
  return [
    ...plan.attach.filter(({ op }) => op === 'netlink' || op === 'inner-netlink'),
    ...plan.init.flatMap((step): AttachStep[] => {
      if (step.op === 'netlink') return [{ ...step, op: 'inner-netlink' }];
      return step.op === 'sysctl' && step.name.startsWith('net/') ? [{ ...step, op: 'inner-sysctl' }] : [];
    }),
  ];
}
