/** The process of `exec` as a plan; by itself, so that what only containers need is not loaded for it. Pure. */
import type { Linux, Process } from '../../oci/runtime-spec.ts';
import { everyCapability } from '../capability.ts';
import type { Compiled, HostFacts } from './compile.ts';
import { type KeeperRequest, keeper, keyringOf } from './keeper-request.ts';
import {
  compileConsole,
  compileLabels,
  compileOomScore,
  compileProcess,
  compileRlimits,
  compileWorkingDirectory,
  type ProcessContext,
} from './process.ts';
import { compileAffinity, compileMemoryPolicy, compilePersonality, compileSchedule } from './schedule.ts';
import type { CgroupPlacement, InitStep, NamespaceType, Plan, Spawn } from './steps.ts';

export type ExecContext = {
  readonly host: Pick<HostFacts, 'capabilities'>;
  readonly keeper: KeeperRequest;
  /** The init of the container and its start time (proc(5), field 22). */
  readonly pid: number;
  readonly startTime: bigint;
  readonly namespaces: readonly NamespaceType[];
  readonly cgroups: CgroupPlacement;
  /** That of the container, which a process of `exec` shares. */
  readonly personality?: Linux['personality'] | undefined;
  readonly memoryPolicy?: Linux['memoryPolicy'] | undefined;
  /** Besides the additional gids, by name or number. */
  readonly groups?: readonly string[];
  readonly waitForStart: boolean;
  /** As in the plan (`Spawn`). */
  readonly keyring?: Spawn['keyring'];
};

/**
 * A further process in a running container (`onggi exec`). Nothing is mounted and no limit of the container changes;
 * the process gets the container's cgroups, filter and whatever `process` says.
 *
 * @param filter of the container, compiled
 * @throws OnggiError as `compile`
 */
export function compileExec(process: Process, filter: readonly InitStep[], context: ExecContext): Compiled {
  const warnings = new Set<string>();
  const processContext: ProcessContext = {
    ...context.host,
    ...(context.namespaces.includes('user') && { capabilities: everyCapability }),
    reaper: false,
    groups: context.groups ?? [],
    waitForStart: context.waitForStart,
    warn: (message) => void warnings.add(message),
  };
  const { pid, startTime, namespaces, cgroups } = context;
  const affinity = compileAffinity(process);
  const plan: Plan = {
    keeper: keeper(context.keeper, process, null),
    prepare: affinity.prepare,
    spawn: { kind: 'join', pid, startTime, namespaces, cgroups, ...keyringOf(context.keyring) },
    attach: [],
    init: [
      ...affinity.init,
      ...compileOomScore(process),
      ...compileConsole(process, false),
      compileWorkingDirectory(process, false),
      ...compileRlimits(process),
      ...compileSchedule(process),
      ...compilePersonality(context.personality),
      ...compileMemoryPolicy(context.memoryPolicy),
      ...compileLabels(process),
      ...compileProcess(process, filter, processContext, []),
    ],
    cleanup: [],
  };
  return { plan, warnings: [...warnings] };
}
