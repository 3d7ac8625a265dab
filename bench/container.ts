/** Commands on containers beside the other engines: exec, many run -d, rm -f of many. */

import { mustPool } from '../test/harness/pool.ts';
import type { Engine } from './engine.ts';
import { must } from './engine.ts';
import { type Command, time } from './hyperfine.ts';
import { median, type Row, type Target } from './table.ts';

const batch = 50;
const atATime = 8;

type Able = Engine & { readonly cli: NonNullable<Engine['cli']> };

function ableOf(engines: readonly Engine[]): Able[] {
  return engines.filter((engine): engine is Able => engine.cli !== undefined);
}

function command({ name, cli }: Able, words: readonly string[]): Command {
  return { name, argv: [...cli.argv, ...words], env: cli.env };
}

export function execRow(engines: readonly Engine[], scratch: string): Row {
  console.error('measuring: exec');
  const able = ableOf(engines);
  const container = 'bench-exec';
  for (const { cli } of able) {
    must([...cli.argv, 'run', '-d', '--name', container, '--network', 'none', 'bench', 'sleep', '600'], cli.env);
  }
  try {
    const times = time(
      able.map((engine) => command(engine, ['exec', container, 'true'])),
      { rounds: 6, runs: 5 },
      scratch,
    );
    const values = new Map([...times].map(([name, all]) => [name, median(all)]));
    const targets = [{ column: 'docker', factor: 1 / 4 }];
    return { title: 'exec CONTAINER true', unit: 'ms', values, targets };
  } finally {
    for (const { cli } of able) must([...cli.argv, 'rm', '-f', container], cli.env);
  }
}

/** One after another, several at a time, and the removal of both, which run still. */
export async function batchRows(engines: readonly Engine[]): Promise<Row[]> {
  const able = ableOf(engines);
  const serial = new Map<string, number>();
  const parallel = new Map<string, number>();
  const removal = new Map<string, number>();
  for (const engine of able) {
    console.error(`measuring: ${batch} run -d with ${engine.name}`);
    const run = command(engine, ['run', '-d', '--network', 'none', 'bench', 'sleep', '600']);
    const commands = Array.from({ length: batch }, () => run);
    const first = await timed(() => mustPool(commands, 1));
    serial.set(engine.name, first.taken);
    const removed = await timed(() => mustPool([command(engine, ['rm', '-f', ...first.result])], 1));
    removal.set(engine.name, removed.taken);
    const second = await timed(() => mustPool(commands, atATime));
    parallel.set(engine.name, second.taken);
    // podman has waited ten seconds for each already.
    const atOnce = engine.name === 'podman' ? ['-t', '0'] : [];
    await mustPool([command(engine, ['rm', '-f', ...atOnce, ...second.result])], 1);
  }
  const fifth = [{ column: 'docker', factor: 1 / 5 }];
  const third = ['docker', 'podman'].map((column) => ({ column, factor: 1 / 3 }));
  return [
    row(`${batch} run -d, one after another`, serial, fifth),
    row(`${batch} run -d, ${atATime} at a time`, parallel, fifth),
    row(`rm -f of ${batch} that run`, removal, third),
  ];
}

function row(title: string, values: ReadonlyMap<string, number>, targets: readonly Target[]): Row {
  return { title, unit: 'ms', values, targets };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly taken: number }> {
  const start = performance.now();
  const result = await work();
  return { result, taken: performance.now() - start };
}
