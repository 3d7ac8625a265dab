/**
 * `make bench`: measures onggi beside those of docker, podman, crun and runc that are installed, prints one table and
 * writes it into BENCHMARKS.md. Ends with 1 when a target is missed or a row could not be measured. With names of groups of
 * rows it measures those alone and only prints.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar, repository } from '../test/harness/busybox-image.ts';
import { makeScratch } from '../test/harness/scratch.ts';
import { bundleRows } from './bundle.ts';
import { batchRows, execRow } from './container.ts';
import { crowdRows, emptyStore } from './crowd.ts';
import { startDocker } from './docker.ts';
import { type Absent, type Engine, installed, keeperMemory, type Network } from './engine.ts';
import { attempt, type Groups, measureGroups } from './group.ts';
import { type Command, time } from './hyperfine.ts';
import { commitRow, listRow } from './image.ts';
import { logRows } from './log.ts';
import { layerMemoryRow } from './memory.ts';
import { startRuntime } from './oci-runtime.ts';
import { startOnggi } from './onggi.ts';
import { planRows } from './plan.ts';
import { startPodman } from './podman.ts';
import { machine, writeFigures } from './report.ts';
import { libseccomp, seccompRows } from './seccomp.ts';
import { type Column, formatTable, judgeTarget, median, ours, type Row } from './table.ts';
import { transferRows } from './transfer.ts';
import { enter, isInside } from './view.ts';

const turns = { rounds: 8, runs: 5 };
const idleContainers = 5;
const bareBun = 'bare Bun';
/** Names of groups of rows; none means all. */
const wanted = process.argv.slice(2);

if (isInside()) await measure().catch(fail);
else process.exitCode = await enter(wanted);

function fail(error: unknown): void {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function measure(): Promise<void> {
  await using scratch = makeScratch();
  await using engines = new AsyncDisposableStack();
  const tar = await busyboxTar();
  let known: Promise<(Engine | Absent)[]> | undefined;
  // Started by the first group that compares with them; dockerd takes its seconds.
  const all = (): Promise<(Engine | Absent)[]> => {
    known ??= startAll(scratch.path, tar, engines);
    return known;
  };
  const present = async (): Promise<Engine[]> =>
    (await all()).filter((engine): engine is Engine => !('missing' in engine));
  const groups: Groups = {
    run: async () => [
      ...(await attempt('run --rm, no network', async () => runRow('none', await present(), scratch.path))),
      ...(await attempt('run --rm, bridge', async () => runRow('bridge', await present(), scratch.path))),
    ],
    memory: async () => memoryRow(await present()),
    exec: async () => execRow(await present(), scratch.path),
    batch: async () => batchRows(await present()),
    crowd: () => crowdRows(scratch.path, tar),
    start: async () => startRow(await present(), scratch.path),
    bundle: () => bundleRows(scratch.path),
    commit: async () => commitRow(await present()),
    layerMemory: () => layerMemoryRow(scratch.path),
    list: () => listRow(scratch.path),
    logs: async () => logRows(await present(), scratch.path),
    plan: () => planRows(scratch.path),
    seccomp: () => seccompRows(scratch.path),
    transfer: async () => transferRows(await present(), scratch.path),
  };
  const rows = await measureGroups(groups, wanted);
  const compared = known === undefined ? [{ name: ours }] : await known;
  report(
    rows,
    [...compared, { name: bareBun }, { name: libseccomp }, { name: 'skopeo' }, { name: emptyStore }],
    new Map(known === undefined ? [] : (await present()).map(({ name, version }) => [name, version])),
  );
}

async function startAll(scratch: string, tar: string, engines: AsyncDisposableStack): Promise<(Engine | Absent)[]> {
  const all = [
    startOnggi(scratch, tar),
    await peer('docker', 'dockerd', () => startDocker(scratch, tar)),
    await peer('podman', 'podman', () => startPodman(scratch, tar)),
    await peer('crun', 'crun', () => startRuntime('crun', scratch)),
    await peer('runc', 'runc', () => startRuntime('runc', scratch)),
  ];
  for (const engine of all) if (!('missing' in engine)) engines.defer(() => engine.stop());
  return all;
}

async function peer(name: string, program: string, start: () => Engine | Promise<Engine>): Promise<Engine | Absent> {
  if (!installed(program)) return { name, missing: 'not installed' };
  try {
    return await start();
  } catch (error) {
    console.error(`${name} is left out: ${error instanceof Error ? error.message : error}`);
    return { name, missing: 'does not run here' };
  }
}

function runRow(network: Network, engines: readonly Engine[], scratch: string): Row {
  const title = `run --rm IMAGE true, ${network === 'none' ? 'no network' : network}`;
  console.error(`measuring: ${title}`);
  const commands = engines.flatMap((engine) => engine.run(network) ?? []);
  const docker = { column: 'docker', factor: network === 'none' ? 1 / 6 : 1 / 8 };
  const targets = network === 'none' ? [docker, { column: 'crun', factor: 5 }] : [docker];
  return { title, unit: 'ms', values: medians(commands, scratch), targets };
}

function memoryRow(engines: readonly Engine[]): Row {
  console.error('measuring: memory per idle container');
  const values = new Map<string, number>();
  for (const { name, idle } of engines) {
    if (idle === undefined) continue;
    const pids = Array.from({ length: idleContainers }, () => idle());
    values.set(name, median(pids.map(keeperMemory)));
  }
  return {
    title: `PSS of what stays per container, ${idleContainers} idle ones`,
    unit: 'kB',
    values,
    targets: [{ value: 300 }],
  };
}

function startRow(engines: readonly Engine[], scratch: string): Row {
  console.error('measuring: --version');
  const empty = join(scratch, 'empty.js');
  writeFileSync(empty, '');
  const bun: Command = { name: bareBun, argv: [bunPath(), empty] };
  const values = medians([...engines.map(({ start }) => start), bun], scratch);
  return { title: '--version (Bun: an empty script)', unit: 'ms', values, targets: [{ column: bareBun, factor: 3 }] };
}

function medians(commands: readonly Command[], scratch: string): Map<string, number> {
  return new Map([...time(commands, turns, scratch)].map(([name, times]) => [name, median(times)]));
}

function bunPath(): string {
  const directory = join(repository, 'toolchain/node_modules/@oven');
  return join(directory, readdirSync(directory).find((name) => name.startsWith('bun-linux-')) ?? '', 'bin/bun');
}

function report(rows: readonly Row[], columns: readonly Column[], versions: ReadonlyMap<string, string>): void {
  const table = formatTable(rows, columns);
  console.log(`\n${table}\n\n${machine()} Medians of ${turns.rounds * turns.runs} runs.`);
  if (wanted.length === 0) writeFigures(table, versions);
  const missed = rows.some((row) => row.targets.some((target) => judgeTarget(row, target) === 'MISSED'));
  if (missed || rows.some(({ failed }) => failed === true)) process.exitCode = 1;
}
