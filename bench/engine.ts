/** The engines that are compared: how each runs the same busybox, and what it leaves running per container. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { pause } from '../test/harness/program.ts';
import type { Command } from './hyperfine.ts';

export type Network = 'none' | 'bridge';

export type Engine = {
  readonly name: string;
  readonly version: string;
  /** `run --rm IMAGE true`; undefined when the engine knows no such network. */
  run(network: Network): Command | undefined;
  /** How its command line begins; absent for a bare runtime. */
  readonly cli?: { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> };
  /** `--version`. */
  readonly start: Command;
  /** Starts a container that sleeps. @returns the host pid of its first process; undefined when nothing stays */
  readonly idle?: () => number;
  stop(): Promise<void>;
};

/** Why a peer can't be measured. */
export type Absent = { readonly name: string; readonly missing: string };

export function installed(program: string): boolean {
  const path = process.env['PATH'] ?? '';
  return path.split(':').some((directory) => existsSync(`${directory}/${program}`));
}

/** @throws Error with what the program said */
export function must(argv: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const result = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', env: { ...process.env, ...env } });
  if (result.status !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr || result.error?.message}`);
  return result.stdout.trim();
}

/**
 * Removes the cgroups that an engine keeps when it has no container left; those that are still used stay. Processes
 * that are just ending hold theirs for a moment, so it tries for a second.
 */
export async function removeCgroups(name: string): Promise<void> {
  const left = () => readdirSync('/sys/fs/cgroup').map((hierarchy) => `/sys/fs/cgroup/${hierarchy}/${name}`);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const paths = left().filter((path) => existsSync(path));
    if (paths.length === 0) return;
    spawnSync('find', [...paths, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
    await pause(50);
  }
}

/** Takes off what an engine has left mounted below its directory, as podman does its storage now and then. */
export function unmountBelow(directory: string): void {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${directory}/`));
  for (const point of points.reverse()) must(['umount', '--lazy', point]);
}

/** The first version number in what a program says about itself. */
export function versionOf(program: string): string {
  return /\d+\.\d+(?:\.\d+)?/.exec(must([program, '--version']))?.[0] ?? 'unknown';
}

/**
 * Proportional set size of the process that the engine keeps for a container: the parent of its first process.
 * @returns kB of 1000 bytes (proc(5), smaps_rollup)
 */
export function keeperMemory(pid: number): number {
  const keeper = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  const kibibytes = /^Pss:\s*(\d+) kB/m.exec(readFileSync(`/proc/${keeper}/smaps_rollup`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / 1000;
}
