/**
 * Another engine's daemon, apart from the machine: in pid, mount and network namespaces of its own, so that whatever it
 * leaves (shims, mounts, bridges, rules of the firewall) goes when it ends, even when the test is killed. The control
 * groups can't be apart: it gets a parent below which to put them.
 */
import { readFileSync } from 'node:fs';
import { removeCgroups } from '../harness/cgroup-tree.ts';
import { type Outcome, type ProgramOptions, type Running, run, start } from '../harness/program.ts';

export type Apart = AsyncDisposable & {
  /** Runs a program in the same namespaces. */
  run(command: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** The same, must end with 0; returns stdout without the last newline. */
  ok(command: readonly string[], options?: ProgramOptions): Promise<string>;
  start(command: readonly string[], options?: ProgramOptions): Running;
  /** The words before a command that lead it into the namespaces. */
  readonly enter: readonly string[];
};

/**
 * /run is empty there: sockets and locks that engines put there by habit are not the machine's. Who is first in a pid
 * namespace inherits its orphans; one that ignores SIGCHLD need not wait for them.
 */
const prepare = `
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock
ip link set lo up
echo ready
trap '' CHLD
exec cat
`;

const kinds = ['--mount', '--propagation', 'private', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** @param setup more shell lines, run in the new namespaces @param cgroup name of the parent cgroup, freed at the end */
export async function openApart(cgroup: string, setup = ''): Promise<Apart> {
  const holder = start('unshare', [...kinds, 'sh', '-ec', setup + prepare], { timeout: 300_000 });
  try {
    await holder.printed(/ready/);
  } catch (error) {
    throw new Error(`namespaces of ${cgroup}: ${holder.output().stderr}`, { cause: error });
  }
  const first = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim();
  const enter = ['nsenter', '--mount', '--net', '--pid', '--target', first, '--'];
  const [program = '', ...inside] = enter;
  const enterAndRun = (command: readonly string[], options?: ProgramOptions) =>
    run(program, [...inside, ...command], options);
  return {
    enter,
    run: enterAndRun,
    ok: async (command, options) => {
      const outcome = await enterAndRun(command, options);
      if (outcome.status !== 0) {
        throw new Error(`${command.join(' ')}: ${outcome.status} ${outcome.stderr}${outcome.stdout}`);
      }
      return outcome.stdout.replace(/\n$/, '');
    },
    start: (command, options) => start(program, [...inside, ...command], options),
    [Symbol.asyncDispose]: async () => {
      holder.child.stdin?.end();
      await holder.outcome;
      removeCgroups(cgroup);
    },
  };
}
