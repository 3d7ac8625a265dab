/** The process of config.json as steps: limits, identity, filter, working directory, command. Pure. */

import { OnggiError, withField } from '../../errors.ts';
import type { Capabilities, Process } from '../../oci/runtime-spec.ts';
import { allCapabilities, capabilityNamesOf, capabilitySet, isCapability } from '../capability.ts';
import { checkRlimit, parseRlimitType } from '../rlimit.ts';
import type { CapabilitySets } from './process-steps.ts';
import type { InitStep } from './steps.ts';

export type ProcessContext = {
  /** Effective capabilities of the process that starts the shim; a container can't be given others. */
  readonly capabilities: bigint;
  /** Stay as pid 1 and reap (`docker run --init`). */
  readonly reaper: boolean;
  /** Of the container; which program reaps. Absent: what has been forked stays. */
  readonly initPlace?: string;
  /** Besides the additional gids, by name or number. */
  readonly groups?: readonly string[];
  /** Wait for the word to start before exec. */
  readonly waitForStart: boolean;
  readonly warn: (message: string) => void;
};

/** Limits that need privileges which `identity` drops. The score is written while the host's /proc is there. */
export function compileOomScore(process: Process): InitStep[] {
  const value = process.oomScoreAdj;
  if (value === undefined) return [];
  if (!Number.isInteger(value) || value < -1000 || value > 1000) {
    throw new OnggiError('invalid', `oomScoreAdj: "${value}" is not between -1000 and 1000`);
  }
  return [{ op: 'oom-score-adj', value, optional: false }];
}

export function compileRlimits(process: Process): InitStep[] {
  const seen = new Set<string>();
  return (process.rlimits ?? []).map((limit, index) => {
    try {
      return rlimit(limit, seen);
    } catch (error) {
      throw withField(error, `process.rlimits[${index}]`);
    }
  });
}

function rlimit({ type, soft, hard }: NonNullable<Process['rlimits']>[number], seen: Set<string>): InitStep {
  const { number, name } = parseRlimitType(type);
  if (seen.has(name)) throw new OnggiError('invalid', `resource limit "${type}": given twice`);
  seen.add(name);
  const [low, high] = [BigInt(soft), BigInt(hard)];
  checkRlimit(name, low, high);
  return { op: 'rlimit', resource: number, name, soft: low, hard: high };
}

/** A terminal needs a size; 24 by 80 is what programs assume when nobody says. */
export function compileConsole(process: Process, bindConsole: boolean): InitStep[] {
  if (process.terminal !== true) return [];
  const { height = 0, width = 0 } = process.consoleSize ?? {};
  return [{ op: 'console', rows: height === 0 ? 24 : height, columns: width === 0 ? 80 : width, bindConsole }];
}

/**
 * From the working directory to exec. The order of privileges: a filter without no_new_privs takes CAP_SYS_ADMIN, so
 * it comes before the identity. With no_new_privs it is the last thing before exec, so that a profile needs to allow
 * nothing of what comes before. One with an agent is loaded while whoever sends the listener to the agent is there for
 * sure.
 *
 * @param filter compiled already (`compileSeccomp`): whoever has it need not load what makes it
 */
export function compileProcess(
  process: Process,
  filter: readonly InitStep[],
  context: ProcessContext,
  startHooks: readonly InitStep[],
): InitStep[] {
  const args = process.args ?? [];
  const [command] = args;
  if (command === undefined || command === '') throw new OnggiError('invalid', 'process.args: no command is given');
  const env = environment(process.env ?? []);
  const noNewPrivileges = process.noNewPrivileges === true;
  const listens = filter.some((step) => step.op === 'seccomp' && step.listener !== null);
  return [
    { op: 'umask', mask: process.user.umask ?? 0o022 },
    ...(noNewPrivileges ? [{ op: 'no-new-privileges' } as const] : filter),
    identity(process, context),
    { op: 'find-executable', command },
    ...(noNewPrivileges && listens ? filter : []),
    ...(context.waitForStart ? [{ op: 'wait-start' } as const] : []),
    ...startHooks,
    ...(noNewPrivileges && !listens ? filter : []),
    {
      op: 'exec',
      argv: args,
      env,
      reaper: context.reaper,
      ...(context.initPlace !== undefined && { initPlace: context.initPlace }),
    },
  ];
}

/** Before the root becomes read-only, because a missing directory is made. */
export function compileWorkingDirectory(process: Process, create: boolean): InitStep {
  if (!process.cwd.startsWith('/')) {
    const message = `working directory "${process.cwd}": not an absolute path`;
    throw new OnggiError('invalid', message, { field: 'process.cwd' });
  }
  return { op: 'working-directory', path: process.cwd, create };
}

function identity(process: Process, context: ProcessContext): InitStep {
  const { user } = process;
  const [name = '', group] = (user.username ?? '').split(':', 2);
  const named = user.username !== undefined && user.username !== '';
  return {
    op: 'identity',
    user: named ? name || '0' : id(user.uid),
    group: named ? group || null : id(user.gid),
    additionalGroups: [...(user.additionalGids ?? []).map(id), ...(context.groups ?? [])],
    // Numbers are exact, as in runc: whoever gives them lists the primary group where it belongs (CVE-2022-36109).
    primaryGroup: named,
    capabilities: capabilitySets(process.capabilities ?? {}, !named && user.uid === 0, context),
  };
}

/** Beyond 2^32-2 an id would wrap around or mean "unchanged" (CVE-2024-40635). */
function id(value: number): string {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_fffe) {
    throw new OnggiError('invalid', `user: the id "${value}" is out of range`);
  }
  return String(value);
}

/**
 * What can't be granted is gone without, with a warning (config.md, "capabilities"): the kernel takes no effective
 * capability that is not permitted, and no ambient one that is not permitted and inheritable (capabilities(7)). Bundles
 * of older `runc spec` and of `crun spec` ask for the latter. Root misses nothing then, so it is not warned: what it
 * is permitted it has after each execve(2) anyway, and loses with its id, ambient or not.
 */
function capabilitySets(asked: Capabilities, root: boolean, context: ProcessContext): CapabilitySets {
  const bounding = availableSet(asked.bounding ?? [], context);
  const permitted = availableSet(asked.permitted ?? [], context);
  const inheritable = availableSet(asked.inheritable ?? [], context);
  const within = (set: 'effective' | 'ambient', limit: bigint, others: string, had = 0n): bigint => {
    const found = availableSet(asked[set] ?? [], context);
    const missed = found & ~limit & ~had;
    if (missed !== 0n) {
      context.warn(`${set} capabilities that are not ${others} are left out: ${capabilityNamesOf(missed).join(', ')}`);
    }
    return found & limit;
  };
  return {
    bounding,
    permitted,
    effective: within('effective', permitted, 'permitted'),
    inheritable,
    ambient: within('ambient', permitted & inheritable, 'permitted and inheritable', root ? permitted & bounding : 0n),
  };
}

/** Names that this machine or version does not have are gone without, with a warning (config.md, "capabilities"). */
function availableSet(names: readonly string[], context: ProcessContext): bigint {
  const unknown = names.filter((name) => !isCapability(name));
  if (unknown.length > 0) context.warn(`unknown capabilities are left out: ${unknown.join(', ')}`);
  const asked = capabilitySet(names);
  const missing = asked & ~context.capabilities;
  // Who asks for all there are means those that there are here.
  if (missing !== 0n && asked !== capabilitySet(allCapabilities)) {
    context.warn(`capabilities that onggi itself lacks are left out: ${capabilityNamesOf(missing).join(', ')}`);
  }
  return asked & context.capabilities;
}

/** Of a variable that is given twice the last one holds, as when each is set in turn; getenv(3) finds the first. */
function environment(entries: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const entry of entries) {
    const name = entry.slice(0, entry.indexOf('='));
    if (entry.indexOf('=') < 1) {
      throw new OnggiError('invalid', `environment variable "${entry.split('=')[0]}": not of the form NAME=value`);
    }
    found.set(name, entry);
  }
  return [...found.values()];
}

/** Before no_new_privs, with which a change of label may be denied (apparmor(7)); it takes effect at the exec. */
export function compileLabels(process: Process): InitStep[] {
  const { apparmorProfile: profile = '', selinuxLabel: label = '' } = process;
  return [
    ...(profile === '' ? [] : [{ op: 'apparmor', profile } as const]),
    ...(label === '' ? [] : [{ op: 'selinux', label } as const]),
  ];
}
