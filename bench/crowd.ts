/** A store with a thousand containers, 300 of them running, beside an empty one; and a thousand started at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustPool, runPool } from '../test/harness/pool.ts';
import { binary } from '../test/harness/system-test.ts';
import { keeperMemory, must } from './engine.ts';
import { type Command, time } from './hyperfine.ts';
import { median, ours, type Row } from './table.ts';

export const emptyStore = 'empty store';

const [all, running, looked] = [1000, 300, 200];
const atATime = 4;
/** Memory that a command and its container take for a moment, with room to spare. */
const bytesOfRun = 64 << 20;

export async function crowdRows(scratch: string, tar: string): Promise<Row[]> {
  const [empty, full] = [join(scratch, 'few'), join(scratch, 'crowd')].map((root) => [binary, '--root', root]) as [
    string[],
    string[],
  ];
  for (const onggi of [empty, full]) {
    must([...onggi, 'import', tar, 'bench']);
    must([...onggi, 'create', '--name', 'one', '--network', 'none', 'bench', 'true']);
  }
  try {
    console.error(`making ${all} containers`);
    const pids = await fill(full);
    const rows = [
      compared('ps', ['ps'], empty, full, scratch),
      compared('inspect of one', ['inspect', 'one'], empty, full, scratch),
      compared('run --rm', ['run', '--rm', '--network', 'none', 'bench', 'true'], empty, full, scratch),
      memory(pids),
    ];
    return [...rows, await atOnce(empty)];
  } finally {
    for (const onggi of [empty, full]) must([...onggi, 'rm', '-f', ...must([...onggi, 'ps', '-aq']).split('\n')]);
  }
}

/** @returns pids of the first processes of those that run */
async function fill(onggi: readonly string[]): Promise<number[]> {
  const make = (verb: readonly string[]): Command => ({
    name: ours,
    argv: [...onggi, ...verb, '--network', 'none', 'bench', 'sleep', '3600'],
  });
  await mustPool(
    Array.from({ length: all - running }, () => make(['create'])),
    atATime,
  );
  const ids = await mustPool(
    Array.from({ length: running }, () => make(['run', '-d'])),
    atATime,
  );
  const found = must([...onggi, 'inspect', '--format', '{{.State.Pid}}', ...ids.slice(0, looked)]);
  return found.split('\n').map(Number);
}

function compared(
  title: string,
  words: readonly string[],
  empty: readonly string[],
  full: readonly string[],
  scratch: string,
): Row {
  console.error(`measuring: ${title} with ${all} containers`);
  const commands = [
    { name: ours, argv: [...full, ...words] },
    { name: emptyStore, argv: [...empty, ...words] },
  ];
  const times = time(commands, { rounds: 6, runs: 5 }, scratch);
  return {
    title: `${title}, with ${all} containers, ${running} of them running`,
    unit: 'ms',
    values: new Map([...times].map(([name, each]) => [name, median(each)])),
    targets: [{ column: emptyStore, factor: 1.2 }],
  };
}

function memory(pids: readonly number[]): Row {
  return {
    title: `PSS of what stays per container, ${looked} of ${running} idle ones`,
    unit: 'kB',
    values: new Map([[ours, median(pids.map(keeperMemory))]]),
    targets: [{ value: 300 }],
  };
}

/** Started as fast as they can be, as many at a time as half of the free memory allows. */
async function atOnce(onggi: readonly string[]): Promise<Row> {
  const free = Number(/^MemAvailable:\s*(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  const width = Math.min(all, Math.max(1, Math.floor(free / 2 / bytesOfRun)));
  console.error(`measuring: ${all} run --rm, ${width} at a time`);
  const run: Command = { name: ours, argv: [...onggi, 'run', '--rm', '--network', 'none', 'bench', 'true'] };
  const results = await runPool(
    Array.from({ length: all }, () => run),
    width,
  );
  const failed = results.filter(({ status }) => status !== 0);
  if (failed[0] !== undefined) console.error(`the first that failed said: ${failed[0].stderr}`);
  return {
    title: `of ${all} run --rm started at once, failed`,
    unit: 'runs',
    values: new Map([[ours, failed.length]]),
    targets: [{ value: 0 }],
  };
}
