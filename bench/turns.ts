/** Work of seconds: each engine once, then each again that is quick enough, on a settled disk. */
import { spawnSync } from 'node:child_process';
import { must } from './engine.ts';
import { type Command, isWorthAnother } from './hyperfine.ts';
import { median } from './table.ts';

const rounds = 3;

export const half = ['docker', 'podman'].map((column) => ({ column, factor: 1 / 2 }));

export function call({ argv, env }: Command, words: readonly string[]): void {
  must([...argv, ...words], env);
}

/**
 * @param prepare what is not timed, with a stack for what has to be undone after the turn; gives what is timed
 * @returns the median of each by name
 */
export async function inTurns(
  commands: readonly Command[],
  prepare: (command: Command, round: number, after: AsyncDisposableStack) => (() => void) | Promise<() => void>,
): Promise<Map<string, number>> {
  const times = new Map<string, number[]>(commands.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const command of commands) {
      if (!isWorthAnother(times.get(command.name) ?? [])) continue;
      await using after = new AsyncDisposableStack();
      const work = await prepare(command, round, after);
      for (let count = 0; count < 2; count += 1) spawnSync('sync');
      const start = performance.now();
      work();
      times.get(command.name)?.push(performance.now() - start);
    }
  }
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}
