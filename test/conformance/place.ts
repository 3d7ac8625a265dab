/** Mount namespaces and namespaces to be joined, held by processes that end with the test. */
import { readFileSync, readlinkSync } from 'node:fs';
import { type Outcome, type ProgramOptions, type Running, run, start } from '../harness/program.ts';

/** A mount namespace of its own, in which commands are run. */
export type View = AsyncDisposable & {
  /** Of the process that holds it. */
  readonly pid: number;
  run(command: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  start(command: readonly string[], options?: ProgramOptions): Running;
};

/**
 * crun refuses a machine with the v1 hierarchies and the unified one, so all runtimes get to see the former alone. What
 * a runtime or the set-up leaves mounted goes with the namespace.
 */
const pureVersion1 = `
if grep -q ' /sys/fs/cgroup/unified ' /proc/self/mountinfo; then umount /sys/fs/cgroup/unified; fi
`;

/** @param setup shell lines, in `directory` @throws Error when one of them fails */
export async function openView(setup: string, directory: string): Promise<View> {
  const script = `${pureVersion1}\n${setup}\necho ready\nexec cat`;
  const args = ['--mount', '--propagation', 'private', 'sh', '-ec', script];
  const holder = start('unshare', args, { directory, timeout: 60_000 });
  try {
    await holder.printed(/ready/);
  } catch (error) {
    throw new Error(`set-up of a view: ${holder.output().stderr}`, { cause: error });
  }
  const inside = ['--mount', '--target', String(holder.pid), '--'];
  return {
    pid: holder.pid,
    run: (command, options) => run('nsenter', [...inside, ...command], options),
    start: (command, options) => start('nsenter', [...inside, ...command], options),
    [Symbol.asyncDispose]: async () => {
      holder.child.stdin?.end();
      await holder.outcome;
    },
  };
}

export type Joinable = AsyncDisposable & {
  /** `/proc/PID/ns` of a process in namespaces of its own. */
  readonly path: string;
  readonly namespaces: Readonly<Record<string, string>>;
};

/** A process in new namespaces of every kind but user, with host name "joined". */
export async function openJoinable(): Promise<Joinable> {
  const kinds = ['--net', '--uts', '--ipc', '--pid', '--cgroup', '--mount', '--time', '--monotonic', '86400'];
  const script = 'hostname joined; echo ready; exec cat';
  const holder = start('unshare', [...kinds, '--fork', 'sh', '-ec', script], { timeout: 300_000 });
  await holder.printed(/ready/);
  const child = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim();
  const path = `/proc/${child}/ns`;
  return {
    path,
    namespaces: namespacesOf(path),
    [Symbol.asyncDispose]: async () => {
      holder.child.stdin?.end();
      await holder.outcome;
    },
  };
}

const kinds = ['mnt', 'net', 'pid', 'ipc', 'uts', 'user', 'cgroup', 'time'];

/** The links of `/proc/PID/ns`. */
export function namespacesOf(path: string): Record<string, string> {
  return Object.fromEntries(kinds.map((kind) => [kind, readlinkSync(`${path}/${kind}`)]));
}
