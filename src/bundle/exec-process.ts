/** The process of `exec`, from flags and from that of the container. Pure. */
import { OnggiError } from '../errors.ts';
import type { Capabilities, Process, User } from '../oci/runtime-spec.ts';

export type NamedUser = Pick<User, 'uid'> & Partial<Pick<User, 'gid'>>;

/** Flags of `exec`; absent is as the container has it. */
export type ProcessFlags = {
  readonly args: readonly string[];
  readonly terminal: boolean;
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  /** Without a group: that of the container, as runc has it; root's would be more than was asked for. */
  readonly user: NamedUser | undefined;
  readonly additionalGids: readonly number[];
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean | undefined;
  readonly apparmorProfile: string | undefined;
  readonly selinuxLabel: string | undefined;
};

/** `--user uid[:gid]`. @throws OnggiError `invalid` */
export function parseUser(text: string): NamedUser {
  const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), match?.[2] === undefined ? undefined : Number(match[2])];
  // 2^32-1 means "leave as it is" to setresuid(2).
  if (match === null || uid > 0xffff_fffe || (gid ?? 0) > 0xffff_fffe) {
    throw new OnggiError('invalid', `"${text}" is not of the form <uid>[:<gid>], numbers below 4294967295`);
  }
  return { uid, ...(gid !== undefined && { gid }) };
}

/** @throws OnggiError `invalid` when there is no command */
export function execProcess(container: Process, flags: ProcessFlags): Process {
  if (flags.args.length === 0) {
    throw new OnggiError('invalid', 'process args cannot be empty', {
      hint: 'Give the command after the container ID, or a process.json with --process.',
    });
  }
  const { consoleSize: _, ...rest } = container;
  const gids = [...(container.user.additionalGids ?? []), ...flags.additionalGids];
  return {
    ...rest,
    terminal: flags.terminal,
    args: flags.args,
    env: [...(container.env ?? []), ...flags.env],
    user: { ...container.user, ...flags.user, ...(gids.length > 0 && { additionalGids: gids }) },
    ...(flags.cwd !== undefined && { cwd: flags.cwd }),
    ...(flags.noNewPrivileges !== undefined && { noNewPrivileges: flags.noNewPrivileges }),
    ...(flags.apparmorProfile !== undefined && { apparmorProfile: flags.apparmorProfile }),
    ...(flags.selinuxLabel !== undefined && { selinuxLabel: flags.selinuxLabel }),
    ...(flags.capabilities.length > 0 && {
      capabilities: withCapabilities(container.capabilities ?? {}, flags.capabilities),
    }),
  };
}

/** As runc since 1.2: added to what the process may get and has, not to what it hands on by exec. */
function withCapabilities(sets: Capabilities, added: readonly string[]): Capabilities {
  const union = (set: readonly string[] = []): string[] => [...new Set([...set, ...added])];
  return {
    ...sets,
    bounding: union(sets.bounding),
    effective: union(sets.effective),
    permitted: union(sets.permitted),
  };
}
