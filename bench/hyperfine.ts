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

/** Milliseconds from which the first run counts: what it costs to fill the caches is little of so many. */
const long = 2000;
/** Milliseconds after which a command is not run again. Two runs of one that takes long tell as much as twenty. */
const enough = 8_000;

/** Whether a command with these times is run again. */
export function isWorthAnother(times: readonly number[]): boolean {
  return times.reduce((sum, each) => sum + each, 0) < enough;
}

/** @returns milliseconds of wall clock of every run, by name. @throws Error when a command fails */
export function time(commands: readonly Command[], turns: Turns, scratch: string): Map<string, number[]> {
  const report = join(scratch, 'times.json');
  const times = new Map<string, number[]>();
  settle();
  for (const command of commands) {
    // The first run fills the caches.
    times.set(
      command.name,
      timeOnce(command, 1, report).filter((each) => each >= long),
    );
  }
  for (let round = 0; round < turns.rounds; round += 1) {
    for (const command of commands) {
      const known = times.get(command.name) ?? [];
      const [first = 0] = known;
      if (isWorthAnother(known)) known.push(...timeOnce(command, first >= long ? 1 : turns.runs, report));
    }
  }
  return times;
}

function timeOnce({ argv, env }: Command, runs: number, report: string): number[] {
  const result = spawnSync(
    'hyperfine',
    ['-N', '--style', 'none', '--runs', String(runs), '--export-json', report, quote(argv)],
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
