/** From config.json to the bytes of a plan, with 60 mounts: in a fresh process, and in one that has done it before. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount, Spec } from '../src/oci/runtime-spec.ts';
import { repository } from '../test/harness/busybox-image.ts';
import { median, ours, type Row, type Target } from './table.ts';

const turns = 15;
const mountCount = 60;

/** Docker's defaults without a filter of system calls, whose price the row of its loading tells, and many volumes. */
function manyMounts(): Spec {
  const file = join(repository, 'src/runtime/plan/testdata/docker-default/config.json');
  const { linux: { seccomp: _filter, ...linux } = {}, ...spec } = JSON.parse(readFileSync(file, 'utf8')) as Spec;
  const mounts: Mount[] = [...(spec.mounts ?? [])];
  while (mounts.length < mountCount) {
    const number = mounts.length;
    const options = ['rbind', 'rprivate', ...(number % 2 === 0 ? ['ro', 'nosuid', 'rnodev'] : ['rw'])];
    mounts.push({ destination: `/volumes/${number}`, type: 'bind', source: `/srv/volumes/${number}`, options });
  }
  return { ...spec, mounts, linux };
}

export function planRows(scratch: string): Row[] {
  console.error('measuring: plan of 60 mounts');
  const [program, config] = [join(scratch, 'plan-program'), join(scratch, 'sixty-mounts.json')];
  writeFileSync(config, JSON.stringify(manyMounts()));
  const machine = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const bun = join(repository, `toolchain/node_modules/@oven/bun-linux-${machine}/bin/bun`);
  // As the Makefile compiles onggi.
  const flags = ['--compile', '--bytecode', '--minify', '--format=esm'];
  const source = join(repository, 'bench/plan-program.ts');
  execFileSync(bun, ['build', source, ...flags, '--outfile', program], { stdio: 'ignore' });
  const measured: { readonly compiled: number; readonly cold: number; readonly warm: number }[] = [];
  // And as it starts (scripts/seal-executable.ts).
  const env = { ...process.env, JavaScriptCoreUseJIT: '0' };
  for (let turn = 0; turn < turns; turn++) {
    measured.push(JSON.parse(execFileSync(program, [config], { encoding: 'utf8', env })));
  }
  const row = (title: string, values: readonly number[], targets: readonly Target[]): Row => ({
    title,
    unit: 'ms',
    values: new Map([[ours, median(values)]]),
    targets,
  });
  const all = `config.json of ${mountCount} mounts to the bytes of its plan`;
  return [
    row(
      `plan of ${mountCount} mounts compiled, first time`,
      measured.map(({ compiled }) => compiled),
      [{ value: 2 }],
    ),
    row(
      `${all}, first time`,
      measured.map(({ cold }) => cold),
      [],
    ),
    row(
      `${all}, again`,
      measured.map(({ warm }) => warm),
      [{ value: 2 }],
    ),
  ];
}
