/** 200 MB of lines of 100 bytes: logged as they are written, read back, the last ten of them. */
import { type Engine, must } from './engine.ts';
import { type Command, isWorthAnother, time } from './hyperfine.ts';
import { median, type Row } from './table.ts';

const bytes = 200_000_000;
const container = 'bench-log';
const write = `yes ${'x'.repeat(99)} | head -c ${bytes}`;

export function logRows(engines: readonly Engine[], scratch: string): Row[] {
  console.error('measuring: a log of 200 MB');
  const able = engines.filter(({ cli }) => cli !== undefined);
  const names = able.map(({ name }) => name);
  const written = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < 4; round += 1) {
    for (const engine of able) {
      const known = written.get(engine.name) ?? [];
      if (round > 0 && !isWorthAnother(known)) continue;
      if (round > 0) remove(engine);
      const taken = writeLog(engine, container);
      // The first fills the caches and is not counted.
      if (round > 0) known.push(taken);
    }
  }
  const writing = medians(written);
  const reading = medians(time(readers(able, []), { rounds: 2, runs: 1 }, scratch));
  const last = medians(time(readers(able, ['--tail', '10']), { rounds: 4, runs: 2 }, scratch));
  for (const engine of able) remove(engine);
  const compressed = lastOfCompressed(able, scratch);
  const eachPeer = (factor: number) => names.filter((name) => name !== 'onggi').map((column) => ({ column, factor }));
  return [
    { title: 'run that writes 200 MB of lines into its log', unit: 'ms', values: writing, targets: eachPeer(1) },
    { title: 'logs of 200 MB', unit: 'ms', values: reading, targets: eachPeer(1 / 5) },
    { title: 'logs --tail 10 of 200 MB', unit: 'ms', values: last, targets: [{ value: 30 }] },
    { title: 'logs --tail 10 of 200 MB in compressed files', unit: 'ms', values: compressed, targets: [{ value: 30 }] },
  ];
}

/** Of those that compress what they have rotated, which podman does not. */
function lastOfCompressed(engines: readonly Engine[], scratch: string): Map<string, number> {
  const able = engines.filter(({ name }) => name !== 'podman');
  const rotated = ['max-size=20m', 'max-file=20', 'compress=true'].flatMap((option) => ['--log-opt', option]);
  for (const engine of able) writeLog(engine, container, rotated);
  const values = medians(time(readers(able, ['--tail', '10']), { rounds: 4, runs: 2 }, scratch));
  for (const engine of able) remove(engine);
  return values;
}

function readers(engines: readonly Engine[], words: readonly string[]): Command[] {
  return engines.map(({ name, cli }) => {
    return { name, argv: [...(cli?.argv ?? []), 'logs', ...words, container], env: cli?.env ?? {} };
  });
}

function medians(times: ReadonlyMap<string, readonly number[]>): Map<string, number> {
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}

function remove({ cli }: Engine): void {
  must([...(cli?.argv ?? []), 'rm', '-f', container], cli?.env ?? {});
}

/** @returns milliseconds from the start to the end of the container */
function writeLog({ cli }: Engine, name: string, flags: readonly string[] = []): number {
  const [argv, env] = [cli?.argv ?? [], cli?.env ?? {}];
  const start = performance.now();
  must([...argv, 'run', '-d', '--name', name, '--network', 'none', ...flags, 'bench', 'sh', '-c', write], env);
  must([...argv, 'wait', name], env);
  return performance.now() - start;
}
