/**
 * `make fuzz`: damages configurations, plans and logs with new numbers until the time is over.
 *
 *   node scripts/fuzz.ts [SECONDS]     ten minutes when absent
 *
 * What it finds is printed with its seed and ends it with status 1.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFuzzer, judge } from '../test/fuzz/config.ts';

const repository = join(import.meta.dirname, '..');
const seconds = Number(process.argv[2] ?? 600);
const directory = mkdtempSync(join(tmpdir(), 'fuzz-'));
const shim = join(repository, 'dist/asan/onggi-shim');
const fuzzer = join(repository, 'dist/asan/plan-fuzz');

/** @returns what is wrong, undefined when nothing is */
function damageConfigs(seed: number, rounds: number): { readonly wrong?: string; readonly plan?: Uint8Array } {
  const { next } = configFuzzer(seed);
  let plan: Uint8Array | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const text = next();
    try {
      const verdict = judge(text);
      if ('plan' in verdict) plan = verdict.plan;
    } catch (error) {
      return { wrong: `${error instanceof Error ? error.stack : String(error)}\n${text}` };
    }
  }
  return plan === undefined ? {} : { plan };
}

/** The plan of a damaged configuration is taken by the shim, and damaged in its turn for the reader of plans. */
function damagePlan(plan: Uint8Array, seed: number): string | undefined {
  const checked = spawnSync(shim, ['--check'], { input: plan, encoding: 'utf8' });
  if (checked.status !== 0) return `the shim refuses a plan: ${checked.stderr}`;
  const path = join(directory, 'plan');
  writeFileSync(path, plan);
  const damaged = spawnSync(fuzzer, [path, '100000', String(seed)], { encoding: 'utf8' });
  return damaged.status === 0 ? undefined : `${fuzzer} ${path} 100000 ${seed}: ${damaged.stderr}`;
}

function damageLogs(seed: number): string | undefined {
  const logFuzzer = join(repository, 'dist/asan/log-fuzz');
  const damaged = spawnSync(logFuzzer, ['20000', String(seed)], { encoding: 'utf8' });
  return damaged.status === 0 ? undefined : `${logFuzzer} 20000 ${seed}: ${damaged.stderr}`;
}

const began = Date.now();
let seed = began % 0x7fff_ffff;
let runs = 0;
let wrong: string | undefined;
for (; wrong === undefined && Date.now() - began < seconds * 1000; seed += 1) {
  const found = damageConfigs(seed, 5000);
  wrong = found.wrong ?? (found.plan === undefined ? undefined : damagePlan(found.plan, seed)) ?? damageLogs(seed);
  runs += 1;
}
if (wrong === undefined) {
  console.log(
    `fuzz: ${runs * 5000} configurations and ${runs * 100_000} plans, ${runs * 20_000} log entries, nothing found`,
  );
  rmSync(directory, { recursive: true });
} else {
  console.error(`fuzz: seed ${seed - 1}: ${wrong}`);
  process.exitCode = 1;
}
