/** What a container sees of itself (native/probe/probe-report.c) and what the engine tells of it, for tests to compare. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import type { World } from '../harness/system-test.ts';

/** All that onggi-probe reports; numbers in base 16 stay strings. */
export type Report = {
  readonly descriptors: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  readonly inheritable: string;
  readonly permitted: string;
  readonly effective: string;
  readonly bounding: string;
  readonly ambient: string;
  readonly noNewPrivileges: string;
  readonly seccomp: string;
  readonly blockedSignals: string;
  readonly ignoredSignals: string;
  readonly cwd: string;
  /** As keyctl(2) describes it. */
  readonly sessionKeyring: string;
  readonly hostname: string;
  readonly domainname: string;
  readonly umask: number;
  readonly pid: number;
  readonly ppid: number;
  readonly sid: number;
  readonly rlimits: Readonly<Record<string, readonly [number, number]>>;
  readonly terminal: { readonly name: string; readonly rows: number; readonly columns: number } | null;
  readonly mountinfo: readonly string[];
  readonly cgroup: readonly string[];
  readonly namespaces: Readonly<Record<string, string>>;
};

/** Runs the probe in a new container without a network; `flags` come before the image. */
export async function reportOf(world: World, flags: readonly string[]): Promise<Report> {
  return JSON.parse(await world.ok(['run', '--rm', '--network', 'none', ...flags, world.image, 'onggi-probe']));
}

/** Runs a shell line in a new container without a network; returns what it prints. */
export async function shell(world: World, flags: readonly string[], line: string): Promise<string> {
  return await world.ok(['run', '--rm', '--network', 'none', ...flags, world.image, 'sh', '-c', line]);
}

/** Starts a container in the background, without a network unless `flags` name one; returns its id. */
export async function detached(world: World, flags: readonly string[], command: readonly string[]): Promise<string> {
  const network = flags.includes('--network') ? [] : ['--network', 'none'];
  return await world.ok(['run', '-d', ...network, ...flags, world.image, ...command]);
}

export type Inspected = {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly Image: string;
  readonly LogPath: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly OOMKilled: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Restarting: boolean;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Config: Readonly<Record<string, unknown>>;
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly Mounts: readonly Readonly<Record<string, unknown>>[];
  readonly NetworkSettings: {
    readonly IPAddress: string;
    readonly Gateway: string;
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
};

export async function inspect(world: World, ref: string): Promise<Inspected> {
  const [found] = JSON.parse(await world.ok(['inspect', ref])) as Inspected[];
  assert.ok(found, `nothing inspected of "${ref}"`);
  return found;
}

/** Lines of what a command printed. */
export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Sockets of a process beside those of stdio: a connection to a shim is one. */
export function connections(pid: number): number {
  const others = readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) > 2);
  return others.filter((fd) => targetOf(pid, fd).startsWith('socket:')).length;
}

/** Empty for one that was closed meanwhile. */
function targetOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}
