/** Times commands with hyperfine(1), in turns, so that whatever the machine does besides hits all of them alike. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Command = {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

export type Turns = {
  readonly rounds: number;
  /** Runs of each command in each round. */
  readonly runs: number;
};

/**
 * Writes of earlier work that still wait for the disk would hit whoever comes first and syncs. Docker's and podman's
 * imports were seen to double the first figures of all engines.
 */
function settle(): void {
  for (let times = 0; times < 2; times += 1) spawnSync('sync');
  spawnSync('sleep', ['2']);
}

/** @returns milliseconds of wall clock of every run, by name. @throws Error when a command fails */
export function time(commands: readonly Command[], turns: Turns, scratch: string): Map<string, number[]> {
  const times = new Map<string, number[]>(commands.map(({ name }) => [name, []]));
  settle();
  for (let round = 0; round < turns.rounds; round += 1) {
    for (const command of commands) {
      // The first run of all fills the caches and is not counted.
      times.get(command.name)?.push(...timeOnce(command, turns.runs, round === 0 ? 2 : 0, join(scratch, 'times.json')));
    }
  }
  return times;
}

function timeOnce({ argv, env }: Command, runs: number, warmup: number, report: string): number[] {
  const result = spawnSync(
    'hyperfine',
    ['-N', '--style', 'none', '--warmup', String(warmup), '--runs', String(runs), '--export-json', report, quote(argv)],
    { encoding: 'utf8', env: { ...process.env, ...env } },
  );
  if (result.status !== 0) {
    const direct = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', env: { ...process.env, ...env } });
    throw new Error(`${argv.join(' ')}: ${result.stderr}${direct.stderr}`);
  }
  const parsed = JSON.parse(readFileSync(report, 'utf8')) as { results: { times: number[] }[] };
  return parsed.results.flatMap(({ times }) => times.map((seconds) => seconds * 1000));
}

/** hyperfine -N splits its argument by the rules of a shell. */
function quote(argv: readonly string[]): string {
  return argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}
