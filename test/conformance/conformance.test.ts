/**
 * The bundles under onggi, runc and crun: what a container sees of itself is compared field by field. A difference is
 * either written down with the bundle, with its reason, or fails.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '../harness/busybox-image.ts';
import { removeCgroups } from '../harness/cgroup-tree.ts';
import { findLeaks, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { type Bundle, type Difference, type Fields, measured, type RuntimeName, runtimes } from './bundle.ts';
import { bundles, generalDifferences } from './bundles.ts';
import { compare } from './compare.ts';
import { openJoinable } from './place.ts';
import { runBundle } from './run-bundle.ts';
import { viewOf } from './view.ts';

const programs: Readonly<Record<RuntimeName, string>> = {
  onggi: process.env['ONGGI_RUNTIME'] ?? join(repository, 'dist/onggi-runtime'),
  runc: 'runc',
  crun: 'crun',
};

const cgroupParent = 'onggi-conformance';

const seen = new Set<Difference>();
const ran = new Set<Bundle>();

for (const bundle of bundles) {
  const needs = requires('root', 'runc', 'crun', ...(bundle.needs ?? []));
  test(`${bundle.name}: ${bundle.about}`, { timeout: 60_000, ...needs }, async () => {
    assert.ok(existsSync(programs.onggi), `"${programs.onggi}" is not built: run make`);
    await lockMachine();
    const before = snapshot();
    const result = await compareBundle(bundle);
    removeCgroups(cgroupParent);
    const left = await findLeaks(before);
    assert.ok(result.length === 0, `differences:\n${result.join('\n')}`);
    assert.deepEqual(left, [], 'left behind');
    ran.add(bundle);
  });
}

// A reason that no longer holds misleads. Other versions of the peers may well do better.
test('every difference that is written down was seen', requires('root', 'runc', 'crun'), (context) => {
  const stale = [...generalDifferences, ...[...ran].flatMap((bundle) => bundle.differences ?? [])].filter(
    (difference) => !seen.has(difference) && difference.sometimes !== true && isMeasured(difference.runtime),
  );
  if (ran.size < bundles.length) context.diagnostic(`${ran.size} of ${bundles.length} bundles ran`);
  const words = stale.map(({ runtime, field, why }) => `${runtime} ${field}: ${why}`);
  assert.deepEqual(words, [], 'not seen');
});

/** @returns a line for each problem */
async function compareBundle(bundle: Bundle): Promise<string[]> {
  await using scratch = makeScratch();
  // Root of a user namespace goes through it.
  chmodSync(scratch.path, 0o755);
  await using joinable = await openJoinable();
  const place = {
    id: 'onggi-conformance',
    bundle: join(scratch.path, 'bundle'),
    namespaces: joinable.path,
    cgroup: `/${cgroupParent}/c`,
    disk: someDisk(),
  };
  const views = new Map<RuntimeName, Fields>();
  const problems: string[] = [];
  for (const runtime of runtimes) {
    const shown = await runBundle(bundle, programs[runtime], place);
    const reason = bundle.refused?.[runtime];
    if (reason === undefined && (shown.exit !== 0 || shown.report === ''))
      problems.push(`${runtime} ended with ${shown.exit}, and the probe said "${shown.report}": ${shown.stderr}`);
    else if (reason === undefined) views.set(runtime, viewOf(shown, { ...place, joinable: joinable.namespaces }));
    else if (shown.exit === 0 && isMeasured(runtime))
      problems.push(`${runtime} runs it, though written was: ${reason}`);
  }
  const compared = compare(bundle, generalDifferences, views);
  for (const difference of compared.seen) seen.add(difference);
  return [...problems, ...compared.problems];
}

function isMeasured(runtime: RuntimeName): boolean {
  if (runtime === 'onggi') return true;
  versions[runtime] ??= spawnSync(runtime, ['--version'], { encoding: 'utf8' }).stdout;
  return versions[runtime].split('\n')[0]?.includes(measured[runtime]) ?? false;
}

const versions: Partial<Record<RuntimeName, string>> = {};

/** Numbers of the first block device. */
function someDisk(): { major: number; minor: number } {
  const [name] = readdirSync('/sys/block');
  const [major = 0, minor = 0] = readFileSync(`/sys/block/${name}/dev`, 'utf8').split(':').map(Number);
  return { major, minor };
}
