/** From the plan of a container of ours to that of one that another OCI runtime makes. Pure. */
import { OnggiError } from '../../errors.ts';
import { encodeSpec } from '../../oci/runtime-json.ts';
import type { Spec } from '../../oci/runtime-spec.ts';
import { oldestVersion } from '../defaults.ts';
import { type InitStep, type InnerNetlinkStep, mountsOfItsOwn, type Plan } from './steps.ts';

/** Absolute paths of a directory for this start alone, and of the program. */
export type ForeignPlace = {
  readonly program: string;
  readonly directory: string;
  /** Of the program; nothing of the command's that started the container. */
  readonly env: readonly string[];
  /** That each of its commands may take. */
  readonly seconds: number;
};

/** Stands for the user in config.json until its ids are known; no string of JSON holds it, its quotes would be escaped. */
const noUser = { uid: 4294967293, gid: 4294967293 };

/**
 * The first process mounts the root, fills volumes and executes the runtime, whose container has a copy of these mounts;
 * all others are the runtime's, and so are cgroups, limits, filter and identity. The network is set up by the shim.
 */
export function foreignPlan(plan: Plan, spec: Spec, id: string, place: ForeignPlace): Plan {
  const { program, directory, env, seconds } = place;
  const { keeper, spawn } = plan;
  if (keeper.kind !== 'shim' || spawn.kind !== 'clone')
    throw new OnggiError('internal', 'another runtime without a shim');
  const entered = plan.init.findIndex(({ op }) => op === 'enter-root');
  const enter = plan.init[entered];
  const identity = plan.init.find((step) => step.op === 'identity');
  if (enter?.op !== 'enter-root' || identity === undefined) throw new OnggiError('internal', 'a plan without a root');
  const { user, group, additionalGroups, primaryGroup } = identity;
  const [before, after] = configAround(spec, enter.path);
  const state = `${directory}/state`;
  const log = `${directory}/log.json`;
  const pidFile = `${directory}/pid`;
  const socket = keeper.terminal ? `${directory}/t` : null;
  const argv = [
    ...[program, '--root', state, '--log', log, '--log-format', 'json', 'create', '--bundle', directory],
    ...['--pid-file', pidFile, ...(socket === null ? [] : ['--console-socket', socket]), id],
  ];
  const inner = plan.init.filter((step) => step.op === 'netlink');
  return {
    ...plan,
    runtime: {
      program,
      state,
      id,
      pidFile,
      log,
      console: socket,
      group: spawn.cgroups.unified ?? spawn.cgroups.legacy[0] ?? null,
      seconds,
    },
    prepare: plan.prepare.filter(({ op }) => op === 'ports'),
    spawn: mountsOfItsOwn,
    attach: [
      ...plan.attach.filter(({ op }) => op === 'netlink'),
      ...inner.map((step): InnerNetlinkStep => ({ ...step, op: 'inner-netlink' })),
    ],
    init: [
      // Its cgroup is named from the top of each hierarchy, and the namespace is the runtime's to make.
      ...plan.init.slice(0, entered + 1).filter(({ op }) => op !== 'unshare-cgroup'),
      ...plan.init.filter((step) => step.op === 'bind' && step.copyUp === true),
      config(`${directory}/config.json`),
      { op: 'exec', argv, env, reaper: false },
    ],
  };

  function config(path: string): InitStep {
    return { op: 'config', path, user, group, additionalGroups, primaryGroup, before, after };
  }
}

/** config.json before and after its user. */
function configAround(spec: Spec, root: string): readonly [before: string, after: string] {
  const { process } = spec;
  if (process === undefined) throw new OnggiError('internal', 'a config without a process');
  const text = encodeSpec({
    ...spec,
    ociVersion: oldestVersion,
    root: { ...spec.root, path: root },
    process: { ...process, user: noUser },
  });
  const [before, after] = text.split(JSON.stringify(noUser));
  if (before === undefined || after === undefined) throw new OnggiError('internal', 'a config without a user');
  return [before, after];
}
