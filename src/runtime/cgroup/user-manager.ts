/**
 * Getting into the part of the cgroups that is the user's own. Who has logged in over ssh(1) is beside it, and may move
 * processes neither into nor out of it ("Delegation Containment", cgroup-v2.rst): a container could not be born there.
 * The user's systemd moves them, with the help of the machine's, into a scope which goes when they have ended. Acts.
 */
import { OnggiError } from '../../errors.ts';
import { readText } from '../../kernel/text-file.ts';
import { parseOwnCgroups } from './cgroup.ts';
import { hierarchyPath } from './hierarchy.ts';
import { mayWrite, readCgroupLayout } from './layout.ts';
import { connectManager } from './systemd-manager.ts';
import { passingProperties } from './systemd-unit.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Moves processes into a scope of the user's systemd, unless this process is there already.
 *
 * @param what they are for, in words
 * @throws OnggiError `unavailable`, `denied`
 */
export async function enterUserManager(pids: readonly number[], what: string, env: Env): Promise<void> {
  using manager = await connectManager(true, env);
  const own = ownPath();
  const group = await manager.controlGroup();
  if (`${own}/`.startsWith(`${group}/`)) return;
  const unit = `onggi-runtime-${pids[0]}.scope`;
  try {
    await manager.startTransient(unit, passingProperties(what, pids));
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    throw new OnggiError(error.code, `move from the cgroup "${own}" below "${group}": ${error.message}`, {
      cause: error,
      hint: "Without the machine's systemd and bus to help, begin in a service or scope of the user's systemd: systemd-run --user --scope COMMAND.",
    });
  }
}

/** Whether a process could be born in that v2 cgroup, as far as moves go. */
export function mayBeBornIn(directory: string): boolean {
  const { unified } = readCgroupLayout();
  if (unified === null) return true;
  let common = hierarchyPath(unified.mountPoint, ownPath());
  while (common.length > unified.mountPoint.length && !`${directory}/`.startsWith(`${common}/`)) {
    common = common.slice(0, common.lastIndexOf('/'));
  }
  return mayWrite(`${common}/cgroup.procs`);
}

function ownPath(): string {
  return parseOwnCgroups(readText('/proc/self/cgroup'), readText('/proc/self/mountinfo')).get('') ?? '/';
}
