/**
 * `make bench`: measures onggi beside those of docker, podman, crun and runc that are installed, prints one table and
 * writes it into BENCHMARKS.md. Ends with 1 when a target is missed. With names of groups of rows it measures those alone and
 * only prints.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar, repository } from '../test/harness/busybox-image.ts';
import { makeScratch } from '../test/harness/scratch.ts';
import { bundleRows } from './bundle.ts';
import { batchRows, execRow } from './container.ts';
import { crowdRows, emptyStore } from './crowd.ts';
import { startDocker } from './docker.ts';
import { type Absent, type Engine, installed, keeperMemory, type Network } from './engine.ts';
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
import { type Column, formatTable, judgeTarget, median, type Row } from './table.ts';
import { transferRows } from './transfer.ts';

const turns = { rounds: 8, runs: 5 };
const idleContainers = 5;
const bareBun = 'bare Bun';
/** Names of groups of rows; none means all. */
const wanted = process.argv.slice(2);

if (process.env['ONGGI_BENCH_INSIDE'] === undefined) process.exitCode = enter();
else await measure();

function isWanted(group: string): boolean {
  return wanted.length === 0 || wanted.includes(group);
}

/**
 * Runs all engines in one private view: a network namespace, so that no bridge or rule of theirs touches the machine,
 * and no v2 hierarchy beside those of v1, which crun refuses.
 */
function enter(): number {
  const hybrid = readFileSync('/proc/self/mountinfo', 'utf8').includes(' /sys/fs/cgroup/unified ');
  const prepare = `ip link set lo up${hybrid ? ' && umount /sys/fs/cgroup/unified' : ''} && exec "$@"`;
  const command = ['sh', '-c', prepare, '--', process.execPath, import.meta.filename, ...wanted];
  const env = { ...process.env, ONGGI_BENCH_INSIDE: '1' };
  const result = spawnSync('unshare', ['--mount', '--net', '--propagation', 'private', ...command], {
    stdio: 'inherit',
    env,
  });
  return result.status ?? 1;
}

async function measure(): Promise<void> {
  await using scratch = makeScratch();
  await using engines = new AsyncDisposableStack();
  const tar = await busyboxTar();
  const all = [
    startOnggi(scratch.path, tar),
    await peer('docker', 'dockerd', () => startDocker(scratch.path, tar)),
    await peer('podman', 'podman', () => startPodman(scratch.path, tar)),
    await peer('crun', 'crun', () => startRuntime('crun', scratch.path)),
    await peer('runc', 'runc', () => startRuntime('runc', scratch.path)),
  ];
  const present = all.filter((engine): engine is Engine => !('missing' in engine));
  for (const engine of present) engines.defer(() => engine.stop());
  const groups: Record<string, () => readonly Row[] | Promise<Row[]>> = {
    run: () => [
      runRow('run --rm IMAGE true, no network', 'none', present, scratch.path),
      runRow('run --rm IMAGE true, bridge', 'bridge', present, scratch.path),
    ],
    memory: () => [memoryRow(present)],
    exec: () => [execRow(present, scratch.path)],
    batch: () => batchRows(present),
    crowd: () => crowdRows(scratch.path, tar),
    start: () => [startRow(present, scratch.path)],
    bundle: () => bundleRows(scratch.path),
    commit: () => [commitRow(present)],
    layerMemory: async () => [await layerMemoryRow(scratch.path)],
    list: () => [listRow(scratch.path)],
    logs: () => logRows(present, scratch.path),
    plan: () => planRows(scratch.path),
    seccomp: () => seccompRows(scratch.path),
    transfer: () => transferRows(present, scratch.path),
  };
  const rows: Row[] = [];
  for (const [name, measured] of Object.entries(groups)) if (isWanted(name)) rows.push(...(await measured()));
  report(
    rows,
    [...all, { name: bareBun }, { name: libseccomp }, { name: 'skopeo' }, { name: emptyStore }],
    new Map(present.map(({ name, version }) => [name, version])),
  );
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

function runRow(title: string, network: Network, engines: readonly Engine[], scratch: string): Row {
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
  if (missed) process.exitCode = 1;
}
